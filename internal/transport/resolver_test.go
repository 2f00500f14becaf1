package transport

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// names is a resolver of a test's own.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	ips, ok := n[network+" "+host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

// TestResolver: the resolver of the options is asked in the place of the system's.
func TestResolver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	r := names{"ip server.test": {netip.MustParseAddr("127.0.0.1")}, "ip4 server.test": {netip.MustParseAddr("127.0.0.1")}, "ip empty.test": nil}
	for _, c := range []struct {
		host   string
		family int
		kind   protocols.Kind
	}{{"server.test", 0, protocols.KindOK}, {"server.test", 4, protocols.KindOK}, {"server.test", 6, protocols.KindConnect}, {"nowhere.test", 0, protocols.KindConnect}, {"empty.test", 0, protocols.KindConnect}, {"127.0.0.1", 0, protocols.KindOK}} {
		d := NewDialer("ftp", &url.URL{Scheme: "ftp", Host: c.host}, &protocols.Options{Resolver: r, Family: c.family})
		conn, err := d.Dial(t.Context(), "control", "tcp", c.host, port)
		if kind := protocols.KindOf(err); kind != c.kind {
			t.Errorf("%s, family %d: kind %v, %v", c.host, c.family, kind, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
}
