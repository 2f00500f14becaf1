package saslserver

import (
	"crypto/tls"
	"slices"

	gosasl "github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// binding returns what SCRAM is bound to: the exporter of TLS 1.3 (RFC 9266),
// which is the one that both sides can make.
func (s *Server) binding() (none scram.ChannelBinding) {
	if s.TLS == nil || s.TLS.Version < tls.VersionTLS13 {
		return none
	}
	b, err := scram.NewTLSExporterBinding(s.TLS)
	if err != nil {
		return none
	}
	return b
}

// scramServer is a SCRAM exchange (RFC 5802, 7677).
type scramServer struct {
	x    *Exchange
	conv *scram.ServerConversation
}

// refused is the mechanism of an exchange that could not begin.
type refused struct{}

// Next implements gosasl.Server.
func (refused) Next([]byte) (challenge []byte, done bool, err error) { return nil, true, ErrFailed }

// newScram starts an exchange. A client that could bind and was not offered it
// is refused: the offer was tampered with (RFC 5802 section 6).
func newScram(x *Exchange, hash scram.HashGeneratorFcn, plus bool) gosasl.Server {
	server, err := hash.NewServer(func(user string) (none scram.StoredCredentials, err error) {
		password, ok := x.server.Users.Password(user)
		if !ok {
			return none, ErrFailed
		}
		client, err := hash.NewClient(user, password, "")
		if err != nil {
			return none, err
		}
		return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "lab salt", Iters: 4096})
	})
	if err != nil {
		return refused{}
	}
	conv := server.NewConversation()
	switch {
	case plus:
		conv = server.NewConversationWithChannelBindingRequired(x.server.binding())
	case slices.Contains(x.server.Mechanisms(), "SCRAM-SHA-256-PLUS"):
		conv = server.NewConversationWithChannelBinding(x.server.binding())
	}
	return &scramServer{x, conv}
}

// Next implements gosasl.Server.
func (s *scramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil
	}
	text, err := s.conv.Step(string(response))
	if err != nil {
		return nil, true, ErrFailed
	}
	if s.conv.Done() {
		return []byte(text), true, s.x.accept(s.conv.Username(), s.conv.Valid())
	}
	return []byte(text), false, nil
}
