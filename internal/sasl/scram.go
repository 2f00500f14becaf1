package sasl

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// maxIterations bounds the work that a server may ask for: a million take about
// half a second. (CVE-2026-42256: i=2147483647 keeps a client busy for minutes.)
const maxIterations = 1_000_000

// scramClient is one SCRAM exchange (RFC 5802).
type scramClient struct {
	name  string
	conv  *scram.ClientConversation
	nonce string // ours
	step  int    // challenges answered
}

// scramPlus makes the variant with channel binding; nil, nil without TLS.
func scramPlus(name string) func(*Config, []string) (Client, error) {
	return func(c *Config, _ []string) (Client, error) {
		if c.TLS == nil {
			if c.Mechanism != "" {
				return nil, authError(name + "-PLUS binds to TLS, and there is none")
			}
			return nil, nil
		}
		binding, err := bindingOf(c.TLS)
		if err != nil {
			return nil, authError("channel binding: " + err.Error())
		}
		client, err := newScram(name, c)
		if err != nil {
			return nil, err
		}
		return &scramClient{name: name + "-PLUS", conv: client.NewConversationWithChannelBinding(binding)}, nil
	}
}

// bindingOf returns the binding that the version of TLS prescribes: the exporter
// for 1.3 (RFC 9266 2), the hash of the certificate before (RFC 5929 4).
func bindingOf(state *tls.ConnectionState) (scram.ChannelBinding, error) {
	if state.Version >= tls.VersionTLS13 {
		return scram.NewTLSExporterBinding(state)
	}
	return scram.NewTLSServerEndpointBinding(state)
}

// scramPlain makes the variant without channel binding. Under TLS it tells a
// server which offers no -PLUS that we could have bound, so that a server whose
// offer was cut down in between finds out (RFC 5802 6).
func scramPlain(name string) func(*Config, []string) (Client, error) {
	return func(c *Config, offered []string) (Client, error) {
		client, err := newScram(name, c)
		if err != nil {
			return nil, err
		}
		s := &scramClient{name: name}
		plus := slices.ContainsFunc(offered, func(o string) bool { return strings.HasPrefix(o, "SCRAM-") && strings.HasSuffix(o, "-PLUS") })
		if c.TLS != nil && !plus {
			s.conv = client.NewConversationAdvertisingChannelBinding()
		} else {
			s.conv = client.NewConversation()
		}
		return s, nil
	}
}

// newScram prepares the names with SASLprep (RFC 4013). What that does not allow
// goes as it is: servers that do not prepare at all let people have such
// passwords.
func newScram(name string, c *Config) (*scram.Client, error) {
	hash := scram.SHA256
	if name == "SCRAM-SHA-1" {
		hash = scram.SHA1
	}
	cred := &c.Credential
	if client, err := hash.NewClient(cred.User, cred.Password, cred.AuthzID); err == nil {
		return client, nil
	}
	return hash.NewClientUnprepped(cred.User, cred.Password, cred.AuthzID)
}

// Start returns the client's first message.
func (s *scramClient) Start() (string, []byte, error) {
	first, err := s.conv.Step("")
	_, s.nonce, _ = strings.Cut(first, ",r=")
	return s.name, []byte(first), err
}

// Next answers the server's first message, and checks its last one.
func (s *scramClient) Next(challenge []byte) ([]byte, error) {
	if err := s.check(string(challenge)); err != nil {
		return nil, err
	}
	s.step++
	response, err := s.conv.Step(string(challenge))
	if err == nil {
		return []byte(response), nil
	}
	err = authError(s.name + ": " + wire.Clip(err.Error()))
	if s.step > 1 {
		return nil, unproven{err}
	}
	return nil, err
}

// check refuses a message before any work is done for it.
func (s *scramClient) check(challenge string) error {
	if len(challenge) > maxChallenge {
		return protocols.ProtocolError("", "login", s.name+" message too long")
	}
	if s.conv.Done() {
		return tooMany(s.name)
	}
	if why, no := strings.CutPrefix(challenge, "e="); no {
		return s.refusal(why)
	}
	if s.step > 0 {
		return nil
	}
	if nonce, ok := strings.CutPrefix(challenge, "r="); ok && !strings.HasPrefix(nonce, s.nonce) {
		return unproven{authError(s.name + ": the server's nonce does not begin with ours: its answer may be an old one")}
	}
	for field := range strings.SplitSeq(challenge, ",") {
		count, ok := strings.CutPrefix(field, "i=")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(count); err != nil || n > maxIterations {
			return authError(fmt.Sprintf("%s: the server asks for %.20q iterations, more than %d", s.name, count, maxIterations))
		}
	}
	return nil
}

// refusal is the server's no in place of a message. One that is about channel binding
// says that somebody is between the two sides.
func (s *scramClient) refusal(why string) error {
	err := authError(s.name + ": the server refused the login: " + wire.Clip(why))
	if strings.Contains(why, "channel-binding") {
		return unproven{err}
	}
	return refusedProof{err}
}

func (s *scramClient) verified() error {
	if !s.conv.Valid() {
		return authError(s.name + ": the server did not prove that it knows the password")
	}
	return nil
}
