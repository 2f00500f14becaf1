// Package sasl is the client side of SASL (RFC 4422) for all adapters: it picks
// the strongest mechanism that server, credentials and connection allow, and
// refuses to send a secret where it could be read.
//
// The mechanisms: OAUTHBEARER (RFC 7628), XOAUTH2, SCRAM-SHA-256 and SCRAM-SHA-1
// with and without channel binding (RFC 5802, 7677, 5929, 9266), CRAM-MD5
// (RFC 2195), EXTERNAL (RFC 4422 A), PLAIN (RFC 4616), LOGIN and ANONYMOUS
// (RFC 4505).
//
// # Logging in
//
// [Login.Run] is the whole of it: it picks the mechanisms, carries each exchange
// over what the protocol has for that ([Exchange]), judges the end, and goes on to
// the next one where that may help.
package sasl

import (
	"cmp"
	"crypto/tls"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Client is one exchange with one mechanism. A nil initial response means that
// the mechanism lets the server speak first; one that is empty is to be sent as
// such. Next returns the response to a challenge, and an error when the exchange
// must be given up.
type Client = gosasl.Client

// Config is what a mechanism may use.
type Config struct {
	Credential protocols.Credential
	Mechanism  string               // that one and no other; empty: the strongest
	Host, Port string               // of the server, as the user named it
	Service    string               // "smtp", "imap", "pop", "nntp"
	TLS        *tls.ConnectionState // nil: unencrypted
	MayClear   error                // why no secret may go out, as transport.Conn.AllowSecret says; nil: it may
}

// maxChallenge bounds a challenge in bytes; the longest real ones have some hundred.
const maxChallenge = 64 << 10

// mechanism is a row of the table, strongest first.
type mechanism struct {
	name   string
	secret secret
	make   func(c *Config, offered []string) (Client, error)
}

// secret says what a mechanism needs of the credentials, and whether it shows it.
type secret int

const (
	none      secret = iota // nothing: ANONYMOUS
	identity                // who the connection is already: EXTERNAL
	proof                   // a password, of which only a proof is sent
	password                // a password, sent as it is
	bearToken               // a token, sent as it is
)

func mechanisms() []mechanism {
	return []mechanism{
		{"OAUTHBEARER", bearToken, newOAuthBearer},
		{"XOAUTH2", bearToken, newXOAuth2},
		{"SCRAM-SHA-256-PLUS", proof, scramPlus("SCRAM-SHA-256")},
		{"SCRAM-SHA-256", proof, scramPlain("SCRAM-SHA-256")},
		{"SCRAM-SHA-1-PLUS", proof, scramPlus("SCRAM-SHA-1")},
		{"SCRAM-SHA-1", proof, scramPlain("SCRAM-SHA-1")},
		{"CRAM-MD5", proof, newCramMD5},
		{"EXTERNAL", identity, newExternal},
		{"PLAIN", password, newPlain},
		{"LOGIN", password, newLogin},
		{"ANONYMOUS", none, newAnonymous},
	}
}

// choose returns the usable mechanisms of those that the server offers, strongest
// first. With c.Mechanism it returns that one or fails, never a weaker one. The
// error is of kind Auth when nothing is left, of class protocols.ErrCleartext
// when the reason is c.MayClear, and of kind Usage for credentials that no
// mechanism can carry.
//
// Without TLS to a remote host even the mechanisms that only send a proof are
// left out unless c.Mechanism asks for one: who listens can guess passwords
// until the proof fits.
func choose(offered []string, c Config) ([]attempt, error) {
	if err := checkCredential(&c); err != nil {
		return nil, err
	}
	upper := make([]string, 0, len(offered))
	for _, o := range offered {
		upper = append(upper, strings.ToUpper(o))
	}
	asked := strings.ToUpper(c.Mechanism)
	if asked != "" && !slices.Contains(upper, asked) {
		return nil, authError("the server does not offer " + asked + "; it offers " + list(upper))
	}
	var ways []attempt
	var reason error
	for _, m := range mechanisms() {
		if asked != "" && m.name != asked || !slices.Contains(upper, m.name) {
			continue
		}
		client, err := m.client(&c, upper)
		if err != nil {
			reason = cmp.Or(reason, err)
		}
		if client != nil {
			ways = append(ways, attempt{Way{Name: m.name, Proof: m.secret == proof}, client})
		}
	}
	if len(ways) == 0 {
		return nil, cmp.Or(reason, nothingFits(&c, upper))
	}
	return ways, nil
}

// client makes the client of a mechanism; nil, nil means that it does not fit
// the credentials.
func (m mechanism) client(c *Config, offered []string) (Client, error) {
	asked := c.Mechanism != ""
	cred := &c.Credential
	switch m.secret {
	case none:
		if cred.HasPassword() || cred.Token != "" {
			return nil, nil
		}
	case identity:
		if !asked && (cred.HasPassword() || cred.Token != "" || c.TLS == nil) {
			return nil, nil
		}
	case bearToken:
		if cred.Token == "" {
			return nil, nil
		}
		if c.MayClear != nil {
			return nil, c.MayClear
		}
	default:
		if !cred.HasPassword() {
			return nil, nil
		}
		if c.MayClear != nil && (m.secret == password || !asked) {
			return nil, c.MayClear
		}
	}
	return m.make(c, offered)
}

// nothingFits says why no mechanism is left.
func nothingFits(c *Config, offered []string) error {
	cred := &c.Credential
	switch {
	case len(offered) == 0:
		return authError("the server offers no way to log in")
	case !cred.HasPassword() && cred.Token == "":
		return &protocols.Error{Kind: protocols.KindAuth, Text: "login required, but no password or token is known; the server offers " + list(offered), Hint: "give --user and a password"}
	case !cred.HasPassword():
		return authError("the server does not accept tokens; it offers " + list(offered))
	}
	return authError("none of the server's mechanisms can be used: " + list(offered))
}

func authError(text string) error {
	return &protocols.Error{Kind: protocols.KindAuth, Text: text}
}

// list names what a server offers, within reason.
func list(offered []string) string {
	if len(offered) == 0 {
		return "none"
	}
	return wire.Clip(strings.Join(offered, " "))
}

// checkCredential refuses what would change the meaning of a message: NUL ends
// the fields of PLAIN, 0x01 those of the bearer mechanisms.
func checkCredential(c *Config) error {
	cred := &c.Credential
	for _, f := range []struct{ what, value string }{
		{"user", cred.User}, {"password", cred.Password}, {"token", cred.Token}, {"authzid", cred.AuthzID},
	} {
		bad := "\x00"
		if f.what != "password" {
			bad += "\x01\r\n"
		}
		if strings.ContainsAny(f.value, bad) {
			return protocols.UsageError("", "login", "the "+f.what+" contains a control character")
		}
	}
	return nil
}

// Verified reports whether a server that said success has proved what the
// mechanism wants it to prove, or an error of kind Auth. It must be asked before
// a session is used: a SCRAM server that does not know the password can say
// success but not give the signature (RFC 5802 3). After a refusal its error
// tells more than the server's reply, for bearer mechanisms.
func Verified(c Client) error {
	if v, ok := c.(interface{ verified() error }); ok {
		return v.verified()
	}
	return nil
}
