package session

import (
	"errors"
	"math"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// logsIn reports whether anything is known of who logs in.
func (s *Session) logsIn() bool {
	return s.Cred.User != "" || s.Cred.Token != "" || s.Mechanism == "EXTERNAL" || s.Mechanism == "ANONYMOUS"
}

// LogIn logs in, unless the server has done so by itself: with the mechanisms that it
// offers, strongest first, then with LOGIN (RFC 3501 6.2.3). l has no way yet.
func (s *Session) LogIn(l *sasl.Login) error {
	s.User = s.Cred.User
	err := s.logIn(l)
	s.settled = err == nil
	return err
}

// preauthenticated judges a session that the server began with PREAUTH. Where a secret
// is known it would have gone over this connection, so the connection must be good
// enough for it: else somebody in the middle could have us use another account, without
// TLS.
func (s *Session) preauthenticated() error {
	if !s.Secret {
		return nil
	}
	err := s.Conn.AllowSecret()
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		own := *e
		own.Op, own.Text = "login", "the server greets with PREAUTH and wants no login, on a connection without verified TLS: "+e.Text
		return s.Fail(&own)
	}
	if err == nil {
		s.Conn.Event(protocols.EventWarning, "the server greets with PREAUTH and wants no login: the password is not used, and nothing shows that the account is that of "+s.User, 0)
	}
	return err
}

func (s *Session) logIn(l *sasl.Login) error {
	if s.preauth {
		return s.preauthenticated()
	}
	if !s.logsIn() {
		return line.NoUser("no user name is known for this server")
	}
	x := &exchange{s: s}
	l.Offered, l.Start, l.Respond = s.mechanisms(), x.start, x.respond
	if s.Has("SASL-IR") {
		l.MaxInitial = math.MaxInt
	}
	if !s.Has("LOGINDISABLED") {
		l.Others = []sasl.Way{{Name: "LOGIN", Try: s.login}}
	}
	err := l.Run()
	if err != nil {
		return s.disabled(err)
	}
	s.Cred = protocols.Credential{}
	return s.Learn()
}

// disabled adds to the error of a login what is left when LOGIN is not.
func (s *Session) disabled(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || !s.Has("LOGINDISABLED") || s.Conn.TLS() != nil || len(s.mechanisms()) > 0 {
		return err
	}
	own := *e
	own.Text = "the server has disabled LOGIN and offers no mechanism that can be used"
	own.Sentinel, own.Hint = protocols.ErrNeedsTLS, "try --tls require"
	return &own
}

// exchange is one mechanism at work (RFC 3501 6.2.2).
type exchange struct {
	s   *Session
	tag string
}

func (x *exchange) start(mechanism, initial string, has bool) (sasl.Answer, error) {
	s := x.s
	x.tag = s.newTag()
	command := x.tag + " AUTHENTICATE " + mechanism
	if has {
		return x.answer(s.Out.Secret(command, "****", initial))
	}
	return x.answer(s.Out.Raw(command))
}

func (x *exchange) respond(response string) (sasl.Answer, error) {
	return x.answer(x.s.QueueResponse(response))
}

// answer waits for the next challenge, or for the decision of the server.
func (x *exchange) answer(err error) (sasl.Answer, error) {
	s := x.s
	if err != nil {
		return sasl.Answer{}, s.Fail(err)
	}
	challenge, st, err := s.continuation(x.tag)
	if err != nil || st == nil {
		return sasl.Answer{More: err == nil, Challenge: challenge}, err
	}
	if st.Word == "OK" {
		s.caps.forget(st)
		return sasl.Answer{}, nil
	}
	e := loginError(st)
	if st.Word == "BAD" || strings.Contains(strings.ToLower(st.Text), "unsupported authentication mechanism") {
		e.Sentinel = errors.ErrUnsupported
	}
	return sasl.Answer{Err: e}, nil
}

// loginError is the error of a login that the server refused.
func loginError(st *imapwire.Status) *protocols.Error {
	e, ok := errors.AsType[*protocols.Error](st.Err())
	if !ok {
		return nil
	}
	if e.Op = "login"; e.Kind != protocols.KindTemporary {
		e.Kind = protocols.KindAuth
	}
	return e
}

// login sends LOGIN; what cannot be quoted goes as literals.
func (s *Session) login() error {
	st, err := s.loginCommand(s.Cred.User, s.Cred.Password)
	if err != nil {
		return err
	}
	if e := loginError(st); e != nil {
		return e
	}
	s.caps.forget(st)
	return nil
}

func (s *Session) loginCommand(user, password string) (*imapwire.Status, error) {
	quotedUser, ok1 := s.quote(user)
	quoted, ok2 := s.quote(password)
	if !ok1 || !ok2 {
		return s.Command(nil, "LOGIN", Text(user), *textLiteral(password))
	}
	tag := s.newTag()
	if err := s.Out.Secret(tag+" LOGIN", quotedUser+" ****", quotedUser, quoted); err != nil {
		return nil, s.Fail(err)
	}
	return s.Wait(tag, false, nil)
}
