package smtp

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, says hello and brings TLS up. It logs in
// when the options say ProbeLogin. It uses a connection of its own, so that each
// step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: protocols.Redact(c.url), Phase: "connect"}
	start := time.Now()
	release, err := c.keeper.Enter(ctx)
	if err == nil {
		err = c.probe(ctx, r)
		release()
	}
	r.Total = time.Since(start)
	if err == nil {
		r.Up, r.Phase = true, ""
	}
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	s, err := c.dial(ctx)
	if err != nil {
		return phaseOf(r, err)
	}
	defer s.conn.Close()
	defer s.conn.Use(ctx)()
	defer measure(r, s.conn)
	r.Address, r.Phase = s.conn.RemoteAddr().String(), "greeting"
	err = s.begin(ctx, c.opts.ProbeLogin)
	if s.greeting != nil {
		r.Banner, r.Greeting = textOf(s.greeting), s.greeted
	}
	if err != nil {
		return phaseOf(r, err)
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.logIn(); err != nil {
			return err
		}
		r.Login = s.login
	}
	for _, name := range s.order {
		r.Capabilities = append(r.Capabilities, protocols.Capability{Name: name, Params: s.caps[name]})
	}
	keeper.Goodbye(ctx, s)
	return nil
}

// phaseOf tells a handshake that failed from a greeting that did not come.
func phaseOf(r *protocols.Report, err error) error {
	if protocols.KindOf(err) == protocols.TLSFailure {
		r.Phase = "tls"
	}
	return err
}

func measure(r *protocols.Report, conn *transport.Conn) {
	t := conn.Timings()
	r.Resolve, r.Connect, r.TLS = t.Resolve, t.Connect, t.TLS
	if state := conn.TLS(); state != nil {
		r.TLSVersion = tls.VersionName(state.Version)
		if len(state.PeerCertificates) > 0 {
			r.CertNotAfter = state.PeerCertificates[0].NotAfter
		}
	}
}
