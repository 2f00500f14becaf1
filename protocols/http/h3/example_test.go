package h3_test

import (
	"context"
	"fmt"
	"log"
	"net/url"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/http/h3"
	"github.com/netclients/netclients/protocols/lab"
)

// A client speaks HTTP/3 only.
func Example() {
	server, err := lab.StartHTTP(lab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, HTTP3: true}) // stands for www.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	u, err := url.Parse(server.URL())
	if err != nil {
		log.Fatal(err)
	}

	c, err := http.New(u, &protocols.Options{TLS: protocols.TLS{Config: server.Authority().ClientConfig()}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.Settings.Version, c.Settings.HTTP3 = http.HTTP3, h3.Start
	resp, err := c.Do(context.Background(), http.NewRequest("GET", u, nil))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Proto, resp.Status)
	// Output: HTTP/3.0 200
}
