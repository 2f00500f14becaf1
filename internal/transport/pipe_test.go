package transport

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func pipes(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// TestWriteToPipe: all received bytes go into the pipe, no more than requested,
// whether its reader or the peer is slower.
func TestWriteToPipe(t *testing.T) {
	data := randomBytes(5<<20 + 77)
	for name, pauses := range map[string]struct{ peer, reader time.Duration }{"fast": {}, "slow peer": {peer: time.Millisecond}, "slow reader": {reader: time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			host, port := serve(t, func(c net.Conn) {
				for rest := data; len(rest) > 0; rest = rest[min(len(rest), 100_000):] {
					c.Write(rest[:min(len(rest), 100_000)])
					time.Sleep(pauses.peer)
				}
			})
			r, w := pipes(t)
			c := connect(t, dialer(nil), host, port)
			got := make(chan string, 1)
			go func() {
				var all []byte
				for buf := make([]byte, 70_000); ; time.Sleep(pauses.reader) {
					n, err := r.Read(buf)
					if all = append(all, buf[:n]...); err != nil {
						got <- string(all)
						return
					}
				}
			}()
			half := int64(len(data) / 2)
			n, err := c.WriteToN(w, half)
			if n != half || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			if n, err := c.WriteTo(w); n != int64(len(data))-half || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			w.Close()
			if <-got != string(data) {
				t.Error("the pipe returned different bytes")
			}
		})
	}
}

// TestWriteToPipeEnds: a reader that exits is an error of the pipe, a silent peer
// is an error of the peer, and a full pipe does not outlast the context.
func TestWriteToPipeEnds(t *testing.T) {
	endless := func(c net.Conn) {
		for buf := make([]byte, 64<<10); ; {
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}
	host, port := serve(t, endless)
	r, w := pipes(t)
	c := connect(t, dialer(nil), host, port)
	go func() { io.ReadFull(r, make([]byte, 1<<20)); r.Close() }()
	_, err := c.WriteTo(w)
	if pe, ok := errors.AsType[*fs.PathError](err); !ok || !errors.Is(err, syscall.EPIPE) || pe.Path == "" {
		t.Errorf("no reader: %v", err)
	}

	host, port = serve(t, func(c net.Conn) { c.Write([]byte("x")); io.Copy(io.Discard, c) })
	_, w = pipes(t)
	c = connect(t, dialer(&protocols.Options{IdleTimeout: 100 * time.Millisecond}), host, port)
	n, err := c.WriteTo(w)
	if wantKind(t, err, protocols.KindTimeout); n != 1 {
		t.Errorf("silent peer: %d bytes", n)
	}

	host, port = serve(t, endless)
	_, w = pipes(t)
	c = connect(t, dialer(nil), host, port)
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	done := c.Use(ctx)
	defer done()
	_, err = c.WriteTo(w)
	wantKind(t, err, protocols.KindTimeout)
}
