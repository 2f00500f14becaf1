//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"

	"github.com/netclients/netclients/internal/cli"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/smtp"
)

// runCLI runs a command line and returns its standard output.
func runCLI(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Main(t.Context(), args, strings.NewReader(""), &out, &errs); code != want {
		t.Fatalf("%q exited with %d: %s", args, code, errs.String())
	}
	return out.String()
}

// TestSMTPCommandLine composes a message on the command line, sends it through
// Postfix and reads it back from the mailbox.
func TestSMTPCommandLine(t *testing.T) {
	addrs := Require(t, "SMTP", "SUBMISSION", "LMTP")
	const subject, text, page = "Grüße aus Köln", "Hallo Wölt\n.\n..\nFrom here\n", "<p>Grüße</p><img src=\"cid:logo.png\">\n"
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	attached, shown := content(150_000), content(900)
	letter := []string{"--ca-file", CA(t), "--tls", "require", "--json", "--from", "Jürgen <juergen@example.org>", "--to", "Bob <bob@lab.test>", "--bcc", "dave@lab.test",
		"--subject", subject, "--body-file", file("text.txt", []byte(text)), "--html", file("page.html", []byte(page)),
		"--inline", file("logo.png", shown), "--attach", file("Prüfung №1.bin", attached), "-H", "X-Test: prüfen"}
	password := file("password", []byte(Password+"\n"))
	for _, target := range [][]string{
		{"smtp", "send", "smtp://" + addrs["SMTP"]},
		{"send", "submission://" + Alice + "@" + addrs["SUBMISSION"], "--password-file", password},
		{"send", "mailto:bob@lab.test", "--server", "smtp://" + addrs["SMTP"]},
	} {
		out := runCLI(t, 0, append(target, letter...)...)
		var sent struct {
			MessageID  string `json:"message_id"`
			Recipients []protocols.Recipient
		}
		if err := json.Unmarshal([]byte(out), &sent); err != nil || len(sent.Recipients) != 2 || !sent.Recipients[1].Accepted {
			t.Fatalf("%v: %s", err, out)
		}
		e, err := gomessage.Read(bytes.NewReader(inMaildir(t, sent.MessageID)))
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := e.Header.Text("Subject"); s != subject || e.Header.Has("Bcc") || strings.Contains(e.Header.Get("To"), "dave") {
			t.Errorf("subject %q, to %q", s, e.Header.Get("To"))
		}
		if s, _ := e.Header.Text("X-Test"); s != "prüfen" {
			t.Errorf("X-Test %q", s)
		}
		want := map[string]string{"text/plain": text, "text/html": page, "image/png": string(shown), "application/octet-stream": string(attached)}
		e.Walk(func(_ []int, p *gomessage.Entity, err error) error {
			typ, _, _ := p.Header.ContentType()
			if expected, ours := want[typ]; ours && err == nil {
				b, err := io.ReadAll(p.Body)
				got := string(b)
				if strings.HasPrefix(typ, "text/") {
					got = strings.ReplaceAll(got, "\r\n", "\n")
				}
				if err != nil || got != expected {
					t.Errorf("%s: %d bytes, which differ from those sent, %v", typ, len(b), err)
				}
				delete(want, typ)
			}
			return err
		})
		if len(want) != 0 {
			t.Errorf("%d parts did not arrive", len(want))
		}
	}
}

// TestSMTPBearer logs in with a token, which Dovecot checks for Postfix.
func TestSMTPBearer(t *testing.T) {
	addrs := Require(t, "SUBMISSION")
	token, err := os.ReadFile(filepath.Join(filepath.Dir(CA(t)), "..", "dovecot", "token"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{"XOAUTH2", "OAUTHBEARER"} {
		for _, tok := range []string{strings.TrimSpace(string(token)), "eyJhbGciOiJIUzI1NiJ9.e30.wrong"} {
			o := &protocols.Options{Mechanism: mechanism, TLS: protocols.TLS{Mode: protocols.TLSRequire, Config: &tls.Config{RootCAs: Pool(t)}},
				Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
					return protocols.Credential{User: Alice, Token: tok}, nil
				}}
			c, err := smtp.New(&url.URL{Scheme: "submission", Host: addrs["SUBMISSION"]}, o)
			if err != nil {
				t.Fatal(err)
			}
			m := smtpLetter(t, mechanism)
			_, err = c.SendMail(t.Context(), &smtp.Mail{From: m.From, To: []string{"x@discard.test"}, Open: m.Open})
			if want := strings.HasSuffix(tok, "wrong"); want != (protocols.KindOf(err) == protocols.KindAuth) || !want && err != nil {
				t.Errorf("%s: %v", mechanism, err)
			}
			c.Close()
		}
	}
}

// TestSMTPPosing: Postfix takes the client for the one named by XCLIENT or the
// PROXY protocol, and records it in the message.
func TestSMTPPosing(t *testing.T) {
	for name, w := range map[string]struct {
		way  smtpWay
		from string
	}{
		"XCLIENT":  {smtpWay{service: "SMTP", scheme: "smtp", set: smtp.Settings{XClient: map[string]string{"ADDR": "127.0.0.9", "NAME": "posing.example.org"}}}, "posing.example.org [127.0.0.9]"},
		"PROXY 1":  {smtpWay{service: "SMTP_PROXY", scheme: "smtp", set: smtp.Settings{ProxyHeader: "PROXY TCP4 127.0.0.77 127.0.0.1 4567 25"}}, "[127.0.0.77]"},
		"PROXY 2":  {smtpWay{service: "SMTP_PROXY", scheme: "smtp", set: smtp.Settings{ProxyHeader: "PROXY TCP4 127.0.0.78 127.0.0.1 4567 25", ProxyBinary: true}}, "[127.0.0.78]"},
		"no proxy": {smtpWay{service: "SMTP_PROXY", scheme: "smtp", set: smtp.Settings{ProxyHeader: "PROXY UNKNOWN", ProxyBinary: true}}, "[127.0.0.1]"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smtpLetter(t, name)
			if _, err := w.way.open(t).SendMail(t.Context(), &smtp.Mail{From: m.From, To: m.Recipients, Open: m.Open}); err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(inMaildir(t, m.ID)), "\n\n")
			if !strings.Contains(head, w.from) {
				t.Errorf("no %q in\n%s", w.from, head)
			}
		})
	}
}
