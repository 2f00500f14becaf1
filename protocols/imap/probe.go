package imap

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the capabilities.
// It logs in when the options say ProbeLogin. It uses a connection of its own, so
// that each step is timed.
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
	host, port := protocols.HostPort(c.url, c.scheme)
	conn, err := c.dialer.Dial(ctx, "control", "tcp", host, port)
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
		r.Banner, r.Greeting = s.greeting.text, s.greeted
	}
	if err != nil {
		if protocols.KindOf(err) == protocols.TLSFailure {
			r.Phase = "tls"
		}
		return err
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.logIn(ctx); err != nil {
			return err
		}
		r.Login = s.login
	}
	r.Phase = "caps"
	if err := s.learnCaps(); err != nil {
		return err
	}
	r.Capabilities = s.capabilities()
	if _, _, err := s.send("LOGOUT"); err == nil {
		s.flush() // a courtesy: nobody waits for the answer
	}
	return nil
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

// capabilities groups "AUTH=PLAIN" and its like under their name.
func (s *session) capabilities() []protocols.Capability {
	params := map[string][]string{}
	for text := range s.caps {
		name, param, has := strings.Cut(text, "=")
		params[name] = append(params[name], nil...)
		if has {
			params[name] = append(params[name], param)
		}
	}
	var out []protocols.Capability
	for name, list := range params {
		slices.Sort(list)
		out = append(out, protocols.Capability{Name: name, Params: list})
	}
	slices.SortFunc(out, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return out
}
