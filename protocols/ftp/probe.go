package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the features
// (FEAT). It logs in when the options say ProbeLogin. It uses a connection of its
// own, so that each step is timed.
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
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	host, port := protocols.HostPort(c.url, c.scheme)
	conn, err := c.dialer.Dial(ctx, "control", "tcp", host, port)
	if _, unresolved := errors.AsType[*net.DNSError](err); unresolved {
		r.Phase = "resolve"
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	done := conn.Use(ctx)
	defer done()
	defer measure(r, conn)
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	s, err := c.begin(ctx, conn)
	if s != nil && s.greeting != nil {
		r.Banner, r.Greeting = s.greeting.Text(), s.greeted
	}
	if err != nil {
		return phaseOf(r, err)
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.logIn(ctx); err != nil {
			return err
		}
		r.Login = s.login
	}
	r.Phase = "caps"
	if err := s.askFeatures(r); err != nil {
		return err
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

// askFeatures asks with FEAT, which servers answer before a login too; one that
// does not know it has no features to tell.
func (s *session) askFeatures(r *protocols.Report) error {
	reply, err := s.cmd("FEAT")
	if err != nil {
		return err
	}
	if reply.Code == 211 {
		s.features(reply.Lines)
	}
	for name, params := range s.feats {
		c := protocols.Capability{Name: name}
		if params != "" {
			c.Params = strings.FieldsFunc(params, func(b rune) bool { return b == ' ' || b == ';' })
		}
		r.Capabilities = append(r.Capabilities, c)
	}
	slices.SortFunc(r.Capabilities, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
