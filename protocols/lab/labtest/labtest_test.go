package labtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/service"
	"github.com/netclients/netclients/protocols/lab/weblab"
	"github.com/netclients/netclients/protocols/smtp"
	"github.com/netclients/netclients/protocols/xmlrpc"

	"github.com/netclients/netclients/protocols/lab/base"
)

// TestEveryServer: a client with the URL and the options logs in, with TLS where the
// server has it.
func TestEveryServer(t *testing.T) {
	secure := func(o *weblab.HTTPOptions) { o.TLS = base.TLSImplicit }
	mail, ftp, imap, pop, news, web := labtest.SMTP(t), labtest.FTP(t), labtest.IMAP(t), labtest.POP3(t), labtest.NNTP(t), labtest.HTTP(t, secure)
	for _, c := range []struct {
		at string
		o  *protocols.Options
	}{
		{mail.URL, mail.Options}, {ftp.URL, ftp.Options}, {imap.URL, imap.Options}, {pop.URL, pop.Options}, {news.URL, news.Options}, {web.URL, web.Options},
		{labtest.Gopher(t).URL, nil}, {labtest.Telnet(t).URL, nil},
	} {
		scheme, _, _ := strings.Cut(c.at, ":")
		t.Run(scheme, func(t *testing.T) {
			if c.o != nil {
				c.o.TLS.Mode, c.o.ProbeLogin = protocols.TLSRequire, true
			}
			client, _, err := all.Open(c.at, c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			r, err := client.Probe(t.Context())
			if err != nil || !r.Up || c.o != nil && r.TLSVersion == "" {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestXMLRPC: the address of an interface answers calls, not requests for pages.
func TestXMLRPC(t *testing.T) {
	c := labtest.Open(t, xmlrpc.New, labtest.XMLRPC(t).URL, nil)
	if sum, err := c.Call(t.Context(), "add", 1, 2); err != nil || fmt.Sprint(sum) != "3" {
		t.Errorf("%v, %v", sum, err)
	}
}

func send(t *testing.T, m *labtest.MailServer, subject string) {
	t.Helper()
	c, _, err := all.Open(m.SMTP, m.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	letter := "From: me@example.org\r\nSubject: " + subject + "\r\n\r\nText.\r\n"
	_, err = protocols.Send(t.Context(), c, &protocols.Message{From: "me@example.org", To: []string{m.Address}, Body: strings.NewReader(letter)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMail(t *testing.T) {
	m := labtest.Mail(t)
	send(t, m, "first")
	go func() {
		time.Sleep(20 * time.Millisecond)
		_ = m.Store.Deliver("alice", []byte("Subject: =?utf-8?q?sp=C3=A4t?=\r\n\r\nLate.\r\n"))
	}()
	letter := m.WaitFor("spät", 5*time.Second)
	if b, err := io.ReadAll(letter.Body); err != nil || string(b) != "Late.\r\n" {
		t.Errorf("%q, %v", b, err)
	}
	if m.WaitFor("first", time.Second).Header.Get("From") != "me@example.org" {
		t.Error("the first message is another")
	}
	for _, at := range []string{m.IMAP + "INBOX", m.POP3} {
		c, name, err := all.Open(at, m.Options)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range protocols.List(t.Context(), c, name) {
			if err != nil {
				t.Error(err)
			}
			n++
		}
		c.Close()
		if n != 2 {
			t.Errorf("%s lists %d messages", at, n)
		}
	}
}

// failing records the failure of a test.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic(f)
}

func TestNoMessageComes(t *testing.T) {
	f := &failing{TB: t}
	m := labtest.Mail(f)
	send(t, m, "something else")
	defer func() {
		if recover() == nil || !strings.Contains(f.text, `"something else"`) {
			t.Errorf("it failed with %q", f.text)
		}
	}()
	m.WaitFor("expected", 10*time.Millisecond)
}

func TestFaults(t *testing.T) {
	m := labtest.Mail(t, func(o *maillab.SMTPOptions) { o.Faults = labtest.Faults(t, "code:RCPT=450 later*1") })
	c, _, err := all.Open(m.SMTP, m.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = protocols.Send(t.Context(), c, &protocols.Message{From: "me@example.org", To: []string{m.Address}, Body: strings.NewReader("Subject: x\r\n\r\nx\r\n")})
	if protocols.KindOf(err) != protocols.KindTemporary {
		t.Errorf("error %v", err)
	}
	s := labtest.FTP(t, func(o *ftplab.Options) { o.User, o.Password = "carol", "p:w@x" })
	if !strings.Contains(s.URL, "carol:p%3Aw%40x@") {
		t.Errorf("URL %s", s.URL)
	}
}

// TestLab: everything of the command is there for tests in Go.
func TestLab(t *testing.T) {
	l := labtest.Lab(t, func(o *service.Options) { o.Only, o.TLS = []string{"smtp", "imap"}, true })
	c := labtest.Open(t, smtp.New, l.URLs["smtp"], l.Options)
	if _, err := c.Send(t.Context(), &protocols.Message{From: "a@b.test", To: []string{"new.person@c.test"}, Body: strings.NewReader("Subject: hello\n\nx\n")}); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(l.URLs["ui"] + "api/wait?to=new.person&subject=hello")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || len(l.Mail().Letters(0, -1)) != 1 {
		t.Errorf("status %d", answer.StatusCode)
	}
	if _, others := l.URLs["ftp"]; others {
		t.Error("servers run that were not asked for")
	}
}
