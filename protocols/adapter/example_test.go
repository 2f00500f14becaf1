package adapter_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
)

// Asks a server for who is logged in, as the client of an adapter for finger does.
func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0") // stands for a host with finger
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Read(make([]byte, 100))
		fmt.Fprint(c, "Login: alice\r\n")
		c.Close()
	}()
	spec := &protocols.Spec{Name: "finger", Schemes: []protocols.Scheme{{Name: "finger", Port: 79, TLS: protocols.TLSNone}}}
	b, err := adapter.New(spec, &url.URL{Scheme: "finger", Host: l.Addr().String()}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	op, err := b.Begin(context.Background(), "get", "")
	if err != nil {
		log.Fatal(err)
	}
	if err := op.Send(""); err != nil {
		log.Fatal(op.End(err))
	}
	text, err := io.ReadAll(op.Rest())
	fmt.Printf("%q %v\n", text, op.End(err))
	// Output: "Login: alice\r\n" <nil>
}
