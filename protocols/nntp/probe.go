package nntp

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the
// capabilities. When the options say ProbeLogin it logs in, as far as somebody is
// named, and asks for the server's time. It uses a connection of its own.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: protocols.Redact(c.url), Phase: "connect"}
	start := time.Now()
	release, err := c.enter(ctx)
	if err == nil {
		err = c.probe(ctx, r)
		release()
	}
	r.Total = time.Since(start)
	if err == nil {
		r.Up, r.Phase = true, ""
	}
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	done := conn.Use(ctx)
	defer done()
	defer measure(r, conn)
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	s, err := c.begin(ctx, conn)
	if s != nil {
		r.Banner, r.Greeting = s.greeting.Text(), s.greeted
	}
	if err == nil {
		r.Phase = "login"
		err = s.introduce(ctx)
	}
	if err != nil {
		if protocols.KindOf(err) == protocols.TLSFailure {
			r.Phase = "tls"
		}
		return err
	}
	r.Login, r.Phase, r.Capabilities = s.login, "caps", s.caps
	if c.opts.ProbeLogin {
		if _, err := s.need(ctx, []int{111}, "DATE"); err != nil {
			return err
		}
	}
	keeper.Goodbye(ctx, s)
	return nil
}

// introduce is settle for a probe: a login only when it is asked for.
func (s *session) introduce(ctx context.Context) error {
	if err := s.becomeReader(ctx); err != nil || !s.c.opts.ProbeLogin {
		return err
	}
	return s.logInEarly()
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
