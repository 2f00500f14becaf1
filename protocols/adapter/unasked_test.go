package adapter_test

import (
	"net"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestUnasked: a reply that came with the greeting is not the answer to the command
// after it, and that command is not sent.
func TestUnasked(t *testing.T) {
	for name, send := range map[string]func(op *adapter.Operation) error{
		"command": func(op *adapter.Operation) error { return op.Send("DEFINE", "*", "dot") },
		"secret":  func(op *adapter.Operation) error { return op.SendSecret("AUTH", "***", "secret") },
	} {
		t.Run(name, func(t *testing.T) {
			heard := make(chan int, 1)
			addr := labtest.Serve(t, func(c net.Conn) {
				c.Write([]byte("220 ready\r\n250 done\r\n"))
				n, _ := c.Read(make([]byte, 100))
				heard <- n
			})
			b, err := adapter.New(&spec, &url.URL{Scheme: "dict", Host: addr}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			op, err := b.Begin(t.Context(), "get", "dot")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := op.Reply(); err != nil {
				t.Fatal(err)
			}
			if err = op.End(send(op)); protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("error %v", err)
			}
			if n := <-heard; n != 0 {
				t.Errorf("%d bytes were sent", n)
			}
		})
	}
}
