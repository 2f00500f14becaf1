package session

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Login is how a user logs in.
type Login struct {
	Credential protocols.Credential
	Mechanism  string // the only one to use; empty: any
	Host, Port string // of the server
}

// LogIn tries the mechanisms that the server offers, strongest first; LOGIN (RFC
// 3501 6.2.3) is for servers that offer none that will do.
func (s *Session) LogIn(l *Login) error {
	if err := s.LearnCaps(); err != nil {
		return err
	}
	s.User = l.Credential.User
	unencrypted := s.conn.AllowSecret()
	wants := strings.ToUpper(l.Mechanism)
	clients, err := sasl.Choose(s.mechanisms(), sasl.Config{
		Credential: l.Credential, Mechanism: l.Mechanism, Host: l.Host, Port: l.Port, Service: proto,
		TLS: s.conn.TLS(), MayClear: unencrypted,
	})
	if kind := protocols.KindOf(err); err != nil && (wants != "" && wants != "LOGIN" || kind == protocols.KindUsage) {
		return err
	}
	for _, c := range clients {
		unknown, err := (&exchange{s: s, client: c}).run()
		if !unknown {
			return err
		}
	}
	return s.plainLogin(l, unencrypted, err)
}

// exchange is one mechanism at work (RFC 3501 6.2.2).
type exchange struct {
	s      *Session
	client sasl.Client
	tag    string
}

// run runs the mechanism. unknown is true when the server does not know it after
// all.
func (x *exchange) run() (unknown bool, err error) {
	s := x.s
	mech, first, err := x.client.Start()
	if err != nil {
		return false, authError(err)
	}
	x.tag = s.newTag()
	if first != nil && s.Has("SASL-IR") {
		err = s.out.Secret(x.tag+" AUTHENTICATE "+mech, "****", encodeResponse(first, true))
		first = nil
	} else {
		err = s.out.Raw(x.tag + " AUTHENTICATE " + mech)
	}
	if err != nil {
		return false, s.Fail(err)
	}
	st, err := x.challenges(first)
	switch {
	case err != nil:
		return false, err
	case st.Word == "BAD" || st.Word == "NO" && strings.Contains(strings.ToLower(st.Text), "unsupported authentication mechanism"):
		return true, st.Err()
	case st.Word == "OK":
		if err := sasl.Verified(x.client); err != nil {
			return false, s.Fail(err)
		}
		s.ForgetCaps(st)
		return false, nil
	}
	if told := sasl.Verified(x.client); told != nil && isBearer(mech) {
		return false, told
	}
	return false, loginError(st)
}

func isBearer(mech string) bool { return mech == "OAUTHBEARER" || mech == "XOAUTH2" }

// encodeResponse: an empty initial response is "=" (RFC 4959 3).
func encodeResponse(b []byte, initial bool) string {
	if initial && len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// maxChallenges bounds an exchange.
const maxChallenges = 30

// challenges answers until the server decides. first is the initial response
// where it could not go with the command.
func (x *exchange) challenges(first []byte) (*imapwire.Status, error) {
	s := x.s
	for range maxChallenges {
		text, st, err := s.continuation(x.tag)
		if st != nil || err != nil {
			return st, err
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			return nil, s.Fail(protocols.ProtocolError(proto, "login", "the challenge is not base64"))
		}
		answer := first
		if first == nil {
			if answer, err = x.client.Next(challenge); err != nil {
				return nil, x.giveUp(err)
			}
		}
		first = nil
		if err := s.out.Secret("", "****", encodeResponse(answer, false)); err != nil {
			return nil, s.Fail(err)
		}
	}
	return nil, s.Fail(protocols.ProtocolError(proto, "login", "the server does not stop sending challenges"))
}

// giveUp cancels an exchange; the session is of no use then.
func (x *exchange) giveUp(why error) error {
	x.s.out.Raw("*")
	x.s.continuation(x.tag)
	return x.s.Fail(authError(why))
}

func authError(err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	return &protocols.Error{Kind: protocols.KindAuth, Op: "login", Err: err}
}

// loginError is the error of a login that the server refused.
func loginError(st *imapwire.Status) error {
	e, ok := errors.AsType[*protocols.Error](st.Err())
	if !ok {
		return nil
	}
	if e.Op = "login"; e.Kind != protocols.KindTemporary {
		e.Kind = protocols.KindAuth
	}
	return e
}

// plainLogin sends user and password by LOGIN. why is the reason that no
// mechanism could be used.
func (s *Session) plainLogin(l *Login, unencrypted, why error) error {
	cred, wants := l.Credential, strings.ToUpper(l.Mechanism)
	switch {
	case wants != "" && wants != "LOGIN":
		return why
	case s.Has("LOGINDISABLED"):
		e := &protocols.Error{Kind: protocols.KindAuth, Op: "login", Text: "the server has disabled LOGIN and offers no mechanism that can be used"}
		if s.conn.TLS() == nil {
			e.Sentinel, e.Hint = protocols.ErrNeedsTLS, "try --tls require"
		}
		return e
	case cred.User == "" || cred.Password == "" && cred.Token != "":
		if why != nil {
			return why
		}
		return &protocols.Error{Kind: protocols.KindAuth, Op: "login", Sentinel: protocols.ErrLoginNeeded, Text: "no user name is known for this server"}
	case !cred.HasPassword():
		return protocols.NoPasswordError(cred.User)
	case unencrypted != nil:
		return unencrypted
	}
	st, err := s.loginCommand(&cred)
	if err != nil {
		return err
	}
	if st.Word != "OK" {
		return loginError(st)
	}
	s.ForgetCaps(st)
	return nil
}

// loginCommand sends LOGIN; what cannot be quoted goes as literals.
func (s *Session) loginCommand(cred *protocols.Credential) (*imapwire.Status, error) {
	user, ok1 := s.quote(cred.User)
	password, ok2 := s.quote(cred.Password)
	if !ok1 || !ok2 {
		return s.Command(nil, "LOGIN", Text(cred.User), *textLiteral(cred.Password))
	}
	tag := s.newTag()
	if err := s.out.Secret(tag+" LOGIN", user+" ****", user, password); err != nil {
		return nil, s.Fail(err)
	}
	return s.Wait(tag, false, nil)
}
