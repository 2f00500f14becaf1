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

// Probe builds the report of an adapter's Probe. enter acquires the client for
// its duration and returns the release function. steps fills in the report, and
// sets its phase at the start of each step after "connect". A failed lookup or
// handshake is reported as such whatever the phase was. The report is never nil.
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

// ProbeGate is Probe for a client that admits operations by a gate. steps runs
// with the operation's own context, which ends when the client is closed.
func ProbeGate(ctx context.Context, u *url.URL, gate *protocols.Gate, steps func(ctx context.Context, r *protocols.Report) error) (*protocols.Report, error) {
	enter := func(outer context.Context, _ ...string) (leave func(), err error) {
		ctx, leave, err = gate.Begin(outer)
		return leave, err
	}
	return Probe(ctx, u, enter, func(r *protocols.Report) error { return steps(ctx, r) })
}

// Measure copies the connection's timings and its TLS session into a report.
func (c *Conn) Measure(r *protocols.Report) {
	t := c.Timings()
	r.Resolve, r.Connect, r.TLS = t.Resolve, t.Connect, t.TLS
	ReportTLS(r, c.TLS())
}

// ReportTLS copies a TLS session into a report; nil means none.
func ReportTLS(r *protocols.Report, state *tls.ConnectionState) {
	if state == nil {
		return
	}
	r.TLSVersion, r.Session = tls.VersionName(state.Version), state
	if len(state.PeerCertificates) > 0 {
		r.CertNotAfter = state.PeerCertificates[0].NotAfter
	}
}
