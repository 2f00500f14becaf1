package line

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// toy is a session of a protocol that has nothing but commands and replies.
type toy struct{ *Core }

func toyProtocol() Protocol[*toy] {
	fail := func(r *protocols.Reply) *protocols.Error {
		return &protocols.Error{Kind: protocols.KindRefused, Code: r.Code, Text: r.Text()}
	}
	return Protocol[*toy]{
		Name: "toy",
		Dialect: Dialect{
			Read: Numeric(wire.SMTP), Refusal: fail,
			Want: func(r *protocols.Reply) error {
				if r.Code < 400 {
					return nil
				}
				return fail(r)
			},
			Farewell:  func(r *protocols.Reply) bool { return r.Code == 421 },
			Challenge: func(r *protocols.Reply) bool { return r.Code == 334 },
		},
		URLOf:   func(string) string { return "toy://server/" },
		Open:    func(t *Core) (*toy, error) { return &toy{t}, nil },
		Greet:   func(s *toy) (string, error) { r, err := s.Reply(); return "", cmpErr(r, err) },
		Offers:  func(*toy) bool { return false },
		LogIn:   func(context.Context, *toy) error { return nil },
		Lives:   func(*toy) bool { return true },
		Goodbye: func(s *toy) { _, _ = s.Cmd("QUIT") },
	}
}

func cmpErr(_ *protocols.Reply, err error) error { return err }

// server answers each line of a client with what answer returns; "" is silence.
type server struct {
	mu       sync.Mutex
	lines    []string
	sessions int
	answer   func(line string) string
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	fmt.Fprint(conn, "220 toy\r\n")
	for in.Scan() {
		s.mu.Lock()
		s.lines = append(s.lines, in.Text())
		s.mu.Unlock()
		if _, err := io.WriteString(conn, s.answer(in.Text())); err != nil {
			return
		}
	}
}

func (s *server) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "|")
}

// remote is a connection whose peer is another machine.
type remote struct{ net.Conn }

func (remote) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

// connect makes a client of s, which is far away if far is set. trace returns what was
// traced.
func connect(t *testing.T, s *server, far bool) (c *Client[*toy], trace func() string) {
	t.Helper()
	var mu sync.Mutex
	var text strings.Builder
	o := &protocols.Options{
		Trace: func(e protocols.Event) {
			mu.Lock()
			defer mu.Unlock()
			text.WriteString(e.Text + "\n")
		},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			near, end := net.Pipe()
			s.mu.Lock()
			s.sessions++
			s.mu.Unlock()
			go s.serve(end)
			if far {
				return remote{near}, nil
			}
			return near, nil
		},
	}
	c = New(toyProtocol(), &url.URL{Scheme: "toy", Host: "server"}, protocols.Scheme{Name: "toy", Port: 25}, o)
	t.Cleanup(func() { c.Close() })
	return c, func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}
