package maillab

import (
	gosasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
	"github.com/netclients/netclients/protocols/lab/internal/saslserver"
)

// sasl returns the SASL server of the session, as the connection is now.
func (x *smtpSession) sasl() *saslserver.Server {
	return &saslserver.Server{Users: x.s.mail, Offer: x.s.opt.Mechanisms, TLS: frame.TLSState(x.tap().Conn)}
}

// AuthMechanisms returns what the server offers.
func (x *smtpSession) AuthMechanisms() []string { return x.sasl().Mechanisms() }

// Auth begins an exchange.
func (x *smtpSession) Auth(name string) (gosasl.Server, error) {
	exchange := x.sasl().Start(name)
	if exchange == nil {
		return nil, gosmtp.ErrAuthUnknownMechanism
	}
	return &smtpAuth{exchange, x}, nil
}

// smtpAuth is an exchange with the errors of go-smtp.
type smtpAuth struct {
	*saslserver.Exchange
	x *smtpSession
}

// Next makes every failure of a mechanism the reply 535, and notes who logged in.
func (a *smtpAuth) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = a.Exchange.Next(response)
	switch {
	case err != nil:
		err = gosmtp.ErrAuthFailed
	case done:
		a.x.user = a.User()
		a.x.s.front.CountLogin()
	}
	return challenge, done, err
}
