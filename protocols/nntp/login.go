package nntp

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/line/login"
	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
)

// mechanismUser is the name of AUTHINFO USER and PASS among the mechanisms.
const mechanismUser = "USER"

// authenticator logs in.
type authenticator struct{ *session }

// named reports whether there are credentials to log in with.
func (a authenticator) named() bool {
	return a.Cred.User != "" || a.Cred.Token != "" || a.Mechanism == "EXTERNAL"
}

// early logs in before any other command if there are credentials, also to a server
// that does not advertise AUTHINFO: some support it without saying so. A server that
// does not support it causes an error.
func (a authenticator) early() error {
	if !a.named() {
		return nil
	}
	err := a.logIn()
	if e, ok := errors.AsType[*protocols.Error](err); ok && unknown(e.Code) {
		no := *e
		no.Kind, no.Sentinel = protocols.KindAuth, nil
		no.Text, no.Hint = "the server does not support logins (AUTHINFO): "+no.Text, "leave out the user to connect without a login"
		return &no
	}
	return err
}

// weak are the mechanisms without an advantage over USER and PASS.
var weak = []string{"PLAIN", "LOGIN", "ANONYMOUS", "EXTERNAL"}

// logIn authenticates: by SASL if the server offers a mechanism stronger than a plain
// password, or only SASL; then by USER and PASS (RFC 4643 2.3, 2.4). INN offers
// mechanisms whether or not it has passwords for them, and checks those of USER
// elsewhere: PLAIN would waste a try.
func (a authenticator) logIn() error {
	l := login.New(a.c.line, a.Core, "nntp")
	l.Start, l.Respond, l.MaxInitial, l.Empty = a.start, a.respond, math.MaxInt, "="
	l.Offered = a.params("SASL")
	user := !a.modern || a.offers("AUTHINFO", "USER") || !a.offers("AUTHINFO", "SASL")
	if user && a.Mechanism == "" && a.Cred.Token == "" {
		l.Offered = slices.DeleteFunc(l.Offered, func(m string) bool {
			return !a.offers("AUTHINFO", "SASL") || slices.Contains(weak, strings.ToUpper(m))
		})
	}
	if user || a.Mechanism == mechanismUser {
		l.Others = []sasl.Way{{Name: mechanismUser, Late: true, Try: a.userPass}}
	}
	if err := l.Run(); err != nil {
		return err
	}
	a.loggedIn = true
	if a.modern {
		return a.capabilities()
	}
	return nil
}

// userPass sends AUTHINFO USER, and PASS only if the server asks for it.
func (a authenticator) userPass() error {
	r, err := a.Cmd("AUTHINFO", "USER", a.Cred.User)
	if err != nil {
		return err
	}
	if r.Code == 381 {
		if !a.Cred.HasPassword() {
			return protocols.NoPasswordError(a.Cred.User)
		}
		if r, err = a.CmdSecret("AUTHINFO PASS", "****", a.Cred.Password); err != nil {
			return err
		}
	}
	return want(r, 281, 250) // 250 by the drafts before RFC 4643
}

// start sends AUTHINFO SASL (RFC 4643 2.4.2).
func (a authenticator) start(mechanism, initial string, has bool) (sasl.Answer, error) {
	verb := "AUTHINFO SASL " + mechanism
	if !has {
		return answer(a.Cmd(verb))
	}
	return answer(a.CmdSecret(verb, "****", initial))
}

func (a authenticator) respond(response string) (sasl.Answer, error) {
	return answer(a.Respond(response))
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

// ask sends one command. If the server requires MODE READER first (401), or a login anew
// (480), it sees to that and repeats the command once.
func (s *session) ask(ctx context.Context, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.Cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	s.served = s.served || r.Code < 300
	again, err := s.remedy(ctx, r)
	if err != nil || !again {
		return r, err
	}
	return s.Cmd(verb, args...)
}

// remedy sends MODE READER if the reply asks for it, or logs in again if the login has
// expired, and reports whether to repeat the command.
func (s *session) remedy(ctx context.Context, r *protocols.Reply) (again bool, err error) {
	if s.expired(r) {
		s.loggedIn, s.served, s.group = false, false, ""
		return true, authenticator{s}.logIn()
	}
	if r.Code == 401 && !s.reader && s.c.Settings.Reader != ReaderNever && strings.Contains(strings.ToUpper(r.Text()), "READER") {
		return true, s.modeReader(ctx)
	}
	return false, nil
}

// expired reports whether the reply says that the login of the session has expired. If
// nothing has worked since the login, the server wants another user instead.
func (s *session) expired(r *protocols.Reply) bool { return r.Code == 480 && s.loggedIn && s.served }

// need sends one command whose reply must have one of the codes.
func (s *session) need(ctx context.Context, codes []int, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.ask(ctx, verb, args...)
	if err != nil {
		return nil, err
	}
	return r, want(r, codes...)
}
