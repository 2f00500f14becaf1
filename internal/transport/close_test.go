package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// wantClosed checks that err means that this side has closed the connection.
func wantClosed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, protocols.ErrClosed) || !errors.Is(err, net.ErrClosed) || protocols.IsRetryable(err) {
		t.Errorf("%v (kind %v, retryable %v)", err, protocols.KindOf(err), protocols.IsRetryable(err))
	}
}

// TestCloseEndsIO: when this side closes the connection, every kind of blocked
// I/O ends with ErrClosed.
func TestCloseEndsIO(t *testing.T) {
	stall := make(chan struct{})
	defer close(stall)
	host, port := serve(t, func(net.Conn) { <-stall })
	ways := map[string]func(c *Conn) error{
		"read":       func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		"file":       func(c *Conn) error { _, err := c.WriteTo(newFile(t)); return err },
		"pipe":       func(c *Conn) error { _, w := pipes(t); _, err := c.WriteTo(w); return err },
		"memory":     func(c *Conn) error { _, err := c.WriteTo(io.Discard); return err },
		"write":      func(c *Conn) error { _, err := io.Copy(c, endlessZeros{}); return err },
		"afterwards": func(c *Conn) error { c.Close(); _, err := c.Read(make([]byte, 1)); return err },
	}
	for name, wait := range ways {
		t.Run(name, func(t *testing.T) {
			c := connect(t, dialer(nil), host, port)
			defer time.AfterFunc(30*time.Millisecond, func() { c.Close() }).Stop()
			wantClosed(t, wait(c))
		})
	}
	t.Run("net.Pipe", func(t *testing.T) {
		o, far := pipe(protocols.Options{})
		defer far.Close()
		c, err := dialer(o).Dial(context.Background(), "control", "tcp", "h", "1")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		_, err = c.Write([]byte("x"))
		wantClosed(t, err)
	})
}

type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) { return len(p), nil }
