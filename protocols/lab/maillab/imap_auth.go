package maillab

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	gosasl "github.com/emersion/go-sasl"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
	"github.com/netclients/netclients/protocols/lab/internal/saslserver"
)

// sasl returns the SASL server of the session, as the connection is now.
func (c *imapSession) sasl() *saslserver.Server {
	conn := c.c.NetConn()
	if t, ok := conn.(*imapTap); ok {
		conn = t.Conn
	}
	return &saslserver.Server{Users: c.s.mail, Offer: c.s.opt.Mechanisms, TLS: frame.TLSState(conn)}
}

// AuthenticateMechanisms returns what the server offers.
func (c *imapSession) AuthenticateMechanisms() []string { return c.sasl().Mechanisms() }

// Authenticate begins an exchange.
func (c *imapSession) Authenticate(name string) (gosasl.Server, error) {
	exchange := c.sasl().Start(name)
	if exchange == nil {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Text: "SASL mechanism not supported"}
	}
	return &imapAuth{exchange, c}, nil
}

// imapAuth is an exchange with the errors of go-imap.
type imapAuth struct {
	*saslserver.Exchange
	c *imapSession
}

// Next makes every failure of a mechanism AUTHENTICATIONFAILED, and notes who
// logged in.
func (a *imapAuth) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = a.Exchange.Next(response)
	switch {
	case err != nil:
		err = imapserver.ErrAuthFailed
	case done:
		a.c.enter(a.User())
	}
	return challenge, done, err
}
