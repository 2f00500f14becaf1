package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestProxyHeaderWithConnect: the fields go to the proxy, and not through the tunnel.
func TestProxyHeaderWithConnect(t *testing.T) {
	heads, inside := make(chan http.Header, 1), make(chan string, 1)
	host, port := serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		heads <- q.Header
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		line, _ := r.ReadString('\n')
		inside <- line
	})
	o := protocols.Options{ProxyHeader: map[string][]string{"x-token": {"one", "two"}, "User-Agent": {"me"}}}
	c, err := throughProxy(t, "http://"+net.JoinHostPort(host, port), o, "server.test", "21")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello\n")
	h := <-heads
	if !slices.Equal(h["X-Token"], []string{"one", "two"}) || h.Get("User-Agent") != "me" || len(h) != 2 {
		t.Errorf("the proxy got %q", h)
	}
	if got := <-inside; got != "hello\n" {
		t.Errorf("the server got %q", got)
	}
}

// TestProxyHeaderRefused: nothing is sent when a field would not stay in its line, or
// changes what the request is. No error shows a value.
func TestProxyHeaderRefused(t *testing.T) {
	host, port := serve(t, func(c net.Conn) {
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("the proxy got %q", b)
		}
	})
	for name, value := range map[string]string{
		"X-A": "s3cret\r\nX-B: c", "X-C": "s3cret\nx", "X-D": "s3cret\x00", "X E": "s3cret", "X-F\r\nX-G": "s3cret", "": "s3cret",
		"host": "s3cret", "Content-Length": "s3cret", "Transfer-Encoding": "s3cret", "connection": "s3cret",
	} {
		o := protocols.Options{ProxyHeader: map[string][]string{name: {value}}}
		_, err := throughProxy(t, "http://"+net.JoinHostPort(host, port), o, "server.test", "21")
		if wantKind(t, err, protocols.KindUsage); strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
