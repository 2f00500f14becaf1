package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Probe makes the report of an adapter's Probe: enter takes the client for the
// time of it and returns the release; steps fills the report in, and sets its phase
// at each step that it begins, behind "connect". A failed look-up or handshake is
// told as such whatever the phase was. The report is never nil.
func Probe(ctx context.Context, u *url.URL, enter func(context.Context, ...string) (release func(), err error), steps func(r *protocols.Report) error) (*protocols.Report, error) {
	r := &protocols.Report{URL: protocols.Redact(u), Phase: "connect"}
	start := time.Now()
	release, err := enter(ctx)
	if err == nil {
		err = steps(r)
		release()
	}
	r.Total = time.Since(start)
	switch _, unresolved := errors.AsType[*net.DNSError](err); {
	case err == nil:
		r.Up, r.Phase = true, ""
	case unresolved:
		r.Phase = "resolve"
	case protocols.KindOf(err) == protocols.KindTLS:
		r.Phase = "tls"
	}
	return r, err
}

// ProbeGate is Probe for a client that lets operations in by a gate. steps runs with
// the operation's own context, which ends when the client is closed.
func ProbeGate(ctx context.Context, u *url.URL, gate *protocols.Gate, steps func(ctx context.Context, r *protocols.Report) error) (*protocols.Report, error) {
	enter := func(outer context.Context, _ ...string) (leave func(), err error) {
		ctx, leave, err = gate.Begin(outer)
		return leave, err
	}
	return Probe(ctx, u, enter, func(r *protocols.Report) error { return steps(ctx, r) })
}

// Measure puts the connection's times and its TLS session into a report.
func (c *Conn) Measure(r *protocols.Report) {
	t := c.Timings()
	r.Resolve, r.Connect, r.TLS = t.Resolve, t.Connect, t.TLS
	ReportTLS(r, c.TLS())
}

// ReportTLS puts a TLS session into a report; nil is none.
func ReportTLS(r *protocols.Report, state *tls.ConnectionState) {
	if state == nil {
		return
	}
	r.TLSVersion, r.Session = tls.VersionName(state.Version), state
	if len(state.PeerCertificates) > 0 {
		r.CertNotAfter = state.PeerCertificates[0].NotAfter
	}
}
