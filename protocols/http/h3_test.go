package http

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// QUIC is the Start of package h3, which imports this one: an external test sets it.
var QUIC StartHTTP3

// openQUIC makes a client of a lab server that asks for HTTP/3.
func openQUIC(t *testing.T, s *weblab.HTTPServer, at string, o *protocols.Options) *Client {
	t.Helper()
	o.TLS.Config = s.Authority().ClientConfig()
	c := labtest.Open(t, New, at, o)
	c.Settings.Version, c.Settings.HTTP3 = HTTP3, QUIC
	return c
}

// TestHTTP3Blocked: where nothing answers on UDP, the time to connect bounds the
// wait, and the error says what to leave away.
func TestHTTP3Blocked(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	hole, err := net.ListenPacket("udp", "127.0.0.1:0") // takes packets and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	start := time.Now()
	c := openQUIC(t, s, "https://"+hole.LocalAddr().String()+"/", &protocols.Options{ConnectTimeout: 300 * time.Millisecond})
	_, err = c.Get(quick(t), "x", nil)
	wantKind(t, err, protocols.KindTimeout)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	hole.Close()
	_, err = openQUIC(t, s, "https://"+hole.LocalAddr().String()+"/", &protocols.Options{ConnectTimeout: 300 * time.Millisecond}).Get(quick(t), "x", nil)
	if kind := protocols.KindOf(err); kind != protocols.KindConnect && kind != protocols.KindTimeout {
		t.Errorf("a closed port: %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("both took %v", took)
	}
}

// TestHTTP3ByProxy: no proxy carries it, and nothing goes past the proxy.
func TestHTTP3ByProxy(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, HTTP3: true})
	for _, proxy := range []string{"http://127.0.0.1:1", "socks5://127.0.0.1:1"} {
		c := openQUIC(t, s, s.URL(), &protocols.Options{Proxy: proxyTo(labtest.URL(t, proxy))})
		_, err := c.Get(quick(t), "README.txt", nil)
		wantKind(t, err, protocols.KindUsage)
		if err == nil || !strings.Contains(err.Error(), "proxy") {
			t.Errorf("%v", err)
		}
	}
	if got := s.Commands(); len(got) != 0 {
		t.Errorf("it went past the proxy: %q", got)
	}
}

// TestHTTP3NeedsTLS: an http URL has none.
func TestHTTP3NeedsTLS(t *testing.T) {
	c := labtest.Open(t, New, "http://127.0.0.1:1/", nil)
	c.Settings.Version, c.Settings.HTTP3 = HTTP3, QUIC
	_, err := c.Get(quick(t), "x", nil)
	wantKind(t, err, protocols.KindUsage)
}

// TestHTTP3Refusals: what HTTP/1.1 does in the same case: a wrong certificate, a
// refusal, a login, a redirect, a body that was not asked for in whole.
func TestHTTP3Refusals(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, HTTP3: true})
	stranger, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	bad := labtest.Open(t, New, s.URL(), &protocols.Options{TLS: protocols.TLS{Config: stranger.ClientConfig()}})
	bad.Settings.Version, bad.Settings.HTTP3 = HTTP3, QUIC
	_, err = bad.Get(quick(t), "README.txt", nil)
	wantKind(t, err, protocols.KindTLS)

	c := openQUIC(t, s, labtest.WithUser(s.URL()), &protocols.Options{})
	_, err = c.Get(quick(t), "-/status/404", nil)
	wantKind(t, err, protocols.KindRefused)
	if got := labtest.Read(t, c, "-/auth/digest"); got != "welcome, alice\n" {
		t.Errorf("login: %q", got)
	}
	if got := labtest.Read(t, c, "-/redirect/3"); !strings.HasPrefix(got, "Welcome") {
		t.Errorf("redirect: %q", got)
	}
	obj, err := c.Get(quick(t), "pub/large.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	obj.Body.Close() // nothing of it was read
	if got, _, err := fetch(t, c, "pub/large.bin", &protocols.GetOptions{Offset: 100, Length: 10}); err != nil || len(got) != 10 {
		t.Errorf("part: %d bytes, %v", len(got), err)
	}
}
