package ftp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// logIn sends the credentials, asks for the features and prepares the session.
func (s *session) logIn(ctx context.Context) error {
	start := time.Now()
	cred, err := s.credential(ctx)
	if err != nil {
		return err
	}
	if s.c.Settings.Host != "" { // RFC 7151 3: before USER
		if _, err := s.need(2, "HOST", s.c.Settings.Host); err != nil {
			return err
		}
	}
	if s.greeting.Code != 230 || !isAnonymous(cred.User) { // else the greeting was the login
		if err := s.identify(&cred); err != nil {
			return err
		}
	}
	if err := s.askFeatures(); err != nil {
		return err
	}
	s.login = time.Since(start)
	return s.settle(ctx)
}

// credential asks for user and password. No user at all means anonymous. A password
// goes only where a secret may go; the address that anonymous users leave in its
// place is none.
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
	if cred.User == "" {
		cred.User = u.User.Username()
	}
	if cred.User == "" {
		cred.User, cred.Password = "anonymous", "" // a password is somebody's, not anonymous's
	}
	if cred.Account == "" {
		cred.Account = s.c.Settings.Account
	}
	if wire.Check(cred.Password, cred.Account) != nil {
		return cred, &protocols.Error{Kind: protocols.KindUsage, Op: "login", Text: "the password or account holds CR, LF or NUL, which FTP cannot carry"}
	}
	if isAnonymous(cred.User) && (cred.Password == "" || strings.Contains(cred.Password, "@")) {
		if cred.Password == "" {
			cred.Password = "anonymous@" // RFC 1635 1: some servers look for the @
		}
		return cred, nil
	}
	return cred, s.conn.AllowSecret()
}

func isAnonymous(user string) bool { return user == "anonymous" || user == "ftp" }

// identify logs in: USER, then PASS and ACCT as far as the server asks for them
// (RFC 959 5.4). Any 2xx ends it.
func (s *session) identify(cred *protocols.Credential) error {
	r, err := s.cmd("USER", cred.User)
	if err == nil && r.Code/100 == 3 && r.Code != 332 {
		if !cred.HasPassword() {
			return protocols.NoPasswordError(cred.User)
		}
		r, err = s.sendSecret("PASS", cred.Password)
	}
	if err == nil && r.Code == 332 && cred.Account != "" {
		r, err = s.sendSecret("ACCT", cred.Account)
	}
	if err != nil {
		return err
	}
	return want(r, 2)
}

// sendSecret sends a command whose argument no trace may show, and reads the reply.
func (s *session) sendSecret(verb, value string) (*protocols.Reply, error) {
	if err := s.secret(verb, value); err != nil {
		return nil, err
	}
	if err := s.flush(); err != nil {
		return nil, err
	}
	return s.reply()
}

// askFeatures sends FEAT (RFC 2389 3). A server that does not know it has no
// features to report.
func (s *session) askFeatures() error {
	start := time.Now()
	r, err := s.cmd("FEAT")
	if err != nil {
		return err
	}
	s.pace = time.Since(start)
	if r.Code != 211 {
		return nil
	}
	for _, line := range r.Lines[min(1, len(r.Lines)):max(len(r.Lines)-1, min(1, len(r.Lines)))] {
		name, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.feats[strings.ToUpper(name)] = params
	}
	return nil
}

func (s *session) has(feature string) bool {
	_, ok := s.feats[feature]
	return ok
}

// settle chooses the binary type, asks for UTF-8, protects the data connections and
// ends the TLS of the control connection where asked.
func (s *session) settle(ctx context.Context) error {
	if err := s.choose(ctx); err != nil {
		return err
	}
	if s.conn.TLS() == nil {
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
	return s.fail(s.conn.EndTLS(ctx))
}

// choose sends the first commands of every session, which are harmless: they also
// show whether the server takes two in one packet. Only a server that knows FEAT,
// and so is not very old, is tried.
func (s *session) choose(ctx context.Context) error {
	binary := step{verb: "TYPE", args: []string{"I"}, then: func(r *protocols.Reply) error {
		s.typ = 'I'
		return want(r, 2)
	}}
	var steps []step
	switch {
	case len(s.feats) == 0:
		steps = []step{binary}
	case s.has("UTF8") && s.enc == nil:
		// A refusal does not matter: UTF-8 is the default (RFC 2640 3.1).
		steps = []step{{verb: "OPTS", args: []string{"UTF8", "ON"}, twice: true}, binary}
	default:
		steps = []step{binary, {verb: "PWD", then: func(r *protocols.Reply) error {
			s.home, _ = workingFolder(r) // where it cannot be read it is asked for when it is needed
			return nil
		}}}
	}
	if len(steps) == 1 || s.c.Settings.NoPipelining || s.c.memory.Knows(s.c.server, factOneAtATime) {
		return s.fly(ctx, steps, nil)
	}
	return s.tryTogether(ctx, steps)
}

// protect sets the protection of the data connections (RFC 4217 9). The server
// refusing PROT P is an error: content must not be sent unencrypted without the
// user's knowledge. PROT C is what a server does anyway (RFC 2228 3).
func (s *session) protect() []step {
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
