package socket

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestEndUnderTLS: the end of the input is not told to a server with TLS, which would take
// it for the end of the whole connection and throw its answer away, unless it is asked for.
func TestEndUnderTLS(t *testing.T) {
	for scheme, answers := range map[string]map[bool]string{"tcp": {false: "ended", true: "ended"}, "tls": {false: "answer", true: "ended"}} {
		cert, err := SelfSigned("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		o := &ListenOptions{Handle: func(_ context.Context, p *Peer) error {
			if _, err := io.ReadFull(p, make([]byte, len("QUIT\n"))); err != nil {
				return err
			}
			p.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			word := "answer"
			if _, err := p.Read(make([]byte, 1)); err == io.EOF {
				word = "ended"
			}
			_, err := io.WriteString(p, word)
			return err
		}}
		if scheme == "tls" {
			o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		}
		pool := x509.NewCertPool()
		pool.AddCert(cert.Leaf)
		for half, want := range answers {
			c := labtest.Open(t, New, serve(t, scheme+"://127.0.0.1:0", o), &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: pool}}})
			conn, err := c.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = conn.Join(t.Context(), strings.NewReader("QUIT\n"), &out, &JoinOptions{HalfClose: half})
			if conn.Close(); err != nil || out.String() != want {
				t.Errorf("%s, half close %v: %q, %v", scheme, half, out.String(), err)
			}
		}
	}
}

// TestBroadcastRefused: nothing goes to all of a network unless that is wanted.
func TestBroadcastRefused(t *testing.T) {
	for _, host := range []string{"255.255.255.255", "127.255.255.255"} {
		c, err := NewDatagram(labtest.URL(t, "udp://"+host+":9"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Connect(t.Context()); protocols.KindOf(err) != protocols.KindUsage && host[0] == '1' {
			t.Errorf("%s: %v", host, err)
		}
		c.Broadcast = true
		if conn, err := c.Connect(t.Context()); err == nil {
			conn.Close()
		} else if host[0] == '1' {
			t.Errorf("%s, wanted: %v", host, err)
		}
	}
	net24 := netip.MustParsePrefix("192.0.2.7/24")
	for addr, want := range map[string]bool{"192.0.2.255": true, "192.0.2.254": false, "192.0.3.255": false} {
		if isLast(net24, netip.MustParseAddr(addr)) != want {
			t.Error(addr)
		}
	}
	if isLast(netip.MustParsePrefix("192.0.2.7/31"), netip.MustParseAddr("192.0.2.7")) || isLast(netip.MustParsePrefix("192.0.2.7/32"), netip.MustParseAddr("192.0.2.7")) {
		t.Error("networks of one or two addresses have no address for all")
	}
}
