// Package doh resolves names by DNS over HTTPS (RFC 8484).
package doh

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
)

const (
	maxAnswer = 64 << 10        // bytes of one answer
	longest   = 5 * time.Minute // that an answer is kept
	maxKept   = 1000            // answers that are kept
)

// Resolver is a [protocols.Resolver] that asks one server. It may be used by many
// goroutines.
type Resolver struct {
	url    *url.URL
	client *roundtrip.Transport
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]answer
}

// answer is what a server has said about a name.
type answer struct {
	ips  []netip.Addr
	ends time.Time
}

// New makes a resolver for the server at u, whose own name is resolved as o says. Nothing
// is asked of it yet. The caller closes it.
func New(u *url.URL, o *protocols.Options) *Resolver {
	return &Resolver{url: u, client: roundtrip.New(roundtrip.Config{Options: o}), now: time.Now, kept: map[string]answer{}}
}

// LookupNetIP returns the addresses of a host. network is "ip", "ip4" or "ip6". A name
// that does not exist is a *[net.DNSError].
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	types := map[string][]dnsmessage.Type{"ip4": {dnsmessage.TypeA}, "ip6": {dnsmessage.TypeAAAA}}[network]
	if types == nil {
		types = []dnsmessage.Type{dnsmessage.TypeAAAA, dnsmessage.TypeA}
	}
	found, errs := make([][]netip.Addr, len(types)), make([]error, len(types))
	var all sync.WaitGroup
	for i, t := range types {
		all.Go(func() { found[i], errs[i] = r.lookup(ctx, host, t) })
	}
	all.Wait()
	var ips []netip.Addr
	for _, some := range found {
		ips = append(ips, some...)
	}
	if err := cmp.Or(errs...); len(ips) == 0 && err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, Server: r.url.Host, IsNotFound: true}
	}
	return ips, nil
}

// lookup is the answer to one question, which may be known.
func (r *Resolver) lookup(ctx context.Context, host string, t dnsmessage.Type) ([]netip.Addr, error) {
	key := t.String() + " " + strings.ToLower(host)
	r.mu.Lock()
	known, ok := r.kept[key]
	r.mu.Unlock()
	if ok && r.now().Before(known.ends) {
		return known.ips, nil
	}
	name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
	if err != nil {
		return nil, &net.DNSError{Err: "not a name: " + err.Error(), Name: host}
	}
	m, err := r.ask(ctx, dnsmessage.Question{Name: name, Type: t, Class: dnsmessage.ClassINET})
	if err != nil {
		return nil, &net.DNSError{Err: err.Error(), UnwrapErr: err, Name: host, Server: r.url.Host, IsTimeout: protocols.KindOf(err) == protocols.KindTimeout}
	}
	if m.RCode == dnsmessage.RCodeNameError {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: r.url.Host, IsNotFound: true}
	}
	if m.RCode != dnsmessage.RCodeSuccess {
		return nil, &net.DNSError{Err: "the server says " + strings.TrimPrefix(m.RCode.String(), "RCode"), Name: host, Server: r.url.Host, IsTemporary: true}
	}
	ips, ttl := addresses(m.Answers)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		clear(r.kept)
	}
	r.kept[key] = answer{ips, r.now().Add(ttl)}
	return ips, nil
}

// addresses returns those in an answer, at the end of whatever aliases it follows, and how
// long they may be kept.
func addresses(records []dnsmessage.Resource) (ips []netip.Addr, ttl time.Duration) {
	ttl = longest
	for _, rr := range records {
		switch body := rr.Body.(type) {
		case *dnsmessage.AResource:
			ips = append(ips, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			ips = append(ips, netip.AddrFrom16(body.AAAA))
		}
		ttl = min(ttl, time.Duration(rr.Header.TTL)*time.Second)
	}
	return ips, ttl
}

// ask makes one query. Its id is 0, so that it may be answered from a cache (RFC 8484 4.1).
func (r *Resolver) ask(ctx context.Context, q dnsmessage.Question) (*dnsmessage.Message, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	packed, err := m.Pack()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url.String(), bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/dns-message")
	req.Header.Set("Accept", "application/dns-message")
	resp, err := r.client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "application/dns-message") {
		return nil, &protocols.Error{Kind: protocols.KindConnect, Text: fmt.Sprintf("no answer to DNS over HTTPS: %s, %s", resp.Status, cmp.Or(kind, "no type"))}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(b); err != nil || len(b) > maxAnswer || !reply.Response {
		return nil, protocols.ProtocolError("", "", "the answer to DNS over HTTPS is not one of DNS")
	}
	return &reply, nil
}

// Close frees the connections to the server.
func (r *Resolver) Close() error { return r.client.Close() }
