package ftp

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	asks := factPassword + cred.User
	if cred.HasPassword() && s.met() && s.c.shares(asks) {
		return s.identifyAgain(cred)
	}
	r, err := s.Cmd("USER", cred.User)
	if err == nil && asksPassword(r) {
		if !cred.HasPassword() {
			return protocols.NoPasswordError(cred.User)
		}
		if r, err = s.CmdSecret("PASS", "****", cred.Password); err == nil && r.Code/100 == 2 {
			s.c.memory().Note(s.c.server(), asks)
		}
	}
	return s.account(cred, r, err)
}

// asksPassword reports whether a reply to USER asks for a password.
func asksPassword(r *protocols.Reply) bool { return r.Code/100 == 3 && r.Code != 332 }

// identifyAgain is identify where the server is known to ask for a password: USER and
// PASS go out together.
func (s entrance) identifyAgain(cred *protocols.Credential) error {
	if err := s.Queue("USER", cred.User); err != nil {
		return err
	}
	if err := s.QueueSecret("PASS", "****", cred.Password); err != nil {
		return err
	}
	r, err := s.Answer()
	if err != nil || r.Code == 421 {
		return s.account(cred, r, err)
	}
	pass, err := s.Reply()
	if asksPassword(r) {
		r = pass
	} else if r.Code >= 400 {
		err = nil // what came of PASS then does not matter
	}
	return s.account(cred, r, err)
}

// account ends a login, with ACCT where the server asks for it. r is its last reply.
func (s entrance) account(cred *protocols.Credential, r *protocols.Reply, err error) error {
	if err == nil && r.Code == 332 && cred.Account != "" {
		r, err = s.CmdSecret("ACCT", "****", cred.Account)
	}
	if err != nil {
		return err
	}
	return want(r, 2)
}

// askFeatures sends FEAT (RFC 2389 3).
func (s *session) askFeatures() error {
	ask := s.features()
	r, err := s.Cmd(ask.verb)
	if err != nil {
		return err
	}
	return ask.then(r)
}

// features is the step that asks for the features. A server that does not know FEAT has
// none to report.
func (s *session) features() step {
	start := time.Now()
	return step{verb: "FEAT", then: func(r *protocols.Reply) error {
		s.pace = time.Since(start)
		if r.Code != 211 {
			return nil
		}
		for _, line := range r.Lines[1:max(1, len(r.Lines)-1)] {
			name, params, _ := strings.Cut(strings.TrimSpace(line), " ")
			s.feats[strings.ToUpper(name)] = params
		}
		return nil
	}}
}

func (s *session) has(feature string) bool {
	_, ok := s.feats[feature]
	return ok
}

// settle asks for the features, chooses the binary type, asks for UTF-8, protects the data connections and
// ends the TLS of the control connection where asked.
func (s entrance) settle(ctx context.Context) error {
	if err := s.agree(ctx); err != nil {
		return err
	}
	if s.Conn.TLS() == nil || !s.c.Settings.CCC {
		return nil
	}
	if _, err := s.need(2, "CCC"); err != nil {
		return err
	}
	return s.Fail(s.Conn.EndTLS(ctx))
}

// met reports whether another session has shown that the server takes several commands
// at once.
func (s entrance) met() bool {
	return s.c.shares(factTogether) && !s.c.shares(factOneAtATime) && !s.c.Settings.NoPipelining
}

// agree sends the first commands of a session: in one flight where another session has
// shown that the server takes it.
func (s entrance) agree(ctx context.Context) error {
	if s.met() {
		s.together, s.shown = true, true
		steps := []step{s.features()}
		if s.c.shares(factUTF8) && s.c.charset == nil {
			steps = append(steps, utf8On)
		}
		return s.fly(ctx, slices.Concat(steps, []step{s.binary(), s.learnedHome()}, s.protect()), nil)
	}
	if err := s.askFeatures(); err != nil {
		return err
	}
	if err := s.choose(ctx); err != nil {
		return err
	}
	return s.fly(ctx, s.protect(), nil)
}

// utf8On asks for names in UTF-8. A refusal does not matter: it is the default (RFC
// 2640 3.1).
var utf8On = step{verb: "OPTS", args: []string{"UTF8", "ON"}, twice: true}

func (s entrance) binary() step {
	return step{verb: "TYPE", args: []string{"I"}, then: func(r *protocols.Reply) error {
		s.typ = 'I'
		return want(r, 2)
	}}
}

// learnedHome asks for the login folder. Where the reply cannot be read it is asked for
// when it is needed.
func (s entrance) learnedHome() step {
	return step{verb: "PWD", then: func(r *protocols.Reply) error {
		s.home, _ = workingFolder(r)
		return nil
	}}
}

// choose sends the first commands of every session, which are harmless: they also
// show whether the server takes two in one packet. Only a server that knows FEAT,
// and so is not very old, is tried.
func (s entrance) choose(ctx context.Context) error {
	var steps []step
	m, server := s.c.memory(), s.c.server()
	switch {
	case len(s.feats) == 0:
		steps = []step{s.binary()}
	case s.has("UTF8") && s.c.charset == nil:
		m.Note(server, factUTF8)
		steps = []step{utf8On, s.binary()}
	default:
		steps = []step{s.binary(), s.learnedHome()}
	}
	if len(steps) == 1 || s.c.Settings.NoPipelining || m.Knows(server, factOneAtATime) {
		return s.fly(ctx, steps, nil)
	}
	return s.tryTogether(ctx, steps)
}

// protect sets the protection of the data connections under TLS (RFC 4217 9). The server
// refusing PROT P is an error: content must not be sent unencrypted without the
// user's knowledge. PROT C is what a server does anyway (RFC 2228 3).
func (s entrance) protect() []step {
	if s.Conn.TLS() == nil {
		return nil
	}
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
