package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/netclients/netclients/protocols"
)

func newPlain(c *Config, _ []string) (Client, error) {
	return gosasl.NewPlainClient(c.Credential.AuthzID, c.Credential.User, c.Credential.Password), nil
}

func newExternal(c *Config, _ []string) (Client, error) {
	return gosasl.NewExternalClient(c.identity()), nil
}

func newAnonymous(c *Config, _ []string) (Client, error) {
	trace := c.Credential.User
	if trace == "" {
		trace = "anonymous"
	}
	return gosasl.NewAnonymousClient(trace), nil
}

// login answers the first prompt with the user and the second with the password,
// whatever they say: servers write "Username:", "User Name", or nothing at all.
type login struct {
	answers []string
}

func newLogin(c *Config, _ []string) (Client, error) {
	return &login{[]string{c.Credential.User, c.Credential.Password}}, nil
}

// Start lets the server prompt first, as the oldest servers need it.
func (l *login) Start() (string, []byte, error) { return "LOGIN", nil, nil }

// Next returns the answers in their order.
func (l *login) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, tooMany("LOGIN")
	}
	a := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(a), nil
}

func tooMany(mechanism string) error {
	return protocols.ProtocolError("", "login", "too many challenges for "+mechanism)
}

// cramMD5 is RFC 2195: a keyed MD5 of the challenge.
type cramMD5 struct {
	user, password string
	answered       bool
}

func newCramMD5(c *Config, _ []string) (Client, error) {
	return &cramMD5{user: c.Credential.User, password: c.Credential.Password}, nil
}

// Start returns no initial response: the server's challenge comes first.
func (m *cramMD5) Start() (string, []byte, error) { return "CRAM-MD5", nil, nil }

// Next returns the digest of the one challenge.
func (m *cramMD5) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, tooMany("CRAM-MD5")
	}
	if len(challenge) == 0 || len(challenge) > maxChallenge {
		return nil, protocols.ProtocolError("", "login", "invalid CRAM-MD5 challenge ("+strconv.Itoa(len(challenge))+" bytes)")
	}
	m.answered = true
	h := hmac.New(md5.New, []byte(m.password))
	h.Write(challenge)
	return []byte(m.user + " " + hex.EncodeToString(h.Sum(nil))), nil
}

// bearer sends a token. When the server refuses it says why in a challenge,
// which wants a response of no meaning before the refusal itself comes
// (RFC 7628 3.2.3).
type bearer struct {
	name    string
	initial []byte
	dummy   []byte // the response of no meaning
	refusal error
}

func newOAuthBearer(c *Config, _ []string) (Client, error) {
	port, _ := strconv.Atoi(c.Port) // 0, which is left out, for a service without a number
	o := gosasl.OAuthBearerOptions{Username: saslName(c.identity()), Token: c.Credential.Token, Host: c.Host, Port: port}
	_, initial, err := gosasl.NewOAuthBearerClient(&o).Start()
	return &bearer{name: "OAUTHBEARER", initial: initial, dummy: []byte{1}}, err
}

func newXOAuth2(c *Config, _ []string) (Client, error) {
	initial := "user=" + c.Credential.User + "\x01auth=Bearer " + c.Credential.Token + "\x01\x01"
	return &bearer{name: "XOAUTH2", initial: []byte(initial), dummy: []byte{}}, nil
}

// identity is the user to act as.
func (c *Config) identity() string {
	if c.Credential.AuthzID != "" {
		return c.Credential.AuthzID
	}
	return c.Credential.User
}

// saslName writes a name for a GS2 header (RFC 5801 4).
func saslName(s string) string {
	return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s)
}

// Start returns the token at once.
func (b *bearer) Start() (string, []byte, error) { return b.name, b.initial, nil }

// Next takes the server's reason for its refusal.
func (b *bearer) Next(challenge []byte) ([]byte, error) {
	if b.refusal != nil {
		return nil, tooMany(b.name)
	}
	if len(challenge) > maxChallenge {
		return nil, protocols.ProtocolError("", "login", "the server's reason to refuse the token is too long")
	}
	var why struct{ Status, Scope, Error string }
	text := "the server refused the token"
	if json.Unmarshal(challenge, &why) == nil {
		for _, w := range []string{why.Status, why.Error, why.Scope} {
			if w != "" {
				text += ": " + w
			}
		}
	}
	b.refusal = authError(text)
	return b.dummy, nil
}

func (b *bearer) verified() error { return b.refusal }
