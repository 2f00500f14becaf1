package nntp

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
)

// mechanismUser is the name of AUTHINFO USER and PASS among the mechanisms.
const mechanismUser = "USER"

// named reports whether somebody is to log in.
func (s *session) named() bool {
	return s.Cred.User != "" || s.Cred.Token != "" || s.Mechanism == "EXTERNAL"
}

// logInEarly logs in where somebody is named, before anything else, also at a server
// that does not offer it: some do not say so. A login that was asked for and cannot
// be had is an error.
func (s *session) logInEarly() error {
	if !s.named() {
		return nil
	}
	err := s.logIn()
	if e, ok := errors.AsType[*protocols.Error](err); ok && unknown(e.Code) {
		no := *e
		no.Kind, no.Sentinel = protocols.KindAuth, nil
		no.Text, no.Hint = "the server takes no login (AUTHINFO): "+no.Text, "leave out the user to go on without one"
		return &no
	}
	return err
}

// logIn authenticates: by SASL where the server has something better than a
// password in clear, or nothing else; then by USER and PASS (RFC 4643 2.3, 2.4). INN
// offers mechanisms whether or not it has passwords for them.
func (s *session) logIn() error {
	l := s.c.line.Login(s.Core, "nntp")
	l.Start, l.Respond, l.MaxInitial, l.Empty = s.startAuth, s.respond, math.MaxInt, "="
	offered := s.params("SASL")
	user := !s.modern || s.offers("AUTHINFO", "USER") || !s.offers("AUTHINFO", "SASL")
	better := slices.ContainsFunc(offered, func(m string) bool {
		return !slices.Contains([]string{"PLAIN", "LOGIN", "ANONYMOUS", "EXTERNAL"}, strings.ToUpper(m))
	})
	if s.Mechanism != "" || !user || better && s.offers("AUTHINFO", "SASL") || s.Cred.Token != "" {
		l.Offered = offered
	}
	if user || s.Mechanism == mechanismUser {
		l.Others = []sasl.Way{{Name: mechanismUser, Late: true, Try: s.userPass}}
	}
	if err := l.Run(); err != nil {
		return err
	}
	s.loggedIn = true
	if s.modern {
		return s.capabilities()
	}
	return nil
}

// userPass: the password only if it is asked for.
func (s *session) userPass() error {
	r, err := s.Cmd("AUTHINFO", "USER", s.Cred.User)
	if err != nil {
		return err
	}
	if r.Code == 381 {
		if !s.Cred.HasPassword() {
			return protocols.NoPasswordError(s.Cred.User)
		}
		if r, err = s.CmdSecret("AUTHINFO PASS", "****", s.Cred.Password); err != nil {
			return err
		}
	}
	return want(r, 281, 250) // 250 by the drafts before RFC 4643
}

// startAuth is AUTHINFO SASL (RFC 4643 2.4.2).
func (s *session) startAuth(mechanism, initial string, has bool) (sasl.Answer, error) {
	verb := "AUTHINFO SASL " + mechanism
	if !has {
		return answer(s.Cmd(verb))
	}
	return answer(s.CmdSecret(verb, "****", initial))
}

func (s *session) respond(response string) (sasl.Answer, error) {
	if response == "*" {
		return answer(s.Cmd(response))
	}
	return answer(s.CmdSecret("", "****", response))
}

func answer(r *protocols.Reply, err error) (sasl.Answer, error) {
	switch {
	case err != nil:
		return sasl.Answer{}, err
	case r.Code == 383:
		return sasl.Answer{More: true, Challenge: r.Text()}, nil
	case r.Code == 283:
		return sasl.Answer{Challenge: r.Text()}, nil
	}
	return sasl.Answer{Err: want(r, 281)}, nil
}

// ask sends one command. A server that wants MODE READER first (401) gets it, and the
// command again, once.
func (s *session) ask(ctx context.Context, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.Cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	again, err := s.remedy(ctx, r)
	if err != nil || !again {
		return r, err
	}
	return s.Cmd(verb, args...)
}

// remedy does what a reply asks for, and reports whether the command should be
// sent again.
func (s *session) remedy(ctx context.Context, r *protocols.Reply) (again bool, err error) {
	if r.Code == 401 && !s.reader && s.c.Settings.Reader != ReaderNever && strings.Contains(strings.ToUpper(r.Text()), "READER") {
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
