package adapter_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// elsewhere is a connection to another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2628} }

// TestSecretIsRefused: a secret goes to another machine only over TLS, or where the
// options allow it.
func TestSecretIsRefused(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		t.Run(fmt.Sprintf("allowed=%v", allowed), func(t *testing.T) {
			heard := make(chan string, 1)
			addr := labtest.Serve(t, func(c net.Conn) {
				line, _ := bufio.NewReader(c).ReadString('\n')
				heard <- line
			})
			o := &protocols.Options{AllowPlaintextAuth: allowed, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				return elsewhere{c}, err
			}}
			b, err := adapter.New(&spec, &url.URL{Scheme: "dict", Host: "dict.example.org"}, o)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			op, err := b.Begin(t.Context(), "get", "dot")
			if err != nil {
				t.Fatal(err)
			}
			err = op.End(op.SendSecret("AUTH", "***", "secret"))
			if errors.Is(err, protocols.ErrCleartext) == allowed || allowed && err != nil {
				t.Errorf("error %v", err)
			}
			if line := <-heard; (line != "") != allowed {
				t.Errorf("the server heard %q", line)
			}
		})
	}
}

func TestStartTLS(t *testing.T) {
	ca, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	addr := labtest.Serve(t, func(c net.Conn) {
		c.Write([]byte("220 ready\r\n"))
		if line, _ := bufio.NewReader(c).ReadString('\n'); line != "STARTTLS\r\n" {
			return
		}
		c.Write([]byte("220 go on\r\n"))
		secure := tls.Server(c, ca.ServerConfig())
		if _, err := bufio.NewReader(secure).ReadString('\n'); err == nil {
			secure.Write([]byte("250 safe\r\n"))
		}
	})
	b, err := adapter.New(&spec, &url.URL{Scheme: "dict", Host: addr}, &protocols.Options{TLS: protocols.TLS{Config: ca.ClientConfig()}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	op, err := b.Begin(t.Context(), "get", "dot")
	if err != nil {
		t.Fatal(err)
	}
	steps := []func() error{
		func() error { _, err := op.Reply(); return err },
		func() error { return op.Send("STARTTLS") },
		func() error { _, err := op.Reply(); return err },
		op.StartTLS,
		func() error { return op.SendSecret("AUTH", "***", "secret") },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, op.End(err))
		}
	}
	if r, err := op.Reply(); err != nil || r.Text() != "safe" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := op.End(nil); err != nil {
		t.Error(err)
	}
}

// TestNothingBeforeTLS: what lies unread before TLS is not taken for an answer in it.
func TestNothingBeforeTLS(t *testing.T) {
	addr := labtest.Serve(t, func(c net.Conn) {
		c.Write([]byte("220 go on\r\n250 injected\r\n"))
		c.Read(make([]byte, 1))
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
	if err := op.End(op.StartTLS()); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("error %v", err)
	}
}
