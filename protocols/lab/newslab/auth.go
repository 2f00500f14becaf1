package newslab

import (
	"errors"
	"strings"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
	"github.com/netclients/netclients/protocols/lab/internal/saslserver"
)

func cmdAuthinfo(x *session, arg string) {
	kind, rest, _ := strings.Cut(arg, " ")
	switch {
	case x.loggedIn:
		x.reply(502, "Already authenticated")
	case x.compressed:
		x.reply(502, "Not under compression")
	case x.srv.opt.NeedTLS && !x.secure:
		x.reply(483, "Encryption required")
	case strings.EqualFold(kind, "USER"):
		x.user = rest
		x.reply(381, "Enter password")
	case strings.EqualFold(kind, "PASS") && x.user == "":
		x.reply(482, "USER first")
	case strings.EqualFold(kind, "PASS"):
		x.admit(x.user, rest == x.srv.front.User.Password)
	case strings.EqualFold(kind, "SASL"):
		x.sasl(strings.Fields(rest))
	default:
		x.reply(501, "AUTHINFO USER, PASS or SASL")
	}
}

// admit answers a login by user and password.
func (x *session) admit(user string, right bool) {
	x.user = ""
	if !right || user != x.srv.front.User.User {
		x.reply(481, "Authentication failed")
		return
	}
	x.welcome()
	x.reply(281, "Ok")
}

// welcome notes a successful login.
func (x *session) welcome() {
	x.loggedIn, x.uses = true, 0
	x.srv.front.CountLogin()
}

// errAnswered ends an exchange to which the reply is given.
var errAnswered = errors.New("answered")

// sasl runs AUTHINFO SASL (RFC 4643 section 2.4).
func (x *session) sasl(words []string) {
	words = append(words, "")
	server := saslserver.Server{Users: saslserver.Single{Credentials: x.srv.front.User}, Offer: x.srv.opt.Mechanisms, TLS: frame.TLSState(x.conn), FinalData: true}
	exchange := server.Start(words[0])
	if exchange == nil {
		x.reply(503, "Mechanism not supported")
		return
	}
	var initial []byte
	var err error
	if words[1] != "" {
		if initial, err = x.response(words[1]); err != nil {
			return
		}
	}
	final, err := exchange.Run(initial, x.challenge)
	switch {
	case errors.Is(err, errAnswered):
	case err != nil:
		x.reply(481, "Authentication failed")
	case final != nil:
		x.welcome()
		x.reply(283, encode(final))
	default:
		x.welcome()
		x.reply(281, "Ok")
	}
}

// encode returns the base64 form of a challenge; "=" is the empty one.
func encode(challenge []byte) string {
	if len(challenge) == 0 {
		return "="
	}
	return saslserver.Encode(challenge)
}

// challenge sends a challenge and returns what the client says to it.
func (x *session) challenge(c []byte) ([]byte, error) {
	x.reply(383, encode(c))
	if x.flush() != nil {
		return nil, errAnswered
	}
	line, err := x.in.ReadString('\n')
	if err != nil {
		x.ended = true
		return nil, errAnswered
	}
	return x.response(strings.TrimRight(line, "\r\n"))
}

// response decodes what the client says.
func (x *session) response(text string) ([]byte, error) {
	if text == "*" {
		x.reply(481, "Cancelled")
		return nil, errAnswered
	}
	data, err := saslserver.Decode(text)
	if err != nil {
		x.reply(482, "Bad base64")
		return nil, errAnswered
	}
	return data, nil
}
