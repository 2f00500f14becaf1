package pop3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/sasl"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// askCredential finds out who logs in, and how.
func (s *session) askCredential(ctx context.Context) error {
	user, inURL := cutAuth(s.c.url.User.Username())
	s.mech = strings.ToUpper(s.c.opts.Mechanism)
	if s.mech == "" {
		s.mech = inURL
	}
	var err error
	if s.cred, err = s.credential(ctx, user); err != nil {
		return err
	}
	if wire.Check(s.cred.User, s.cred.Password) != nil {
		return protocols.UsageError(proto, "login", "the user or password holds CR, LF or NUL")
	}
	return nil
}

// logIn sends the credentials: by the mechanism that was asked for, else by the
// strongest that the server offers with SASL, else with APOP or USER and PASS.
func (s *session) logIn() error {
	start := time.Now()
	if s.c.Settings.UTF8 { // RFC 6856 2: before the login, so that names may be UTF-8
		if _, err := s.need("UTF8"); err != nil {
			return err
		}
	}
	if err := s.authenticate(s.cred, s.mech); err != nil {
		return err
	}
	s.user, s.login = s.cred.User, time.Since(start)
	s.cred = protocols.Credential{}
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

func (s *session) credential(ctx context.Context, user string) (protocols.Credential, error) {
	cred := protocols.Credential{User: user}
	if ask := s.c.opts.Credentials; ask != nil {
		host, port := protocols.HostPort(s.c.url, s.c.scheme)
		var err error
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: s.c.url.Scheme, Host: host, Port: port, User: user})
		if err != nil {
			return cred, protocols.Wrap(err, proto, "login", "")
		}
		cred.User, _ = cutAuth(cred.User)
	} else if s.c.url.User != nil {
		cred = protocols.URLCredential(s.c.url)
		cred.User = user
	}
	if cred.User == "" {
		return cred, &protocols.Error{Kind: protocols.KindAuth, Text: "no user name is known", Hint: "write pop3://user@host/ or give --user"}
	}
	return cred, nil
}

// plainWays are the logins that are no SASL: by name as --auth takes it.
var plainWays = map[string]func(s *session, cred protocols.Credential) error{
	"USER": (*session).userPass,
	"APOP": (*session).apop,
	"RPOP": (*session).rpop,
}

func (s *session) authenticate(cred protocols.Credential, mechanism string) error {
	if way := plainWays[mechanism]; way != nil {
		return way(s, cred)
	}
	offered := s.caps["SASL"]
	if mechanism == "" && len(offered) == 0 {
		if s.stamp != "" && s.conn.TLS() == nil {
			return s.apop(cred)
		}
		return s.userPass(cred)
	}
	host, port := protocols.HostPort(s.c.url, s.c.scheme)
	clients, err := sasl.Choose(offered, sasl.Config{
		Credential: cred, Mechanism: mechanism, Host: host, Port: port, Service: "pop", TLS: s.conn.TLS(), MayClear: s.conn.AllowSecret(),
	})
	if err != nil {
		return err
	}
	for _, c := range clients {
		if err = s.exchange(c); !errors.Is(err, errors.ErrUnsupported) {
			break
		}
	}
	return err
}

// userPass is USER and PASS (RFC 1939 7).
func (s *session) userPass(cred protocols.Credential) error {
	if err := s.secretAllowed(cred); err != nil {
		return err
	}
	st, err := s.cmd("USER", cred.User)
	if err != nil {
		return err
	}
	if !st.OK() {
		return loginRefusal(st)
	}
	return s.answer(s.secret("PASS", "****", cred.Password))
}

// apop proves the password with MD5 over the stamp of the greeting (RFC 1939 7).
// MD5 is broken enough that a listener may find out passwords, so that it goes
// only where a password may go.
func (s *session) apop(cred protocols.Credential) error {
	if err := s.secretAllowed(cred); err != nil {
		return err
	}
	if s.stamp == "" {
		return &protocols.Error{Kind: protocols.KindAuth, Sentinel: errors.ErrUnsupported, Text: "the greeting has no time stamp: the server does not do APOP"}
	}
	sum := md5.Sum([]byte(s.stamp + cred.Password))
	return s.answer(s.secret("APOP", cred.User+" ****", cred.User, hex.EncodeToString(sum[:])))
}

// rpop is the login without a password of RFC 1081, for privileged ports.
func (s *session) rpop(cred protocols.Credential) error {
	st, err := s.cmd("USER", cred.User)
	if err == nil && st.OK() {
		st, err = s.cmd("RPOP", cred.User)
	}
	return s.answer(st, err)
}

func (s *session) secretAllowed(cred protocols.Credential) error {
	if !cred.HasPassword() {
		return protocols.NoPasswordError(cred.User)
	}
	return s.conn.AllowSecret()
}

// answer turns the last answer of a login into an error.
func (s *session) answer(st wire.Status, err error) error {
	if err == nil && !st.OK() {
		return loginRefusal(st)
	}
	return err
}

// longestAuth is the longest AUTH command with an initial response, CRLF included
// (RFC 5034 4); a longer one waits for the empty challenge.
const longestAuth = 255

// exchange is the AUTH command (RFC 5034 4).
func (s *session) exchange(c sasl.Client) error {
	name, initial, err := c.Start()
	if err != nil {
		return protocols.Wrap(err, proto, "login", "")
	}
	coded := encode(initial)
	ahead := initial != nil && len("AUTH ")+len(name)+1+len(coded)+2 <= longestAuth
	args := []string{name}
	if ahead {
		args = append(args, coded)
	}
	st, err := s.secret("AUTH", name, args...)
	if err == nil && st.Mark == "+" && initial != nil && !ahead {
		st, err = s.secret("", "****", coded)
	}
	for err == nil && st.Mark == "+" {
		st, err = s.respond(c, st.Text)
	}
	if err := s.answer(st, err); err != nil {
		if told := sasl.Verified(c); told != nil && protocols.KindOf(err) == protocols.KindAuth && strings.HasSuffix(name, "BEARER") {
			return told
		}
		return err
	}
	return s.fail(sasl.Verified(c))
}

// respond answers one challenge. One that the mechanism does not take ends the
// exchange with "*", and the connection with it.
func (s *session) respond(c sasl.Client, text string) (wire.Status, error) {
	challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return wire.Status{}, s.fail(protocols.ProtocolError(proto, "login", "the server's challenge is no base64"))
	}
	response, err := c.Next(challenge)
	if err != nil {
		s.cmd("*")
		return wire.Status{}, s.fail(protocols.Wrap(err, proto, "login", ""))
	}
	coded := ""
	if len(response) > 0 {
		coded = encode(response)
	}
	return s.secret("", "****", coded)
}

// encode returns base64, and "=" for what is there and empty.
func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
