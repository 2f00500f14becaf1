package pop3

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/line/login"
	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
)

// maxInitial is the longest initial response of an AUTH command, which has 255 bytes
// (RFC 5034 4) and the name of a mechanism in it.
const maxInitial = 255 - len("AUTH SCRAM-SHA-256-PLUS \r\n")

// logIn sends the credentials: by the mechanism that was asked for, else by the
// strongest that the server offers with SASL, then with APOP, or USER and PASS.
func (s *session) logIn() error {
	if s.Cred.User == "" && s.Mechanism != "EXTERNAL" {
		return line.NoUser("no user name is known")
	}
	if s.c.Settings.UTF8 { // RFC 6856 2: before the login, so that names may be UTF-8
		if _, err := s.Need("UTF8"); err != nil {
			return err
		}
	}
	l := login.New(s.c.line, s.Core, "pop")
	l.Offered, l.MaxInitial = s.caps["SASL"], maxInitial
	l.Start, l.Respond = s.startAuth, s.respond
	l.Others = []sasl.Way{{Name: "USER", Try: s.userPass}, {Name: "RPOP", Bare: true, Try: s.rpop}}
	// A text in angle brackets without "@" may be no time stamp: it counts only when
	// APOP was asked for. MD5 is broken enough that a listener may find out passwords, and under TLS there
	// is none.
	if s.Mechanism == "APOP" || strings.Contains(s.stamp, "@") && len(l.Offered) == 0 && s.Conn.TLS() == nil {
		l.Others = append([]sasl.Way{{Name: "APOP", Proof: true, Try: s.apop}}, l.Others...)
	}
	if err := l.Run(); err != nil {
		return err
	}
	s.user = s.Cred.User
	s.Cred = protocols.Credential{}
	return nil
}

// cutAuth splits ";AUTH=APOP" off a user name (RFC 2384 3); "*" is any mechanism,
// and a plus sign marks those that are no SASL.
func cutAuth(user string) (name, mechanism string) {
	i := strings.Index(strings.ToUpper(user), ";AUTH=")
	if i < 0 {
		return user, ""
	}
	mechanism = strings.TrimPrefix(strings.ToUpper(user[i+len(";AUTH="):]), "+")
	if mechanism == "*" {
		mechanism = ""
	}
	return user[:i], mechanism
}

// userPass is USER and PASS (RFC 1939 7).
func (s *session) userPass() error {
	r, err := s.Cmd("USER", s.Cred.User)
	if err != nil {
		return err
	}
	if !ok(r) {
		return loginRefusal(r)
	}
	return judged(s.CmdSecret("PASS", "****", s.Cred.Password))
}

// apop proves the password with MD5 over the stamp of the greeting (RFC 1939 7).
func (s *session) apop() error {
	if s.stamp == "" {
		return &protocols.Error{Kind: protocols.KindAuth, Sentinel: errors.ErrUnsupported, Text: "the server does not support APOP: its greeting has no time stamp"}
	}
	sum := md5.Sum([]byte(s.stamp + s.Cred.Password))
	proof := hex.EncodeToString(sum[:])
	s.Mask.Add(proof)
	return judged(s.CmdSecret("APOP", s.Cred.User+" ****", s.Cred.User, proof))
}

// rpop is the login without a password of RFC 1081, for privileged ports.
func (s *session) rpop() error {
	r, err := s.Cmd("USER", s.Cred.User)
	if err == nil && ok(r) {
		r, err = s.Cmd("RPOP", s.Cred.User)
	}
	return judged(r, err)
}

// judged turns the last answer of a login into an error.
func judged(r *protocols.Reply, err error) error {
	if err == nil && !ok(r) {
		return loginRefusal(r)
	}
	return err
}

// startAuth is the AUTH command (RFC 5034 4).
func (s *session) startAuth(mechanism, initial string, has bool) (sasl.Answer, error) {
	if !has {
		return answer(s.Cmd("AUTH", mechanism))
	}
	return answer(s.CmdSecret("AUTH", mechanism+" ****", mechanism, initial))
}

func (s *session) respond(response string) (sasl.Answer, error) { return answer(s.Respond(response)) }

func answer(r *protocols.Reply, err error) (sasl.Answer, error) {
	switch {
	case err != nil:
		return sasl.Answer{}, err
	case more(r):
		return sasl.Answer{More: true, Challenge: r.Text()}, nil
	case ok(r):
		return sasl.Answer{}, nil
	}
	return sasl.Answer{Err: loginRefusal(r)}, nil
}
