package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// logIn authenticates and settles the session.
func (s *session) logIn(ctx context.Context) error {
	start := time.Now()
	s.user = s.c.url.User.Username()
	if s.greeting.Word != "PREAUTH" {
		if err := s.authenticate(ctx); err != nil {
			return err
		}
	}
	s.login = time.Since(start)
	if err := s.learnCaps(); err != nil {
		return err
	}
	return s.settle()
}

// settle turns on what was asked for.
func (s *session) settle() error {
	if user := s.c.Settings.ProxyUser; user != "" {
		if err := s.simple("PROXYAUTH", text(user)); err != nil {
			return err
		}
	}
	wanted := slices.Clone(s.c.Settings.Enable)
	if s.caps["UTF8=ONLY"] && !s.c.Settings.enables("UTF8=ACCEPT") {
		wanted = append(wanted, "UTF8=ACCEPT")
	}
	if len(wanted) > 0 {
		if !s.hasOr2("ENABLE") {
			return imapwire.Missing("", "ENABLE")
		}
		if err := s.simple("ENABLE", strings.Join(wanted, " ")); err != nil {
			return err
		}
		s.utf8 = s.enabled["UTF8=ACCEPT"] || s.enabled["IMAP4REV2"]
	}
	if s.c.Settings.Compress {
		return s.compress()
	}
	return nil
}

// authenticate asks for credentials and tries the mechanisms, strongest first;
// LOGIN (RFC 3501 6.2.3) is for servers that offer none that will do.
func (s *session) authenticate(ctx context.Context) error {
	if err := s.learnCaps(); err != nil {
		return err
	}
	cred, err := s.credential(ctx)
	if err != nil {
		return err
	}
	s.user = cred.User
	clear := s.conn.AllowSecret()
	wants := strings.ToUpper(s.c.opts.Mechanism)
	clients, err := sasl.Choose(s.mechanisms(), s.saslConfig(cred, clear))
	if kind := protocols.KindOf(err); err != nil && (wants != "" && wants != "LOGIN" || kind == protocols.KindUsage) {
		return err
	}
	for _, c := range clients {
		unknown, err := s.exchange(c)
		if !unknown {
			return err
		}
	}
	return s.plainLogin(cred, clear, err)
}

func (s *session) credential(ctx context.Context) (cred protocols.Credential, err error) {
	u := s.c.url
	if ask := s.c.opts.Credentials; ask != nil {
		host, port := protocols.HostPort(u, s.c.scheme)
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: host, Port: port, User: u.User.Username()})
		if err != nil {
			return cred, protocols.Wrap(err, proto, "login", "")
		}
	} else if u.User != nil {
		cred = protocols.URLCredential(u)
	}
	for _, secret := range []string{cred.User, cred.Password, cred.Token, cred.AuthzID} {
		if wire.Check(secret) != nil { // its error would show the secret
			return cred, protocols.UsageError(proto, "login", "CR, LF or NUL in the credentials")
		}
	}
	return cred, nil
}

// mechanisms returns those that the server offers.
func (s *session) mechanisms() []string {
	var out []string
	for name := range s.caps {
		if m, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

func (s *session) saslConfig(cred protocols.Credential, clear error) sasl.Config {
	host, port := protocols.HostPort(s.c.url, s.c.scheme)
	return sasl.Config{
		Credential: cred, Mechanism: s.c.opts.Mechanism, Host: host, Port: port, Service: proto,
		TLS: s.conn.TLS(), MayClear: clear,
	}
}

// exchange runs one mechanism (RFC 3501 6.2.2). unknown is true when the server
// does not know it after all.
func (s *session) exchange(c sasl.Client) (unknown bool, err error) {
	mech, first, err := c.Start()
	if err != nil {
		return false, authError(err)
	}
	tag := s.newTag()
	s.sent[tag] = true
	if first != nil && s.hasOr2("SASL-IR") {
		err = s.out.Secret(tag+" AUTHENTICATE "+mech, "****", encodeResponse(first, true))
		first = nil
	} else {
		err = s.out.Raw(tag + " AUTHENTICATE " + mech)
	}
	if err != nil {
		return false, s.fail(err)
	}
	st, err := s.challenges(tag, c, first)
	switch {
	case err != nil:
		return false, err
	case st.Word == "BAD" || st.Word == "NO" && strings.Contains(strings.ToLower(st.Text), "unsupported authentication mechanism"):
		return true, st.Err()
	case st.Word == "OK":
		if err := sasl.Verified(c); err != nil {
			return false, s.fail(err)
		}
		s.forgetCaps(st)
		return false, nil
	}
	if told := sasl.Verified(c); told != nil && isBearer(mech) {
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

// mostChallenges bounds an exchange.
const mostChallenges = 30

// challenges answers until the server decides. first is the initial response
// where it could not go with the command.
func (s *session) challenges(tag string, c sasl.Client, first []byte) (*imapwire.Status, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	for range mostChallenges {
		st, challenge, err := s.challenge(tag)
		if st != nil || err != nil {
			return st, err
		}
		answer := first
		if first == nil {
			if answer, err = c.Next(challenge); err != nil {
				return nil, s.giveUp(tag, err)
			}
		}
		first = nil
		if err := s.out.Secret("", "****", encodeResponse(answer, false)); err != nil {
			return nil, s.fail(err)
		}
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	return nil, s.fail(protocols.ProtocolError(proto, "login", "the authentication has no end"))
}

// challenge waits for the next one, or the decision.
func (s *session) challenge(tag string) (*imapwire.Status, []byte, error) {
	for {
		r, err := s.read(false)
		if err != nil {
			return nil, nil, err
		}
		if r.Tag == "+" {
			data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Args))
			if err != nil {
				return nil, nil, s.fail(protocols.ProtocolError(proto, "login", "the challenge is no base64"))
			}
			return nil, data, nil
		}
		if err := s.take(&r); err != nil {
			return nil, nil, err
		}
		if st := s.done[tag]; st != nil {
			delete(s.done, tag)
			return st, nil, nil
		}
	}
}

// giveUp cancels an exchange; the session is of no use then.
func (s *session) giveUp(tag string, why error) error {
	s.out.Raw("*")
	if s.flush() == nil {
		s.challenge(tag)
	}
	return s.fail(authError(why))
}

func authError(err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	return &protocols.Error{Kind: protocols.KindAuth, Op: "login", Err: err}
}

// loginError is the server's no to a login.
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
func (s *session) plainLogin(cred protocols.Credential, clear, why error) error {
	wants := strings.ToUpper(s.c.opts.Mechanism)
	switch {
	case wants != "" && wants != "LOGIN":
		return why
	case s.caps["LOGINDISABLED"]:
		e := &protocols.Error{Kind: protocols.KindAuth, Op: "login", Text: "the server has disabled LOGIN and offers no other way that can be used"}
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
	case clear != nil:
		return clear
	}
	st, err := s.loginCommand(cred)
	if err != nil {
		return err
	}
	if st.Word != "OK" {
		return loginError(st)
	}
	s.forgetCaps(st)
	return nil
}

// loginCommand sends LOGIN; what cannot be quoted goes as literals.
func (s *session) loginCommand(cred protocols.Credential) (*imapwire.Status, error) {
	user, ok1 := s.quote(cred.User)
	password, ok2 := s.quote(cred.Password)
	if !ok1 || !ok2 {
		return s.command(nil, "LOGIN", text(cred.User), content{Reader: strings.NewReader(cred.Password), size: int64(len(cred.Password))})
	}
	tag := s.newTag()
	s.sent[tag] = true
	if err := s.out.Secret(tag+" LOGIN", user+" ****", user, password); err != nil {
		return nil, s.fail(err)
	}
	return s.wait(tag, false, nil)
}

// forgetCaps: those from before the login count no more, unless the answer has new ones.
func (s *session) forgetCaps(st *imapwire.Status) {
	s.caps = nil
	s.noteCaps(st)
}
