package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// guard is a guard that counts.
type guard struct {
	refuse, dead     atomic.Pointer[protocols.Error]
	admitted, closed atomic.Int32
	where            atomic.Value
}

func (g *guard) Admit(_ context.Context, host, port string) (func(), error) {
	if why := g.refuse.Load(); why != nil {
		return nil, why
	}
	g.admitted.Add(1)
	g.where.Store(host + " " + port)
	return func() { g.closed.Add(1) }, nil
}

func (g *guard) Alive() error {
	if why := g.dead.Load(); why != nil {
		return why
	}
	return nil
}

// TestGuard: a guard is asked for each connection, hears once of its end, and can end it.
func TestGuard(t *testing.T) {
	addr := labtest.Answer(t, "hello\r\n", func(line string) string { return line + "\r\n" })
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	lost := &protocols.Error{Kind: protocols.KindInterrupted, Text: "the lease is over"}
	dial := func(g *guard, port string) (*Conn, error) {
		d := NewDialer("tcp", &url.URL{Scheme: "tcp", Host: net.JoinHostPort(host, port)}, &protocols.Options{Guard: g})
		return d.Dial(t.Context(), "control", "tcp", host, port)
	}
	t.Run("admitted", func(t *testing.T) {
		g := &guard{}
		c, err := dial(g, port)
		if err != nil {
			t.Fatal(err)
		}
		if g.where.Load() != host+" "+port || g.closed.Load() != 0 {
			t.Errorf("admitted to %v, %d closed", g.where.Load(), g.closed.Load())
		}
		c.Close()
		c.Close()
		if g.admitted.Load() != 1 || g.closed.Load() != 1 {
			t.Errorf("%d admitted, %d closed", g.admitted.Load(), g.closed.Load())
		}
	})
	t.Run("not admitted", func(t *testing.T) {
		g := &guard{}
		g.refuse.Store(lost)
		if c, err := dial(g, port); !errors.Is(err, lost) || c != nil {
			t.Errorf("error %v", err)
		}
		if g.closed.Load() != 0 {
			t.Error("what was not admitted was closed")
		}
	})
	t.Run("not connected", func(t *testing.T) {
		g := &guard{}
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, free, err := net.SplitHostPort(l.Addr().String())
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dial(g, free); protocols.KindOf(err) != protocols.KindConnect {
			t.Errorf("error %v", err)
		}
		if g.admitted.Load() != 1 || g.closed.Load() != 1 {
			t.Errorf("%d admitted, %d closed", g.admitted.Load(), g.closed.Load())
		}
	})
	for name, use := range map[string]func(c *Conn) error{
		"a read":  func(c *Conn) error { _, err := c.Read(make([]byte, 10)); return err },
		"a write": func(c *Conn) error { _, err := c.Write([]byte("x\r\n")); return err },
		"a copy":  func(c *Conn) error { _, err := c.WriteTo(io.Discard); return err },
	} {
		t.Run(name+" after the end of the right", func(t *testing.T) {
			g := &guard{}
			c, err := dial(g, port)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			g.dead.Store(lost)
			if err := use(c); !errors.Is(err, lost) {
				t.Errorf("error %v", err)
			}
			g.dead.Store(nil)
			if _, err := c.Write([]byte("x\r\n")); err == nil {
				t.Error("the connection works again")
			}
		})
	}
}
