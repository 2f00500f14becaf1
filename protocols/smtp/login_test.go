package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

func TestMechanisms(t *testing.T) {
	for _, mech := range []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", ""} {
		for password, want := range map[string]protocols.Kind{"secret": protocols.KindOK, "wrong": protocols.KindAuth} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/late %v", mech, password, late), func(t *testing.T) { logInBy(t, mech, password, late, want) })
			}
		}
	}
}

// logInBy sends a message with a login by one mechanism; late is without an
// initial response.
func logInBy(t *testing.T, mech, password string, late bool, want protocols.Kind) {
	s := start(t, maillab.SMTPOptions{Submission: true})
	var events []string
	o := &protocols.Options{Mechanism: mech, Trace: func(e protocols.Event) { events = append(events, e.Text) }}
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		if strings.HasSuffix(mech, "OAUTH2") || mech == "OAUTHBEARER" {
			return protocols.Credential{User: "alice", Token: password}, nil
		}
		return protocols.Credential{User: "alice", Password: password}, nil
	}
	c := client(t, s, "alice", o)
	c.Settings.NoInitial = late
	_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
	if protocols.KindOf(err) != want {
		t.Errorf("%v, want kind %v", err, want)
	}
	if e, ok := errors.AsType[*protocols.Error](err); ok && strings.Contains(e.Hint, "prove") {
		t.Errorf("the hint for a refused login is %q", e.Hint)
	}
	if err != nil && s.Received() > 0 {
		t.Error("a message went through without a login")
	}
	c.Close()
	for _, e := range events {
		if strings.Contains(e, password) && strings.HasPrefix(e, "AUTH") || strings.Contains(e, "c2VjcmV0") {
			t.Errorf("the trace shows %q", e)
		}
	}
}

func TestLoginRules(t *testing.T) {
	tests := []struct {
		name  string
		o     maillab.SMTPOptions
		opts  protocols.Options
		login bool
		want  protocols.Kind
	}{
		{"no AUTH offered", maillab.SMTPOptions{Mechanisms: []string{}}, protocols.Options{}, true, protocols.KindAuth},
		{"asked and not offered", maillab.SMTPOptions{Mechanisms: []string{"PLAIN"}}, protocols.Options{Mechanism: "SCRAM-SHA-256"}, true, protocols.KindAuth},
		{"login wanted", maillab.SMTPOptions{Submission: true}, protocols.Options{}, false, protocols.KindAuth},
		{"2xx of another kind", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:AUTH=250 welcome")}}, protocols.Options{}, true, protocols.KindProtocol},
		{"endless challenges", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:*=334 x")}}, protocols.Options{}, true, protocols.KindProtocol},
		{"temporary", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:AUTH=454 4.7.0 later")}}, protocols.Options{}, true, protocols.KindTemporary},
	}
	for _, tt := range tests {
		s := start(t, tt.o)
		user := ""
		if tt.login {
			user = "alice"
		}
		c := client(t, s, user, &tt.opts)
		_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
		if protocols.KindOf(err) != tt.want || s.Received() != 0 {
			t.Errorf("%s: %v, %d messages", tt.name, err, s.Received())
		}
	}
}

func TestExternal(t *testing.T) {
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.ClientCertificate("alice")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Authority: ca}, Submission: true, ClientCAs: ca, Mechanisms: []string{"EXTERNAL", "PLAIN"}})
	c := client(t, s, "", &protocols.Options{Mechanism: "EXTERNAL", TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{cert}}}})
	if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err != nil {
		t.Error(err)
	}
}

func TestStartTLS(t *testing.T) {
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	expired, err := ca.Expired()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := ca.WrongName()
	if err != nil {
		t.Fatal(err)
	}
	other, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	require := protocols.TLS{Mode: protocols.TLSRequire}
	tests := []struct {
		name string
		o    maillab.SMTPOptions
		tls  protocols.TLS
		want protocols.Kind
	}{
		{"offered", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, require, 0},
		{"hidden", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:STARTTLS=502 5.5.1 what?")}, Disable: []string{"STARTTLS"}}, require, protocols.KindTLS},
		{"not there", maillab.SMTPOptions{}, require, protocols.KindTLS},
		{"refused", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:STARTTLS=454 4.7.0 no")}}, require, protocols.KindTLS},
		{"refused, opportunistic", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:STARTTLS=454 4.7.0 no")}}, protocols.TLS{}, 0},
		{"other success", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:STARTTLS=250 ok")}}, protocols.TLS{}, protocols.KindTLS},
		{"injected", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "inject:STARTTLS=250 lab.localhost")}}, protocols.TLS{}, protocols.KindTLS},
		{"expired", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Certificate: &expired}}, require, protocols.KindTLS},
		{"expired, opportunistic", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Certificate: &expired}}, protocols.TLS{}, 0},
		{"wrong name", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Certificate: &wrong}}, require, protocols.KindTLS},
		{"wrong name, opportunistic", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Certificate: &wrong}}, protocols.TLS{}, 0},
		{"unknown authority", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: other}}, protocols.TLS{}, protocols.KindTLS},
		{"off", maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, protocols.TLS{Mode: protocols.TLSOff}, 0},
	}
	for _, tt := range tests {
		if tt.o.TLS != lab.TLSNone && tt.o.Authority == nil {
			tt.o.Authority = ca
		}
		s := start(t, tt.o)
		tt.tls.Config = &tls.Config{RootCAs: ca.Pool()}
		c := client(t, s, "alice", &protocols.Options{TLS: tt.tls})
		_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
		if protocols.KindOf(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil {
			for _, cmd := range s.Commands() {
				if strings.HasPrefix(cmd, "AUTH") || strings.HasPrefix(cmd, "MAIL") {
					t.Errorf("%s: %q was sent", tt.name, cmd)
				}
			}
		}
	}
}

// TestForgetsCapabilities: what a server says before TLS counts no more under it.
func TestForgetsCapabilities(t *testing.T) {
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:EHLO=250-lab\r\n250-STARTTLS\r\n250-CHUNKING\r\n250 XEVIL*1")}})
	c := client(t, s, "", nil)
	r, err := c.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, cap := range r.Capabilities {
		if cap.Name == "XEVIL" {
			t.Error("a capability from before TLS is still believed")
		}
	}
	if r.TLSVersion == "" || r.CertNotAfter.IsZero() || !r.Up || r.Banner == "" {
		t.Errorf("report %+v", r)
	}
}

// TestParametersAreBounded: a server that offers parameters without end costs neither
// memory nor time.
func TestParametersAreBounded(t *testing.T) {
	s := &session{caps: map[string][]string{}}
	var line strings.Builder
	line.WriteString("AUTH")
	for i := range 5 * maxParameters {
		fmt.Fprintf(&line, " M%d", i)
	}
	s.learn([]string{"x", line.String(), line.String()})
	if n := len(s.caps["AUTH"]); n != maxParameters {
		t.Errorf("%d parameters are kept", n)
	}
}
