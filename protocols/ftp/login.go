package ftp

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// entrance is a session that is being made.
type entrance struct{ *session }

// logIn sends the credentials. No user at all means anonymous.
func (s entrance) logIn() error {
	cred := s.Cred
	if cred.User == "" {
		cred.User = "anonymous"
	}
	if isAnonymous(cred.User) && cred.Password == "" {
		cred.Password = "anonymous@" // RFC 1635 1: some servers look for the @
	}
	if s.Secret {
		if err := s.Conn.AllowSecret(); err != nil {
			return err
		}
	}
	if s.greeting.Code == 230 && isAnonymous(cred.User) {
		return nil // the greeting was the login
	}
	return s.identify(&cred)
}

// complete adds the account of the settings, which is as secret as a password.
func (c *Client) complete(cred *protocols.Credential) {
	cred.Account = cmp.Or(cred.Account, c.Settings.Account)
}

// noSecret reports whether a login has no secret: anonymous users leave their
// address in the place of a password (RFC 1635 1).
func noSecret(cred protocols.Credential) bool {
	return isAnonymous(cred.User) && cred.Account == "" && (cred.Password == "" || strings.Contains(cred.Password, "@"))
}

func isAnonymous(user string) bool { return user == "anonymous" || user == "ftp" }

// identify logs in: USER, then PASS and ACCT as far as the server asks for them
// (RFC 959 5.4). Any 2xx ends it.
func (s entrance) identify(cred *protocols.Credential) error {
	r, err := s.Cmd("USER", cred.User)
	if err == nil && r.Code/100 == 3 && r.Code != 332 {
		if !cred.HasPassword() {
			return protocols.NoPasswordError(cred.User)
		}
		r, err = s.CmdSecret("PASS", "****", cred.Password)
	}
	if err == nil && r.Code == 332 && cred.Account != "" {
		r, err = s.CmdSecret("ACCT", "****", cred.Account)
	}
	if err != nil {
		return err
	}
	return want(r, 2)
}

// askFeatures sends FEAT (RFC 2389 3). A server that does not know it has no
// features to report.
func (s *session) askFeatures() error {
	start := time.Now()
	r, err := s.Cmd("FEAT")
	if err != nil {
		return err
	}
	s.pace = time.Since(start)
	if r.Code != 211 {
		return nil
	}
	for _, line := range r.Lines[1:max(1, len(r.Lines)-1)] {
		name, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.feats[strings.ToUpper(name)] = params
	}
	return nil
}

func (s *session) has(feature string) bool {
	_, ok := s.feats[feature]
	return ok
}

// settle asks for the features, chooses the binary type, asks for UTF-8, protects the data connections and
// ends the TLS of the control connection where asked.
func (s entrance) settle(ctx context.Context) error {
	if err := s.askFeatures(); err != nil {
		return err
	}
	if err := s.choose(ctx); err != nil {
		return err
	}
	if s.Conn.TLS() == nil {
		return nil
	}
	if err := s.fly(ctx, s.protect(), nil); err != nil {
		return err
	}
	if !s.c.Settings.CCC {
		return nil
	}
	if _, err := s.need(2, "CCC"); err != nil {
		return err
	}
	return s.Fail(s.Conn.EndTLS(ctx))
}

// choose sends the first commands of every session, which are harmless: they also
// show whether the server takes two in one packet. Only a server that knows FEAT,
// and so is not very old, is tried.
func (s entrance) choose(ctx context.Context) error {
	binary := step{verb: "TYPE", args: []string{"I"}, then: func(r *protocols.Reply) error {
		s.typ = 'I'
		return want(r, 2)
	}}
	var steps []step
	switch {
	case len(s.feats) == 0:
		steps = []step{binary}
	case s.has("UTF8") && s.c.charset == nil:
		// A refusal does not matter: UTF-8 is the default (RFC 2640 3.1).
		steps = []step{{verb: "OPTS", args: []string{"UTF8", "ON"}, twice: true}, binary}
	default:
		steps = []step{binary, {verb: "PWD", then: func(r *protocols.Reply) error {
			s.home, _ = workingFolder(r) // where it cannot be read it is asked for when it is needed
			return nil
		}}}
	}
	if len(steps) == 1 || s.c.Settings.NoPipelining || s.c.memory().Knows(s.c.server(), factOneAtATime) {
		return s.fly(ctx, steps, nil)
	}
	return s.tryTogether(ctx, steps)
}

// protect sets the protection of the data connections (RFC 4217 9). The server
// refusing PROT P is an error: content must not be sent unencrypted without the
// user's knowledge. PROT C is what a server does anyway (RFC 2228 3).
func (s entrance) protect() []step {
	if s.c.Settings.ClearData {
		return []step{{verb: "PBSZ", args: []string{"0"}}, {verb: "PROT", args: []string{"C"}}}
	}
	return []step{
		{verb: "PBSZ", args: []string{"0"}, then: func(r *protocols.Reply) error { return tlsRefused(want(r, 2)) }},
		{verb: "PROT", args: []string{"P"}, then: func(r *protocols.Reply) error {
			s.private = true
			return tlsRefused(want(r, 2))
		}},
	}
}

func tlsRefused(err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code != 0 {
		e.Kind, e.Sentinel, e.Retryable = protocols.KindTLS, nil, false
		e.Hint = "the server does not protect data connections; --prot clear sends them unencrypted"
	}
	return err
}
