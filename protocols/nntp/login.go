package nntp

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// mechanismUser is the name of AUTHINFO USER and PASS among the mechanisms.
const mechanismUser = "USER"

// credential asks for user and password; an empty user means that nobody logs in
// unless the server insists.
func (s *session) credential(ctx context.Context) (protocols.Credential, error) {
	var cred protocols.Credential
	var err error
	u := s.c.url
	if ask := s.c.opts.Credentials; ask != nil {
		host, port := protocols.HostPort(u, s.c.scheme)
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: host, Port: port, User: u.User.Username()})
	} else if u.User != nil {
		cred = protocols.URLCredential(u)
	}
	if err != nil {
		return cred, protocols.Wrap(err, proto, "login", "")
	}
	if wire.Check(cred.User) != nil || wire.Check(cred.Password, cred.Token) != nil {
		return cred, protocols.UsageError(proto, "login", "CR, LF or NUL in the credentials")
	}
	return cred, nil
}

// logInEarly logs in where somebody is named and the server takes logins, before
// anything else. A server that does not know the command wants none.
func (s *session) logInEarly() error {
	if s.cred.User == "" && s.cred.Token == "" || s.modern && len(s.params("AUTHINFO")) == 0 {
		return nil
	}
	err := s.logIn()
	if e, ok := err.(*protocols.Error); ok && !s.modern && unknown(e.Code) {
		return nil
	}
	return err
}

// logIn authenticates: by SASL where the server has something better than a
// password in clear, or nothing else; else by USER and PASS (RFC 4643 2.3, 2.4).
func (s *session) logIn() error {
	start := time.Now()
	if s.cred.User == "" && s.cred.Token == "" {
		return &protocols.Error{Kind: protocols.KindAuth, Sentinel: protocols.ErrLoginNeeded, Code: s.last, Hint: "give --user and a password"}
	}
	err := s.authenticate()
	s.login += time.Since(start)
	if err != nil {
		return err
	}
	s.loggedIn = true
	if s.modern {
		return s.capabilities()
	}
	return nil
}

func (s *session) authenticate() error {
	asked := strings.ToUpper(s.c.opts.Mechanism)
	offered := s.params("SASL")
	user := !s.modern || s.offers("AUTHINFO", "USER") || !s.offers("AUTHINFO", "SASL")
	better := slices.ContainsFunc(offered, func(m string) bool {
		return !slices.Contains([]string{"PLAIN", "LOGIN", "ANONYMOUS", "EXTERNAL"}, strings.ToUpper(m))
	})
	if asked == mechanismUser || asked == "" && user && !(better && s.offers("AUTHINFO", "SASL")) && s.cred.Token == "" {
		return s.userPass()
	}
	return s.saslLogin(offered, asked, user)
}

// userPass: the password only if it is asked for.
func (s *session) userPass() error {
	if err := s.conn.AllowSecret(); err != nil {
		return err
	}
	r, err := s.cmd("AUTHINFO", "USER", s.cred.User)
	if err != nil {
		return err
	}
	if r.Code == 381 {
		if !s.cred.HasPassword() {
			return protocols.NoPasswordError(s.cred.User)
		}
		if r, err = s.secret("AUTHINFO PASS", s.cred.Password); err != nil {
			return err
		}
	}
	return want(r, 281, 250) // 250 by the drafts before RFC 4643
}

// saslLogin tries the mechanisms, strongest first. One that the server refuses as
// such is followed by the next; a password that it refuses is refused.
func (s *session) saslLogin(offered []string, asked string, user bool) error {
	host, port := protocols.HostPort(s.c.url, s.c.scheme)
	clients, err := sasl.Choose(offered, sasl.Config{
		Credential: s.cred, Mechanism: asked, Host: host, Port: port, Service: "nntp",
		TLS: s.conn.TLS(), MayClear: s.conn.AllowSecret(),
	})
	if err != nil && asked == "" && user {
		return s.userPass()
	}
	if err != nil {
		return err
	}
	for _, c := range clients {
		var r *protocols.Reply
		if r, err = s.exchange(c); err != nil {
			return err
		}
		if err = want(r, 281, 283); err == nil {
			return nil
		}
		if r.Code == 481 || r.Code == 482 || r.Code == 483 {
			break
		}
	}
	if asked == "" && user && s.cred.Password != "" && s.conn.AllowSecret() == nil {
		return s.userPass() // INN offers mechanisms whether or not it has passwords for them
	}
	return err
}

// exchange runs one mechanism to its final reply (RFC 4643 2.4.2).
func (s *session) exchange(c sasl.Client) (*protocols.Reply, error) {
	name, initial, err := c.Start()
	if err != nil {
		return nil, err
	}
	verb := "AUTHINFO SASL " + name
	var r *protocols.Reply
	if initial == nil {
		r, err = s.cmd(verb)
	} else {
		r, err = s.secret(verb, encode64(initial))
	}
	for err == nil && r.Code == 383 {
		var response []byte
		if response, err = answer(c, r.Text()); err != nil {
			if _, quit := s.cmd("*"); quit != nil {
				return nil, quit
			}
			return nil, err
		}
		r, err = s.secret("", encode64(response))
	}
	if err != nil {
		return nil, err
	}
	if r.Code == 283 {
		if _, err := answer(c, r.Text()); err != nil {
			return nil, s.fail(err)
		}
	}
	if r.Code == 281 || r.Code == 283 {
		if err := sasl.Verified(c); err != nil {
			return nil, s.fail(err)
		}
	}
	return r, nil
}

func answer(c sasl.Client, challenge string) ([]byte, error) {
	challenge = strings.TrimSpace(challenge)
	if challenge == "=" {
		challenge = ""
	}
	data, err := base64.StdEncoding.DecodeString(challenge)
	if err != nil {
		return nil, protocols.ProtocolError(proto, "login", "challenge that is not base64")
	}
	return c.Next(data)
}

// encode64 writes a response; an empty one is "=".
func encode64(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// ask sends one command. A server that wants a login (480) or MODE READER (401)
// first gets it, and the command again, once.
func (s *session) ask(ctx context.Context, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	again, err := s.remedy(ctx, r)
	if err != nil || !again {
		return r, err
	}
	return s.cmd(verb, args...)
}

// remedy does what a reply asks for, and reports whether the command should be
// sent again.
func (s *session) remedy(ctx context.Context, r *protocols.Reply) (again bool, err error) {
	switch {
	case (r.Code == 480 || r.Code == 450) && !s.loggedIn && (s.cred.User != "" || s.cred.Token != ""):
		return true, s.logIn()
	case r.Code == 401 && !s.reader && s.c.Settings.Reader != ReaderNever && strings.Contains(strings.ToUpper(r.Text()), "READER"):
		return true, s.modeReader(ctx)
	}
	return false, nil
}

// need sends one command whose reply must have one of the codes.
func (s *session) need(ctx context.Context, codes []int, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.ask(ctx, verb, args...)
	if err != nil {
		return nil, err
	}
	return r, want(r, codes...)
}
