package maillab

import (
	"errors"
	"strings"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
	"github.com/netclients/netclients/protocols/lab/internal/saslserver"
)

// sasl returns the SASL server of the session, as the connection is now.
func (x *pop3Session) sasl() *saslserver.Server {
	return &saslserver.Server{Users: x.srv.mail, Offer: x.srv.opt.Mechanisms, TLS: frame.TLSState(x.conn)}
}

// cmdAuth is AUTH (RFC 5034).
func cmdAuth(x *pop3Session, arg string) {
	name, coded, given := strings.Cut(arg, " ")
	exchange := x.sasl().Start(name)
	if exchange == nil {
		x.err("", "Unsupported mechanism.")
		return
	}
	if !x.secure() {
		return
	}
	var initial []byte
	if given {
		var err error
		if initial, err = saslserver.Decode(coded); err != nil {
			x.err("", "Not base64.")
			return
		}
	}
	if _, err := exchange.Run(initial, x.challenge); err != nil {
		x.refuse()
		return
	}
	x.enter(exchange.User())
}

// errCancelled ends an exchange that the client gave up.
var errCancelled = errors.New("authentication cancelled")

// challenge sends one and reads the response.
func (x *pop3Session) challenge(c []byte) ([]byte, error) {
	x.out.WriteString("+ " + saslserver.Encode(c) + "\r\n")
	line, ok := x.line()
	if !ok || line == "*" {
		return nil, errCancelled
	}
	x.srv.front.Record(line)
	return saslserver.Decode(line)
}
