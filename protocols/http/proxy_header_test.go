package http

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestProxyHeader: the fields go with whole requests to the proxy, whose login stays;
// a server that is reached without it gets none.
func TestProxyHeader(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	proxy := startRaw(t, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=p\r\nContent-Length: 0\r\n\r\n", answer)
	at := labtest.URL(t, strings.Replace(proxy.url, "://", "://pat:pr0xy@", 1))
	o := &protocols.Options{Proxy: proxyTo(at), ProxyHeader: map[string][]string{"x-via": {"one", "two"}}}
	labtest.Read(t, labtest.Open(t, New, "http://origin.example/", o), "a")
	for _, head := range proxy.requests() {
		if !strings.Contains(head, "X-Via: one\r\nX-Via: two\r\n") {
			t.Errorf("to the proxy: %q", head)
		}
	}
	if last := proxy.requests()[1]; !strings.Contains(last, "Proxy-Authorization: Basic cGF0OnByMHh5\r\n") {
		t.Errorf("without its login: %q", last)
	}
	direct := startRaw(t, answer)
	labtest.Read(t, labtest.Open(t, New, direct.url, &protocols.Options{ProxyHeader: o.ProxyHeader}), "a")
	if head := direct.requests()[0]; strings.Contains(head, "X-Via") {
		t.Errorf("to the server: %q", head)
	}
	bad := &protocols.Options{Proxy: proxyTo(at), ProxyHeader: map[string][]string{"X-Via": {"a\r\nX-More: b"}}}
	_, _, err := fetch(t, labtest.Open(t, New, "http://origin.example/", bad), "a", nil)
	wantKind(t, err, protocols.KindUsage)
}
