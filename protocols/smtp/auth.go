package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// maxChallenges bounds an exchange; SCRAM, the longest, has two.
const maxChallenges = 10

// maxInitial is the longest initial response that goes in the AUTH command, whose
// line a server need not take beyond 12,288 bytes (RFC 4954 4).
const maxInitial = 12_000

// logIn authenticates when there is somebody to authenticate (RFC 4954).
func (s *session) logIn() error {
	start, cred := time.Now(), s.cred
	if !cred.HasPassword() && cred.Token == "" && s.c.opts.Mechanism == "" {
		return nil
	}
	if !s.has("AUTH") {
		if cause := s.conn.AllowSecret(); cause != nil {
			return cause
		}
		return &protocols.Error{Kind: protocols.KindAuth, Text: "the server offers no login (AUTH)"}
	}
	_, host, port := s.c.address()
	clients, err := sasl.Choose(s.caps["AUTH"], sasl.Config{
		Credential: cred, Mechanism: s.c.opts.Mechanism, Host: host, Port: port, Service: "smtp",
		TLS: s.conn.TLS(), MayClear: s.conn.AllowSecret(),
	})
	if err != nil {
		return err
	}
	err = s.tryAll(clients)
	s.login = time.Since(start)
	return err
}

// tryAll goes to the next mechanism only where the server does not know the one
// before after all, never after a refusal of the password.
func (s *session) tryAll(clients []sasl.Client) error {
	var err error
	for _, c := range clients {
		err = s.authenticate(c)
		if !errors.Is(err, errors.ErrUnsupported) || s.failed != nil {
			return err
		}
	}
	return err
}

// identify gets the credentials, before anything is sent.
func (s *session) identify(ctx context.Context) (err error) {
	if s.cred, err = s.credential(ctx); err != nil {
		return err
	}
	c := &s.cred
	for _, secret := range []string{c.User, c.Password, c.Token, c.AuthzID} {
		if wire.Check(secret) != nil {
			return protocols.UsageError(proto, "login", "credentials with a line end or NUL")
		}
	}
	return nil
}

// credential asks for user and secret.
func (s *session) credential(ctx context.Context) (protocols.Credential, error) {
	u := s.c.url
	ask := s.c.opts.Credentials
	if ask == nil {
		return protocols.URLCredential(u), nil
	}
	_, host, port := s.c.address()
	cred, err := ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: host, Port: port, User: u.User.Username()})
	return cred, protocols.Wrap(err, proto, "login", "")
}

// authenticate runs one mechanism. Only 235 is a success, and only when the
// mechanism is satisfied with what the server has shown.
func (s *session) authenticate(c sasl.Client) error {
	name, initial, err := c.Start()
	if err != nil {
		return err
	}
	late := initial != nil && (s.c.Settings.NoInitial || len(initial) > maxInitial)
	switch {
	case initial == nil || late:
		err = s.queue("AUTH", name)
	default:
		err = s.secret("AUTH", name+" ****", name, encode(initial))
	}
	if err != nil {
		return err
	}
	for range maxChallenges {
		r, err := s.exchange()
		if err != nil || r.Code != 334 {
			return s.settled(c, r, err)
		}
		response := initial
		if !late {
			if response, err = s.answer(c, r); err != nil {
				return err
			}
		}
		late = false
		if err := s.secret("", "****", base64.StdEncoding.EncodeToString(response)); err != nil {
			return err
		}
	}
	return s.fail(protocols.ProtocolError(proto, "login", "the server goes on asking during AUTH "+name))
}

func (s *session) exchange() (*protocols.Reply, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	return s.reply()
}

// encode writes an initial response; an empty one is "=" (RFC 4954 4).
func encode(initial []byte) string {
	if len(initial) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(initial)
}

// answer returns the response to a challenge, or cancels the exchange.
func (s *session) answer(c sasl.Client, r *protocols.Reply) ([]byte, error) {
	text := ""
	if len(r.Lines) > 0 {
		text = strings.TrimSpace(r.Lines[0])
	}
	challenge, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		err = protocols.ProtocolError(proto, "login", "a challenge that is not base64")
	}
	var response []byte
	if err == nil {
		response, err = c.Next(challenge)
	}
	if err != nil {
		s.cmd("*") // RFC 4954 4: gives the exchange up; what the server says to it does not matter
		return nil, err
	}
	return response, nil
}

// settled judges the reply that ends an exchange.
func (s *session) settled(c sasl.Client, r *protocols.Reply, err error) error {
	if err != nil {
		return err
	}
	verified := sasl.Verified(c)
	if r.Code == 235 {
		return s.fail(verified)
	}
	e := refusal(r)
	if why, ok := errors.AsType[*protocols.Error](verified); ok && s.cred.Token != "" && e.Kind == protocols.KindAuth {
		e.Hint = why.Text // what the server said of the token
	}
	if e.Kind == protocols.KindRefused && e.Sentinel == nil {
		e.Kind = protocols.KindAuth // any other no during AUTH is about the login
	}
	if r.Code/100 == 2 {
		return s.fail(protocols.ProtocolError(proto, "login", "success of another kind than 235 to AUTH"))
	}
	return e
}
