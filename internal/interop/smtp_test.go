//go:build linux

package interop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
)

// smtpWay is one way to send mail to a server.
type smtpWay struct {
	name, service, scheme, mechanism string
	login                            bool
	mode                             protocols.TLSMode
	maxTLS                           uint16
	set                              smtp.Settings
}

var smtpWays = []smtpWay{
	{name: "Postfix without TLS", service: "SMTP", scheme: "smtp", mode: protocols.TLSOff},
	{name: "Postfix DATA", service: "SMTP", scheme: "smtp", mode: protocols.TLSOff, set: smtp.Settings{Chunking: smtp.ChunkNever}},
	{name: "Postfix lock-step", service: "SMTP", scheme: "smtp", mode: protocols.TLSOff, set: smtp.Settings{NoPipelining: true}},
	{name: "Postfix STARTTLS 1.3", service: "SMTP", scheme: "smtp", mode: protocols.TLSRequire},
	{name: "Postfix STARTTLS 1.2", service: "SMTP", scheme: "smtp", maxTLS: tls.VersionTLS12},
	{name: "Postfix implicit TLS", service: "SMTPS", scheme: "smtps", login: true},
	{name: "Postfix XCLIENT", service: "SMTP", scheme: "smtp", set: smtp.Settings{XClient: map[string]string{"ADDR": "127.0.0.9", "NAME": "[UNAVAILABLE]"}}},
	{name: "submission, strongest", service: "SUBMISSION", scheme: "submission", login: true},
	{name: "submission, late response", service: "SUBMISSION", scheme: "submission", login: true, set: smtp.Settings{NoInitial: true}},
	{name: "submission SCRAM-SHA-256", service: "SUBMISSION", scheme: "submission", login: true, mechanism: "SCRAM-SHA-256"},
	{name: "submission SCRAM-SHA-1", service: "SUBMISSION", scheme: "submission", login: true, mechanism: "SCRAM-SHA-1"},
	{name: "submission CRAM-MD5", service: "SUBMISSION", scheme: "submission", login: true, mechanism: "CRAM-MD5"},
	{name: "submission PLAIN", service: "SUBMISSION", scheme: "submission", login: true, mechanism: "PLAIN"},
	{name: "submission LOGIN", service: "SUBMISSION", scheme: "submission", login: true, mechanism: "LOGIN"},
	{name: "Dovecot LMTP", service: "LMTP", scheme: "lmtp"},
	{name: "Dovecot LMTP DATA", service: "LMTP", scheme: "lmtp", set: smtp.Settings{Chunking: smtp.ChunkNever}},
}

func (w smtpWay) open(t *testing.T) *smtp.Client {
	t.Helper()
	addrs := Require(t, w.service)
	o := &protocols.Options{Mechanism: w.mechanism, TLS: protocols.TLS{Mode: w.mode, Config: &tls.Config{RootCAs: Pool(t), MaxVersion: w.maxTLS}}}
	u := &url.URL{Scheme: w.scheme, Host: addrs[w.service]}
	if w.login {
		u.User = url.UserPassword(Alice, Password)
	}
	c, err := smtp.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = w.set
	t.Cleanup(func() { c.Close() })
	return c
}

// smtpLetter composes a message with everything that might be corrupted in
// transit.
func smtpLetter(t *testing.T, subject string) *message.Message {
	t.Helper()
	part := func(name, text string) *message.Part {
		p := message.Text(text)
		p.Name = name
		return p
	}
	m, err := message.Draft{
		From: "Jürgen <juergen@example.org>", To: []string{"Bob <bob@lab.test>"}, Bcc: []string{"dave@lab.test"}, Subject: subject,
		Text: message.Text("Grüße\n.\n..\nFrom here on\n"), HTML: message.Text("<p>Grüße</p>"),
		Inline: []message.Part{*part("logo.png", string(content(3000)))}, Attach: []message.Part{*part("Prüfung №1.bin", string(content(200_000)))},
	}.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inMaildir waits for bob's message with an id. Postfix delivers after its reply,
// so it may take a moment.
func inMaildir(t *testing.T, id string) []byte {
	t.Helper()
	home := filepath.Join(filepath.Dir(CA(t)), "..", "dovecot", "home", "bob", "Maildir")
	for range 300 {
		for _, dir := range []string{"new", "cur"} {
			files, _ := filepath.Glob(filepath.Join(home, dir, "*"))
			for i := len(files) - 1; i >= 0; i-- {
				b, err := os.ReadFile(files[i])
				if err == nil && bytes.Contains(b, []byte(id)) {
					return b
				}
			}
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("message %s did not arrive", id)
	return nil
}

func TestSMTPDelivery(t *testing.T) {
	for i, w := range smtpWays {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t)
			subject := fmt.Sprintf("Grüße %d aus Köln, in einem Betreff, der in einer Zeile keinen Platz hat", i)
			m := smtpLetter(t, subject)
			r, err := c.SendMail(t.Context(), &smtp.Mail{From: m.From, To: m.Recipients, Open: m.Open, Size: m.Size, MessageID: m.ID})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Recipients) != 2 || !r.Recipients[0].Accepted || r.Recipients[0].Enhanced == "" || r.Reply.Code != 250 {
				t.Errorf("receipt %+v", r)
			}
			compareLetter(t, m, subject, inMaildir(t, m.ID))
		})
	}
}

// compareLetter: after the fields that servers add, every byte is as sent.
func compareLetter(t *testing.T, m *message.Message, subject string, got []byte) {
	t.Helper()
	var sent bytes.Buffer
	if _, err := m.WriteTo(&sent); err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n")) // a Maildir uses the system's line ends
	if !bytes.HasSuffix(got, sent.Bytes()) {
		t.Error("the message that arrived differs from the one sent")
	}
	e, err := gomessage.Read(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := e.Header.Text("Subject"); s != subject || e.Header.Has("Bcc") {
		t.Errorf("subject %q", s)
	}
	found := false
	e.Walk(func(_ []int, p *gomessage.Entity, err error) error {
		if _, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition")); params["filename"] == "Prüfung №1.bin" {
			b, err := io.ReadAll(p.Body)
			found = err == nil && bytes.Equal(b, content(200_000))
		}
		return err
	})
	if !found {
		t.Error("the attachment is missing or changed")
	}
}

func TestSMTPRefusals(t *testing.T) {
	for _, i := range []int{0, 1, 2, len(smtpWays) - 2, len(smtpWays) - 1} {
		w := smtpWays[i]
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t)
			m := smtpLetter(t, "some")
			mail := &smtp.Mail{From: m.From, To: []string{"nobody@lab.test", "bob@lab.test"}, Open: m.Open}
			r, err := c.SendMail(t.Context(), mail)
			if protocols.KindOf(err) != protocols.KindPartial || len(r.Recipients) != 2 || r.Recipients[0].Accepted || r.Recipients[0].Code != 550 || !r.Recipients[1].Accepted {
				t.Errorf("some: %v, %+v", err, r)
			}
			mail.To = mail.To[:1]
			if _, err := c.SendMail(t.Context(), mail); protocols.KindOf(err) != protocols.KindRefused {
				t.Errorf("nobody: %v", err)
			}
			mail.To = []string{"bob@lab.test"}
			if _, err := c.SendMail(t.Context(), mail); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestSMTPLogins(t *testing.T) {
	addrs := Require(t, "SUBMISSION")
	for _, login := range []string{"", "wrong"} {
		u := &url.URL{Scheme: "submission", Host: addrs["SUBMISSION"]}
		if login != "" {
			u.User = url.UserPassword(Alice, login)
		}
		c, err := smtp.New(u, &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t)}}})
		if err != nil {
			t.Fatal(err)
		}
		m := smtpLetter(t, "no")
		_, err = c.SendMail(t.Context(), &smtp.Mail{From: m.From, To: m.Recipients, Open: m.Open})
		if kind := protocols.KindOf(err); login != "" && kind != protocols.KindAuth || kind != protocols.KindAuth && kind != protocols.KindRefused {
			t.Errorf("password %q: %v", login, err)
		}
		c.Close()
	}
}

func TestSMTPMany(t *testing.T) {
	const n = 500
	for _, service := range []string{"SMTP", "SMTP_SINK"} {
		addrs := Require(t, service)
		c, err := smtp.New(&url.URL{Scheme: "smtp", Host: addrs[service]}, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
		if err != nil {
			t.Fatal(err)
		}
		text := "Subject: one of many\r\n\r\n" + strings.Repeat("a line of the message\r\n", 50)
		mails := func(yield func(*smtp.Mail) bool) {
			for range n {
				if !yield(&smtp.Mail{From: "a@lab.test", To: []string{"x@discard.test"}, Open: message.Text(text).Open, Size: int64(len(text))}) {
					return
				}
			}
		}
		sent := 0
		err = c.SendAll(t.Context(), mails, func(_ *smtp.Mail, _ *protocols.Receipt, err error) {
			if err != nil {
				t.Errorf("%s: %v", service, err)
			}
			sent++
		})
		if err != nil || sent != n {
			t.Errorf("%s: %v, %d sent", service, err, sent)
		}
		c.Close()
	}
}

func TestSMTPQuestions(t *testing.T) {
	c := smtpWays[0].open(t)
	r, err := c.Probe(t.Context())
	if err != nil || !r.Up || len(r.Capabilities) < 8 {
		t.Errorf("probe: %+v, %v", r, err)
	}
	if _, err := c.Verify(t.Context(), "bob@lab.test"); err != nil {
		t.Errorf("verify: %v", err)
	}
	if _, err := c.Verify(t.Context(), "nobody@lab.test"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("verify an unknown user: %v", err)
	}
	if _, err := c.Expand(t.Context(), "staff"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("expand: %v", err)
	}
	if _, err := c.Etrn(t.Context(), "example.org"); err == nil {
		t.Error("etrn for a foreign domain")
	}
}

// TestSMTPLikeCurl sends the same file with curl and compares what arrives.
func TestSMTPLikeCurl(t *testing.T) {
	curl := requireProgram(t, "curl")
	addrs := Require(t, "SMTP", "LMTP")
	file := filepath.Join(t.TempDir(), "mail.eml")
	var bodies [][]byte
	for _, who := range []string{"curl", "netclients"} {
		id := fmt.Sprintf("<%d.%s@example.org>", time.Now().UnixNano(), who)
		text := "From: a@example.org\r\nTo: bob@lab.test\r\nMessage-ID: " + id + "\r\n\r\n.\r\n..\r\n" + strings.Repeat(".x\r\n", 20_000) + "end\r\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if who == "curl" {
			out, err := exec.CommandContext(t.Context(), curl, "-sS", "smtp://"+addrs["SMTP"], "--mail-from", "a@example.org", "--mail-rcpt", "bob@lab.test", "-T", file).CombinedOutput()
			if err != nil {
				t.Fatalf("curl: %v %s", err, out)
			}
		} else if _, err := smtpWays[0].open(t).SendMail(t.Context(), &smtp.Mail{From: "a@example.org", To: []string{"bob@lab.test"}, Open: message.Text(text).Open}); err != nil {
			t.Fatal(err)
		}
		_, body, _ := bytes.Cut(inMaildir(t, id), []byte("\n\n"))
		bodies = append(bodies, body)
	}
	if !bytes.Equal(bodies[0], bodies[1]) {
		t.Errorf("curl's message has %d bytes, ours %d", len(bodies[0]), len(bodies[1]))
	}
}
