package http

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// raw is a server that says what it is told: for each request it reads the head
// and returns the next answer; after the last one it closes.
type raw struct {
	url   string
	mu    sync.Mutex
	heads []string
}

func startRaw(t testing.TB, answers ...string) *raw {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{url: "http://" + ln.Addr().String() + "/"}
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			n = r.talk(conn, answers, n)
			conn.Close()
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return r
}

func (r *raw) talk(conn net.Conn, answers []string, n int) int {
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	for n < len(answers) {
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := in.ReadString('\n')
			if err != nil {
				return n
			}
			head += line
		}
		r.mu.Lock()
		r.heads = append(r.heads, head)
		r.mu.Unlock()
		answer := answers[n]
		n++
		if endless, ok := strings.CutPrefix(answer, "ENDLESS "); ok {
			start, unit, _ := strings.Cut(endless, "|")
			io.WriteString(conn, start)
			for block := strings.Repeat(unit, 1+(16<<10)/len(unit)); ; {
				if _, err := io.WriteString(conn, block); err != nil {
					return n
				}
			}
		}
		io.WriteString(conn, answer)
		if strings.HasPrefix(answer, "HTTP/1.1 5") || strings.Contains(answer, "Connection: close") || !strings.Contains(answer, "Content-Length") && !strings.Contains(answer, "chunked") {
			return n
		}
	}
	return n
}

func (r *raw) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.heads...)
}

// fetch reads an object to its end.
func fetch(t testing.TB, c *Client, name string, o *protocols.GetOptions) (string, *protocols.Object, error) {
	t.Helper()
	obj, err := c.Get(t.Context(), name, o)
	if err != nil {
		return "", nil, err
	}
	b, err := io.ReadAll(obj.Body)
	obj.Body.Close()
	return string(b), obj, err
}

// do makes a request and reads the answer.
func do(t testing.TB, c *Client, r *Request) (*Response, string) {
	t.Helper()
	resp, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return resp, string(b)
}

func wantKind(t testing.TB, err error, kind protocols.Kind) {
	t.Helper()
	if protocols.KindOf(err) != kind {
		t.Errorf("kind %v, want %v: %v", protocols.KindOf(err), kind, err)
	}
	if e, ok := errors.AsType[*protocols.Error](err); err != nil && (!ok || e.Proto != proto) {
		t.Errorf("not an error of this protocol: %v", err)
	}
}

// quick bounds a call that must not hang.
func quick(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dialInstead connects to addr where path is asked for.
func dialInstead(path, addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "unix" || address != path {
			return nil, errors.New("dialed " + network + " " + address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
}

func proxyTo(u *url.URL) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return u, nil }
}
