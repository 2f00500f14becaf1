package doh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// answers is a server of DNS over HTTPS; each name has its answer.
func answers(t *testing.T, asked *atomic.Int64) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		b, _ := io.ReadAll(r.Body)
		var m dnsmessage.Message
		if err := m.Unpack(b); err != nil || m.ID != 0 || r.Header.Get("Content-Type") != "application/dns-message" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		q := m.Questions[0]
		m.Response = true
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
		switch name := q.Name.String(); {
		case name == "page.test.":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>")
			return
		case name == "garbage.test.":
			w.Header().Set("Content-Type", "application/dns-message")
			io.WriteString(w, "no")
			return
		case name == "none.test.":
			m.RCode = dnsmessage.RCodeNameError
		case name == "broken.test.":
			m.RCode = dnsmessage.RCodeServerFailure
		case q.Type == dnsmessage.TypeA:
			alias := head
			alias.Type = dnsmessage.TypeCNAME
			m.Answers = []dnsmessage.Resource{
				{Header: alias, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("other.test.")}},
				{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}}},
			}
		case name == "both.test.":
			m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::7").As16()}}}
		}
		packed, err := m.Pack()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/dns-message")
		w.Write(packed)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/dns-query")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestLookup: addresses of both families, kept as long as the answer says.
func TestLookup(t *testing.T) {
	var asked atomic.Int64
	r := New(answers(t, &asked), nil)
	defer r.Close()
	now := time.Now()
	r.now = func() time.Time { return now }
	for _, c := range []struct{ network, host, want string }{
		{"ip", "both.test", "[2001:db8::7 192.0.2.7]"}, {"ip4", "both.test.", "[192.0.2.7]"}, {"ip6", "both.test", "[2001:db8::7]"}, {"ip", "four.test", "[192.0.2.7]"},
	} {
		ips, err := r.LookupNetIP(t.Context(), c.network, c.host)
		if err != nil || fmt.Sprint(ips) != c.want {
			t.Errorf("%s %s: %v, %v", c.network, c.host, ips, err)
		}
	}
	before := asked.Load()
	r.LookupNetIP(t.Context(), "ip4", "both.test")
	if asked.Load() != before {
		t.Error("asked again for what is known")
	}
	now = now.Add(61 * time.Second)
	r.LookupNetIP(t.Context(), "ip4", "both.test")
	if asked.Load() != before+1 {
		t.Error("not asked again after the time of the answer")
	}
}

// TestFailures: what is not an address says why.
func TestFailures(t *testing.T) {
	var asked atomic.Int64
	r := New(answers(t, &asked), nil)
	defer r.Close()
	for host, notFound := range map[string]bool{"none.test": true, "broken.test": false, "page.test": false, "garbage.test": false, "a..b": false} {
		ips, err := r.LookupNetIP(t.Context(), "ip4", host)
		d, ok := errors.AsType[*net.DNSError](err)
		if !ok || d.IsNotFound != notFound || len(ips) > 0 {
			t.Errorf("%s: %v, %v", host, ips, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.LookupNetIP(ctx, "ip4", "later.test"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
