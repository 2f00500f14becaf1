package socket

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, with TLS where the URL or the settings say so, and closes. It
// waits for no greeting: many services say nothing until they are asked.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: protocols.Redact(c.url), Phase: "connect"}
	start := time.Now()
	err := c.gate.Enter()
	if err == nil {
		err = c.probe(ctx, r)
		c.gate.Leave()
	}
	r.Total = time.Since(start)
	if err == nil {
		r.Up, r.Phase = true, ""
	}
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	conn, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	r.Address, r.Phase = addressOf(conn), "tls"
	err = c.secure(ctx, conn)
	measure(r, conn)
	return err
}

// addressOf names the peer; UNIX sockets that are not bound have no name.
func addressOf(conn *transport.Conn) string {
	if a := conn.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
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
