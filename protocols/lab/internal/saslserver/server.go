// Package saslserver is the server side of SASL (RFC 4422) for the servers of
// package lab: PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256 and
// SCRAM-SHA-256-PLUS, EXTERNAL, XOAUTH2 and OAUTHBEARER. A bearer token is right
// when it is the user's password.
package saslserver

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/netclients/netclients/protocols/lab/base"
)

// ErrFailed means that the client did not prove who it is.
var ErrFailed = errors.New("authentication failed")

// Users knows who may log in.
type Users interface {
	// Login reports whether user has that password.
	Login(user, password string) bool
	// Password returns the password of a user, and whether there is such a user.
	Password(user string) (string, bool)
}

// Single knows one user.
type Single struct{ Credentials base.Credentials }

// Login implements [Users].
func (s Single) Login(user, password string) bool {
	return s.Credentials == base.Credentials{User: user, Password: password}
}

// Password implements [Users].
func (s Single) Password(user string) (string, bool) {
	return s.Credentials.Password, user == s.Credentials.User
}

// Server offers mechanisms on one connection.
type Server struct {
	Users Users
	Offer []string             // mechanisms, in the order in which they are named
	TLS   *tls.ConnectionState // of the connection; nil without TLS

	// FinalData says that what a mechanism sends last comes with the success, as
	// in NNTP (RFC 4643 section 2.4). Otherwise it is a challenge, to which the
	// client responds with nothing.
	FinalData bool
}

// Mechanisms returns the names to offer: those that bind to TLS only where there
// is something to bind to.
func (s *Server) Mechanisms() []string {
	return slices.DeleteFunc(slices.Clone(s.Offer), func(name string) bool {
		return strings.HasSuffix(name, "-PLUS") && !s.binding().IsSupported()
	})
}

// Start begins an exchange by a mechanism. It returns nil when that is not offered.
func (s *Server) Start(name string) *Exchange {
	for _, offered := range s.Mechanisms() {
		if begin := mechanisms[offered]; begin != nil && strings.EqualFold(offered, name) {
			x := &Exchange{server: s}
			x.mechanism = begin(x)
			return x
		}
	}
	return nil
}

// Exchange is one authentication. It is a sasl.Server of go-sasl.
type Exchange struct {
	server    *Server
	mechanism gosasl.Server
	user      string
	ended     bool // the last challenge is out; the client acknowledges it
}

var _ gosasl.Server = (*Exchange)(nil)

// User returns who has logged in, once Next has reported done without an error.
func (x *Exchange) User() string { return x.user }

// Next takes a response, nil where the client has sent none yet, and returns the
// next challenge. done without an error is success, then challenge is empty
// unless the server sends FinalData. Every error is [ErrFailed].
func (x *Exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	if x.ended {
		return nil, true, nil
	}
	challenge, done, err = x.mechanism.Next(response)
	if err != nil || done && x.user == "" {
		return nil, true, ErrFailed
	}
	if done && challenge != nil && !x.server.FinalData {
		x.ended = true
		return challenge, false, nil
	}
	return challenge, done, nil
}

// Run holds a whole exchange. initial is nil where the client sent no initial
// response; ask sends a challenge and returns the response. final is what comes
// with the success.
func (x *Exchange) Run(initial []byte, ask func(challenge []byte) ([]byte, error)) (final []byte, err error) {
	for response := initial; ; {
		challenge, done, err := x.Next(response)
		if err != nil || done {
			return challenge, err
		}
		if response, err = ask(challenge); err != nil {
			return nil, err
		}
	}
}

// accept notes who logs in.
func (x *Exchange) accept(user string, ok bool) error {
	if !ok {
		return ErrFailed
	}
	x.user = user
	return nil
}

// Encode returns the base64 form of a challenge.
func Encode(challenge []byte) string { return base64.StdEncoding.EncodeToString(challenge) }

// Decode reads the base64 form of a response; "=" is the empty one. The result is
// never nil without an error.
func Decode(text string) ([]byte, error) {
	if text == "=" {
		text = ""
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if b == nil {
		b = []byte{}
	}
	return b, err
}
