package smtp

import (
	"strings"

	"github.com/netclients/netclients/internal/line/login"
	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/protocols"
)

// maxInitial is the longest initial response that goes in the AUTH command, whose
// line a server need not take beyond 12,288 bytes (RFC 4954 4).
const maxInitial = 12_000

// logIn authenticates when there is somebody to authenticate (RFC 4954).
func (s *session) logIn() error {
	if !s.Cred.HasPassword() && s.Cred.Token == "" && s.Mechanism == "" {
		return nil
	}
	if !s.has("AUTH") {
		if cause := s.Conn.AllowSecret(); cause != nil {
			return cause
		}
		return &protocols.Error{Kind: protocols.KindAuth, Text: "the server offers no login (AUTH)"}
	}
	l := login.New(s.c.line, s.Core, "smtp")
	l.Offered, l.Start, l.Respond = s.caps["AUTH"], s.startAuth, s.respond
	if !s.c.Settings.NoInitial {
		l.MaxInitial = maxInitial
	}
	if err := l.Run(); err != nil {
		return err
	}
	s.loggedIn = true
	return nil
}

// startAuth is the AUTH command (RFC 4954 4).
func (s *session) startAuth(mechanism, initial string, has bool) (sasl.Answer, error) {
	if !has {
		return s.answer(s.Cmd("AUTH", mechanism))
	}
	return s.answer(s.CmdSecret("AUTH", mechanism+" ****", mechanism, initial))
}

func (s *session) respond(response string) (sasl.Answer, error) {
	return s.answer(s.Respond(response))
}

// answer judges a reply in an exchange. Only 235 is a success.
func (s *session) answer(r *protocols.Reply, err error) (sasl.Answer, error) {
	switch {
	case err != nil:
		return sasl.Answer{}, err
	case r.Code == 334:
		return sasl.Answer{More: true, Challenge: firstOf(r.Lines)}, nil
	case r.Code == 235:
		return sasl.Answer{}, nil
	case r.Code == 503 && strings.Contains(strings.ToLower(textOf(r)), "already"):
		return sasl.Answer{}, nil // by the certificate, or the address: "already authenticated" (RFC 4954 4)
	case r.Code/100 == 2:
		return sasl.Answer{}, s.Fail(protocols.ProtocolError(proto, "login", "unexpected success code in reply to AUTH (want 235)"))
	}
	e := refusal(r)
	if e.Kind == protocols.KindRefused && e.Sentinel == nil {
		e.Kind = protocols.KindAuth // any other no during AUTH is about the login
	}
	return sasl.Answer{Err: e}, nil
}

func firstOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}
