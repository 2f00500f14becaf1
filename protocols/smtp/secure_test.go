package smtp

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestLabUnderTLS: what the lab's server does unencrypted it does after STARTTLS and
// under TLS from the start too.
func TestLabUnderTLS(t *testing.T) {
	three := 3
	for _, mode := range []lab.TLSMode{lab.TLSExplicit, lab.TLSImplicit} {
		s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: mode, Faults: labtest.Faults(t, "code:MAIL=451 4.3.2 later*1,code:END=554 5.6.0 spam*1,drop:END*1")}})
		c := client(t, s, "alice", &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}})
		if r, err := c.Verify(t.Context(), "alice"); err != nil || !strings.Contains(r.Text(), "alice@") {
			t.Errorf("verify: %v, %v", r, err)
		}
		if r, err := c.Expand(t.Context(), "staff"); err != nil || len(r.Lines) != 2 {
			t.Errorf("expand: %v, %v", r, err)
		}
		for i, want := range []struct {
			kind   protocols.Kind
			class  error
			stored int
		}{{protocols.KindTemporary, nil, 0}, {protocols.KindRefused, nil, 0}, {protocols.KindProtocol, ErrUnknown, 1}, {protocols.KindOK, nil, 2}} {
			m := mailOf(hello, "alice@example.org")
			m.DeliverBy, m.Priority, m.RequireTLS = 60e9, &three, true
			_, err := c.SendMail(t.Context(), m)
			if protocols.KindOf(err) != want.kind || want.class != nil && !errors.Is(err, want.class) {
				t.Errorf("message %d: %v", i, err)
			}
			if n := len(inbox(t, s, "alice")); n != want.stored {
				t.Errorf("message %d: %d stored, want %d", i, n, want.stored)
			}
		}
		if !slices.ContainsFunc(s.Commands(), func(line string) bool {
			return strings.HasPrefix(line, "MAIL FROM:<me@example.org> ") && strings.Contains(line, "REQUIRETLS BY=60;R MT-PRIORITY=3")
		}) {
			t.Error("the lab did not see the parameters of MAIL")
		}
	}
}

// TestLabParameters: the lab refuses what the RFCs do not allow, and parameters of
// MAIL on RCPT.
func TestLabParameters(t *testing.T) {
	s := start(t, maillab.SMTPOptions{})
	c := client(t, s, "", nil)
	for _, tt := range []struct {
		command string
		code    int
	}{
		{"MAIL FROM:<a@b.org> BY=0;R", 555}, {"MAIL FROM:<a@b.org> BY=x;N", 555}, {"MAIL FROM:<a@b.org> BY=5", 555},
		{"MAIL FROM:<a@b.org> MT-PRIORITY=10", 555}, {"MAIL FROM:<a@b.org> REQUIRETLS", 555},
		{"MAIL FROM:<a@b.org> BY=-5;NT MT-PRIORITY=-9", 250}, {"RCPT TO:<alice@b.org> BY=60;R", 504}, {"RCPT TO:<alice@b.org> MT-PRIORITY=1", 504},
	} {
		if r, err := c.Do(t.Context(), tt.command); err != nil || r.Code != tt.code {
			t.Errorf("%s: %v, %v", tt.command, r, err)
		}
	}
}

// TestChannelBinding: SCRAM is bound to TLS where the server offers it.
func TestChannelBinding(t *testing.T) {
	auth := func(s *maillab.SMTPServer) string {
		i := slices.IndexFunc(s.Commands(), func(line string) bool { return strings.HasPrefix(line, "AUTH ") })
		if i < 0 {
			return ""
		}
		return strings.Fields(s.Commands()[i])[1]
	}
	tests := []struct {
		name  string
		o     maillab.SMTPOptions
		opts  protocols.Options
		used  string
		fails bool
	}{
		{"TLS 1.3", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, protocols.Options{}, "SCRAM-SHA-256-PLUS", false},
		{"asked for", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}, protocols.Options{Mechanism: "SCRAM-SHA-256-PLUS"}, "SCRAM-SHA-256-PLUS", false},
		{"other one asked for", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}, protocols.Options{Mechanism: "SCRAM-SHA-1"}, "SCRAM-SHA-1", false},
		{"not offered", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, Mechanisms: []string{"SCRAM-SHA-256"}}, protocols.Options{}, "SCRAM-SHA-256", false},
		{"unencrypted", maillab.SMTPOptions{}, protocols.Options{}, "SCRAM-SHA-256", false},
		{"unencrypted, asked for", maillab.SMTPOptions{}, protocols.Options{Mechanism: "SCRAM-SHA-256-PLUS"}, "", true},
	}
	for _, tt := range tests {
		s := start(t, tt.o)
		c := client(t, s, "alice", &tt.opts)
		_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
		if tt.fails != (protocols.KindOf(err) == protocols.KindAuth) || !tt.fails && (err != nil || auth(s) != tt.used) {
			t.Errorf("%s: %v, with %q", tt.name, err, auth(s))
		}
	}
	// Before TLS 1.3 the lab has nothing to bind to.
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	c := client(t, s, "alice", &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: s.Authority().Pool(), MaxVersion: tls.VersionTLS12}}})
	if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err != nil || auth(s) != "SCRAM-SHA-256" {
		t.Errorf("TLS 1.2: %v, with %q", err, auth(s))
	}
}
