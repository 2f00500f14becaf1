package maillab

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/xdg-go/scram"
)

// smtpMechanisms are the SASL mechanisms of the SMTP server. A bearer token is
// right when it is the user's password.
var smtpMechanisms = map[string]func(x *smtpSession) gosasl.Server{
	"PLAIN": func(x *smtpSession) gosasl.Server {
		return gosasl.NewPlainServer(func(_, user, password string) error { return x.enter(user, x.s.mail.Login(user, password)) })
	},
	"LOGIN":    func(x *smtpSession) gosasl.Server { return &loginServer{x: x} },
	"CRAM-MD5": func(x *smtpSession) gosasl.Server { return &cramServer{x: x} },
	"EXTERNAL": func(x *smtpSession) gosasl.Server {
		return gosasl.NewExternalServer(func(string) error { return x.enter(x.certified()) })
	},
	"OAUTHBEARER": func(x *smtpSession) gosasl.Server {
		return gosasl.NewOAuthBearerServer(func(o gosasl.OAuthBearerOptions) *gosasl.OAuthBearerError {
			if x.enter(o.Username, x.s.mail.Login(o.Username, o.Token)) != nil {
				return &gosasl.OAuthBearerError{Status: "invalid_token", Schemes: "bearer"}
			}
			return nil
		})
	},
	"XOAUTH2":            func(x *smtpSession) gosasl.Server { return &xoauth2Server{x: x} },
	"SCRAM-SHA-1":        func(x *smtpSession) gosasl.Server { return newScramServer(x, scram.SHA1, false) },
	"SCRAM-SHA-256":      func(x *smtpSession) gosasl.Server { return newScramServer(x, scram.SHA256, false) },
	"SCRAM-SHA-256-PLUS": func(x *smtpSession) gosasl.Server { return newScramServer(x, scram.SHA256, true) },
}

// AuthMechanisms names what the server offers: those that bind to TLS only where
// there is something to bind to.
func (x *smtpSession) AuthMechanisms() []string {
	return slices.DeleteFunc(slices.Clone(x.s.opt.Mechanisms), func(name string) bool {
		return strings.HasSuffix(name, "-PLUS") && !x.binding().IsSupported()
	})
}

// binding returns what SCRAM is bound to: the exporter of TLS 1.3 (RFC 9266), which
// is the one that both sides can make.
func (x *smtpSession) binding() (none scram.ChannelBinding) {
	state := x.tap().state()
	if state == nil || state.Version < tls.VersionTLS13 {
		return none
	}
	b, err := scram.NewTLSExporterBinding(state)
	if err != nil {
		return none
	}
	return b
}

// Auth begins an exchange.
func (x *smtpSession) Auth(name string) (gosasl.Server, error) {
	for _, m := range x.AuthMechanisms() {
		if start := smtpMechanisms[m]; start != nil && strings.EqualFold(m, name) {
			return judged{start(x)}, nil
		}
	}
	return nil, gosmtp.ErrAuthUnknownMechanism
}

// judged makes every failure of a mechanism the reply 535.
type judged struct{ gosasl.Server }

func (j judged) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = j.Server.Next(response)
	if err != nil {
		err = gosmtp.ErrAuthFailed
	}
	return challenge, done, err
}

// enter notes who logged in.
func (x *smtpSession) enter(user string, ok bool) error {
	if !ok {
		return gosmtp.ErrAuthFailed
	}
	x.user = user
	x.s.front.CountLogin()
	return nil
}

// certified returns the name in the client's certificate.
func (x *smtpSession) certified() (string, bool) {
	state := x.tap().state()
	if state == nil || len(state.VerifiedChains) == 0 {
		return "", false
	}
	return state.PeerCertificates[0].Subject.CommonName, true
}

// loginServer asks in words of its own, as servers do.
type loginServer struct {
	x    *smtpSession
	user *string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil:
		return []byte("User Name"), false, nil
	case l.user == nil:
		user := string(response)
		l.user = &user
		return []byte("Passwort:"), false, nil
	}
	return nil, true, l.x.enter(*l.user, l.x.s.mail.Login(*l.user, string(response)))
}

type cramServer struct {
	x         *smtpSession
	challenge []byte
}

func (c *cramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if c.challenge == nil {
		c.challenge = []byte(stamp())
		return c.challenge, false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	password, known := c.x.s.mail.Password(user)
	h := hmac.New(md5.New, []byte(password))
	h.Write(c.challenge)
	return nil, true, c.x.enter(user, known && digest == hex.EncodeToString(h.Sum(nil)))
}

type xoauth2Server struct {
	x       *smtpSession
	refused bool
}

func (o *xoauth2Server) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if o.refused {
		return nil, true, gosmtp.ErrAuthFailed
	}
	rest, _ := strings.CutPrefix(string(response), "user=")
	user, rest, _ := strings.Cut(rest, "\x01")
	token, _ := strings.CutPrefix(rest, "auth=Bearer ")
	if o.x.enter(user, o.x.s.mail.Login(user, strings.TrimRight(token, "\x01"))) == nil {
		return nil, true, nil
	}
	o.refused = true
	return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
}

// scramServer is a SCRAM exchange (RFC 5802).
type scramServer struct {
	x    *smtpSession
	conv *scram.ServerConversation
}

// newScramServer starts an exchange. A client that could bind and was not told that
// it may is refused: somebody cut the offer down (RFC 5802 6).
func newScramServer(x *smtpSession, hash scram.HashGeneratorFcn, plus bool) gosasl.Server {
	server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
		password, ok := x.s.mail.Password(user)
		if !ok {
			return scram.StoredCredentials{}, ErrNoMailbox
		}
		client, err := hash.NewClient(user, password, "")
		if err != nil {
			return scram.StoredCredentials{}, err
		}
		return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "lab salt", Iters: 4096})
	})
	if err != nil {
		return nil
	}
	conv := server.NewConversation()
	switch {
	case plus:
		conv = server.NewConversationWithChannelBindingRequired(x.binding())
	case slices.Contains(x.AuthMechanisms(), "SCRAM-SHA-256-PLUS"):
		conv = server.NewConversationWithChannelBinding(x.binding())
	}
	return &scramServer{x, conv}
}

func (s *scramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if s.conv.Done() { // the answer to the signature, which is empty
		return nil, true, s.x.enter(s.conv.Username(), s.conv.Valid())
	}
	text, err := s.conv.Step(string(response))
	if err != nil {
		return nil, true, gosmtp.ErrAuthFailed
	}
	return []byte(text), false, nil
}
