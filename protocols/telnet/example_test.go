package telnet_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/telnet"
)

// Logs in, runs a command and prints what it says.
func Example() {
	server, err := lab.StartTelnet(lab.TelnetOptions{}) // stands for telnet.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, _, err := protocols.Open[*telnet.Client](telnet.Spec(), server.URL(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := c.Connect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	s := expect.NewStream(conn, 0)
	for _, step := range []struct{ wait, answer string }{{"login: ", "alice"}, {"Password: ", "secret"}, {"$ ", "echo hello"}} {
		if _, err := s.ReadUntil(ctx, step.wait, time.Minute); err != nil {
			log.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s\r\n", step.answer); err != nil {
			log.Fatal(err)
		}
	}
	text, err := s.ReadUntil(ctx, "hello\r\n", time.Minute)
	fmt.Println(len(text) > 0, err)
	// Output: true <nil>
}
