package line

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
)

// TestUnansweredEndsTheSession: an operation that ends before its answers came leaves
// no session in which the next one could take them for its own.
func TestUnansweredEndsTheSession(t *testing.T) {
	own := errors.New("enough")
	for name, leave := range map[string]func(s *toy) error{
		"sent": func(s *toy) error { return errors.Join(s.Queue("ONE"), s.Flush(), own) },
		"half answered": func(s *toy) error {
			_ = s.Queue("ONE")
			_ = s.Queue("TWO")
			_, err := s.Answer()
			return errors.Join(err, own)
		},
		"queued":         func(s *toy) error { return errors.Join(s.Queue("ONE"), own) },
		"an end is owed": func(s *toy) error { s.Expect(1); return own },
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{answer: func(line string) string { return "250 " + line + "\r\n" }}
			c, _ := connect(t, s, false)
			if err := c.Do(t.Context(), "op", "", nil, func(_ context.Context, s *toy) error { return leave(s) }); !errors.Is(err, own) {
				t.Fatal(err)
			}
			if c.Held() {
				t.Error("the session is kept")
			}
			replies, err := say(t, c, "NEXT")
			if err != nil || len(replies) != 1 || replies[0] != "NEXT" {
				t.Errorf("%q, %v", replies, err)
			}
		})
	}
	s := &server{answer: func(string) string { return "250 ok\r\n" }}
	c, _ := connect(t, s, false)
	if _, err := say(t, c, "ONE", "TWO"); err != nil || s.sessions != 1 {
		t.Errorf("in step: %d sessions, %v", s.sessions, err)
	}
}

// TestMaskedEverywhere: warnings and capabilities are masked as errors are.
func TestMaskedEverywhere(t *testing.T) {
	s := &server{answer: func(string) string { return "250 ok\r\n" }}
	c, _ := connect(t, s, false)
	var warned string
	o := *c.Opts
	o.Warn = func(text string) { warned = text }
	p := toyProtocol()
	p.Capabilities = func(context.Context, *toy) ([]protocols.Capability, error) {
		return []protocols.Capability{{Name: "HUNTER22", Params: []string{"x", "hunter22"}}}, nil
	}
	c = New(p, c.URL, c.Scheme, &o)
	c.Mask.Add("hunter22")
	c.Opts.Warn("of hunter22")
	r, err := c.Probe(t.Context(), nil)
	if err != nil || warned != "of ****" || len(r.Capabilities) != 1 || r.Capabilities[0].Name != "****" || !slices.Equal(r.Capabilities[0].Params, []string{"x", "****"}) {
		t.Errorf("%q, %+v, %v", warned, r.Capabilities, err)
	}
}

// TestUpgradeState: what one session could do without holds for no session with a
// secret, and a session is verified, or known not to be.
func TestUpgradeState(t *testing.T) {
	authority, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	trusting := &tls.Config{RootCAs: authority.ClientConfig().RootCAs, ServerName: "localhost"}
	var cred protocols.Credential
	var answers int
	p := toyProtocol()
	p.Offers = func(*toy) bool { return true }
	p.TLSVerb = "STARTTLS"
	broken := true
	p.StartTLS = func(s *toy) (*protocols.Error, error) { answers++; _, err := s.Cmd("STARTTLS"); return nil, err }
	o := &protocols.Options{
		TLS:         protocols.TLS{Config: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}},
		Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) { return cred, nil },
		Dial: func(context.Context, string, string) (net.Conn, error) {
			near, end := net.Pipe()
			go serveTLS(end, authority.ServerConfig(), broken)
			return remote{near}, nil
		},
	}
	c, _ := connect(t, &server{}, false)
	c = New(p, c.URL, protocols.Scheme{Name: "toy", Port: 25, TLS: protocols.TLSUpgrade}, o)
	look := func() (state string, err error) {
		s, err := c.Walk(t.Context(), LoggedIn, nil)
		if err != nil {
			return "", err
		}
		defer s.Conn.Close()
		switch {
		case s.Conn.TLS() == nil:
			return "plain", nil
		case s.Conn.Unverified() != nil:
			return "unverified", nil
		}
		return "verified", nil
	}
	if state, err := look(); state != "plain" {
		t.Fatalf("no secret, TLS that does not work: %s, %v", state, err)
	}
	cred = protocols.Credential{User: "joe", Password: "hunter22"}
	answers = 0
	if state, err := look(); protocols.KindOf(err) == 0 || answers == 0 {
		t.Fatalf("a secret: %s, %v, upgrade tried %d times", state, err, answers)
	}
	cred, broken = protocols.Credential{}, false
	c.plain.Store(false)
	if state, err := look(); state != "unverified" {
		t.Fatalf("no secret, an unknown authority: %s, %v", state, err)
	}
	cred = protocols.Credential{User: "joe", Password: "hunter22"}
	if state, err := look(); protocols.KindOf(err) != protocols.KindTLS {
		t.Fatalf("a secret, an unknown authority: %s, %v", state, err)
	}
	own := *o
	own.TLS.Config = trusting
	c = New(p, c.URL, c.Scheme, &own)
	if state, err := look(); state != "verified" {
		t.Fatalf("a secret, a known authority: %s, %v", state, err)
	}
}

// serveTLS greets, says yes to one command, and speaks TLS, or in its place something
// that is none.
func serveTLS(conn net.Conn, config *tls.Config, broken bool) {
	defer conn.Close()
	s := &server{answer: func(line string) string {
		if strings.HasPrefix(line, "STARTTLS") {
			return "220 go\r\n"
		}
		return ""
	}}
	_, _ = conn.Write([]byte("220 toy\r\n"))
	line := make([]byte, 100)
	n, err := conn.Read(line)
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(s.answer(string(line[:n]))))
	if broken {
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(io.Discard, conn) }()
		_, _ = conn.Write([]byte("\x15\x03\x01\x00\x02\x02\x28")) // an alert: handshake failure
		<-done
		return
	}
	secure := tls.Server(conn, config)
	if secure.Handshake() == nil {
		_, _ = secure.Read(line)
	}
}
