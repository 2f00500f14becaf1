package smtp

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// zone is a resolver of the test's own.
type zone map[string][]*net.MX

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	switch {
	case name == "broken.example":
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	case z[name] == nil:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return z[name], nil
}

func TestExchangers(t *testing.T) {
	many := []*net.MX{}
	for i := range 100 {
		many = append(many, &net.MX{Host: string(rune('a'+i%26)) + strings.Repeat("x", i) + ".example.", Pref: 5})
	}
	z := zone{
		"two.example":              {{Host: "second.example.", Pref: 20}, {Host: "first.example.", Pref: 10}, {Host: "second.example.", Pref: 30}},
		"null.example":             {{Host: ".", Pref: 0}},
		"xn--bcher-kva.example":    {{Host: "mx.example.", Pref: 1}},
		"many.example":             many,
		"same-preference.example.": {},
	}
	tests := []struct {
		domain string
		want   []string
		kind   protocols.Kind
	}{
		{"two.example", []string{"first.example", "second.example"}, 0},
		{"alone.example", []string{"alone.example"}, 0},
		{"bücher.example", []string{"mx.example"}, 0},
		{"[192.0.2.1]", []string{"192.0.2.1"}, 0},
		{"[IPv6:2001:db8::1]", []string{"2001:db8::1"}, 0},
		{"[nonsense]", nil, protocols.KindUsage},
		{"a b", nil, protocols.KindUsage},
		{"null.example", nil, protocols.KindRefused},
		{"broken.example", nil, protocols.KindConnect},
	}
	for _, tt := range tests {
		got, err := Exchangers(t.Context(), z, tt.domain)
		if !slices.Equal(got, tt.want) || protocols.KindOf(err) != tt.kind {
			t.Errorf("%s: %v, %v", tt.domain, got, err)
		}
	}
	if got, err := Exchangers(t.Context(), z, "many.example"); err != nil || len(got) != maxExchangers {
		t.Errorf("%d hosts, %v", len(got), err)
	}
}

// TestSendVia: hosts that cannot be reached or refuse everybody are passed by;
// what was said of a recipient is final, and so is a message that may have arrived.
func TestSendVia(t *testing.T) {
	good := start(t, maillab.SMTPOptions{})
	hosts := map[string]*maillab.SMTPServer{
		"good":     good,
		"greeting": start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:greeting=554 5.7.1 not here")}}),
		"busy":     start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:MAIL=451 4.3.2 later")}}),
		"reset":    start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "reset:EHLO")}}),
		"greylist": start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:RCPT=450 4.7.1 come again")}}),
		"spam":     start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:END=451 4.7.1 later")}}),
		"no user":  start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:RCPT=550 5.1.1 nobody")}}),
		"lost":     start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "drop:END")}}),
	}
	open := func(host string) (*Client, error) {
		u := &url.URL{Scheme: "smtp", Host: "127.0.0.1:1"}
		if s := hosts[host]; s != nil {
			u.Host = s.Addr()
		}
		return New(u, nil)
	}
	tests := []struct {
		order []string
		last  string
		kind  protocols.Kind
	}{
		{[]string{"down", "greeting", "busy", "reset", "good"}, "good", 0},
		{[]string{"good", "down"}, "good", 0},
		{[]string{"greylist", "good"}, "good", 0},
		{[]string{"spam", "good"}, "spam", protocols.KindTemporary},
		{[]string{"no user", "good"}, "no user", protocols.KindRefused},
		{[]string{"lost", "good"}, "lost", protocols.KindProtocol},
		{[]string{"down", "busy"}, "busy", protocols.KindTemporary},
	}
	for _, tt := range tests {
		before := good.Received()
		host, _, err := SendVia(t.Context(), tt.order, open, mailOf(hello, "alice@example.org"))
		if host != tt.last || protocols.KindOf(err) != tt.kind {
			t.Errorf("%v: ended at %s with %v", tt.order, host, err)
		}
		if arrived := good.Received() > before; arrived != (tt.last == "good") {
			t.Errorf("%v: arrived is %v", tt.order, arrived)
		}
	}
	if _, _, err := SendVia(t.Context(), []string{"x"}, func(string) (*Client, error) { return nil, errors.New("no client") }, mailOf(hello, "a@b.org")); err == nil {
		t.Error("no error without a client")
	}
}
