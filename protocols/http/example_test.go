package http_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/lab"
)

// Makes a request and reads the answer.
func ExampleClient_Do() {
	server, err := lab.StartHTTP(lab.HTTPOptions{}) // stands for www.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	u, err := protocols.ParseURL(server.URL()+"-/echo", "http")
	if err != nil {
		log.Fatal(err)
	}
	c, err := http.New(u, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	resp, err := c.Do(context.Background(), &http.Request{Method: "POST", URL: u, Body: strings.NewReader("hello"), Length: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, strings.Contains(string(text), "hello"))
	// Output: 200 true
}
