package saslserver

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"strings"

	gosasl "github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// mechanisms begin exchanges, by name.
var mechanisms = map[string]func(*Exchange) gosasl.Server{
	"PLAIN": func(x *Exchange) gosasl.Server {
		return gosasl.NewPlainServer(func(identity, user, password string) error {
			return x.accept(user, (identity == "" || identity == user) && x.server.Users.Login(user, password))
		})
	},
	"LOGIN":    func(x *Exchange) gosasl.Server { return &login{x: x} },
	"CRAM-MD5": func(x *Exchange) gosasl.Server { return &cramMD5{x: x} },
	"EXTERNAL": func(x *Exchange) gosasl.Server { return gosasl.NewExternalServer(x.external) },
	"OAUTHBEARER": func(x *Exchange) gosasl.Server {
		return &bearer{x: x, read: readOAuthBearer, reason: `{"status":"invalid_token","schemes":"bearer"}`}
	},
	"XOAUTH2": func(x *Exchange) gosasl.Server {
		return &bearer{x: x, read: readXOAuth2, reason: `{"status":"401","schemes":"bearer"}`}
	},
	"SCRAM-SHA-1":        func(x *Exchange) gosasl.Server { return newScram(x, scram.SHA1, false) },
	"SCRAM-SHA-256":      func(x *Exchange) gosasl.Server { return newScram(x, scram.SHA256, false) },
	"SCRAM-SHA-256-PLUS": func(x *Exchange) gosasl.Server { return newScram(x, scram.SHA256, true) },
}

// external accepts the name in the client's certificate (RFC 4422 appendix A).
func (x *Exchange) external(string) error {
	state := x.server.TLS
	if state == nil || len(state.VerifiedChains) == 0 {
		return ErrFailed
	}
	return x.accept(state.PeerCertificates[0].Subject.CommonName, true)
}

// login asks for user and password in words that no client should depend on.
type login struct {
	x     *Exchange
	user  string
	named bool
}

// Next implements gosasl.Server.
func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil:
		return []byte("User Name"), false, nil
	case !l.named:
		l.user, l.named = string(response), true
		return []byte("Passwort:"), false, nil
	}
	return nil, true, l.x.accept(l.user, l.x.server.Users.Login(l.user, string(response)))
}

// cramMD5 is CRAM-MD5 (RFC 2195).
type cramMD5 struct {
	x         *Exchange
	challenge []byte
}

// Next implements gosasl.Server.
func (c *cramMD5) Next(response []byte) (challenge []byte, done bool, err error) {
	if c.challenge == nil {
		c.challenge = []byte(Stamp())
		return c.challenge, false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	password, known := c.x.server.Users.Password(user)
	h := hmac.New(md5.New, []byte(password))
	h.Write(c.challenge)
	return nil, true, c.x.accept(user, known && digest == hex.EncodeToString(h.Sum(nil)))
}

// Stamp returns a time stamp in the form of a message-id that no two calls share
// (RFC 1939 section 7, RFC 2195 section 2).
func Stamp() string {
	return "<" + rand.Text() + "@lab.localhost>"
}

// bearer is XOAUTH2 or OAUTHBEARER. A refusal is a challenge with the reason, to
// which the client responds with nothing, or with one 0x01.
type bearer struct {
	x       *Exchange
	read    func(response string) (user, token string)
	reason  string
	refused bool
}

// readXOAuth2 reads a response of the mechanism of Google and Microsoft.
func readXOAuth2(response string) (user, token string) {
	rest, _ := strings.CutPrefix(response, "user=")
	user, rest, _ = strings.Cut(rest, "\x01")
	token, _ = strings.CutPrefix(rest, "auth=Bearer ")
	return user, strings.TrimRight(token, "\x01")
}

// readOAuthBearer reads a response of RFC 7628: a GS2 header with the user, and
// fields, of which one is the token.
func readOAuthBearer(response string) (user, token string) {
	fields := strings.Split(response, "\x01")
	header := strings.Split(fields[0], ",")
	if len(header) != 3 {
		return "", ""
	}
	user, _ = strings.CutPrefix(header[1], "a=")
	for _, f := range fields[1:] {
		if t, ok := strings.CutPrefix(f, "auth=Bearer "); ok {
			token = t
		}
	}
	return user, token
}

// Next implements gosasl.Server.
func (b *bearer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if b.refused {
		return nil, true, ErrFailed
	}
	user, token := b.read(string(response))
	if b.x.accept(user, b.x.server.Users.Login(user, token)) == nil {
		return nil, true, nil
	}
	b.refused = true
	return []byte(b.reason), false, nil
}
