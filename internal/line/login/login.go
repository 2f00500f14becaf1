// Package login logs sessions of package line in by SASL (RFC 4422). It stands alone so
// that adapters without SASL do not contain its mechanisms.
package login

import (
	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/sasl"
)

// New returns the login of a session: what is offered, and how the protocol carries an
// exchange, is for the caller to add.
func New[S line.Session](c *line.Client[S], t *line.Core, service string) *sasl.Login {
	host, port := c.Server()
	return &sasl.Login{
		Config: sasl.Config{
			Credential: t.Cred, Mechanism: t.Mechanism, Host: host, Port: port, Service: service,
			TLS: t.Conn.TLS(), MayClear: t.Conn.AllowSecret(),
		},
		Exchange: sasl.Exchange{Fail: t.Fail, Failed: t.Failed},
		Trusted:  t.Conn.Trusted(), Hide: c.Mask.Add,
	}
}
