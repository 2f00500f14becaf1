package smtp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// start runs a lab server for one test.
func start(t testing.TB, o maillab.SMTPOptions) *maillab.SMTPServer {
	t.Helper()
	if o.Mail == nil {
		o.Mail = maillab.NewMailboxes(maillab.Limits{}, lab.Credentials{User: "alice", Password: "secret"}, lab.Credentials{User: "bob", Password: "secret"})
	}
	s, err := maillab.StartSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// client makes a client of a lab server; user may be empty.
func client(t testing.TB, s *maillab.SMTPServer, user string, o *protocols.Options) *Client {
	t.Helper()
	if o == nil {
		o = &protocols.Options{}
	}
	if s.Authority() != nil && o.TLS.Config == nil {
		o.TLS.Config = &tls.Config{RootCAs: s.Authority().Pool()}
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		u.User = url.UserPassword(user, "secret")
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

const hello = "Subject: hello\r\n\r\nHi.\r\n"

func mailOf(text string, to ...string) *Mail {
	return &Mail{From: "me@example.org", To: to, Open: opener(strings.NewReader(text)), Size: int64(len(text))}
}

// inbox returns the messages of a user.
func inbox(t testing.TB, s *maillab.SMTPServer, user string) []string {
	t.Helper()
	list, err := s.Mail().Snapshot(user, maillab.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range list {
		texts = append(texts, string(m.Data))
	}
	return texts
}

// dialects are servers that take content in different ways.
var dialects = map[string]struct {
	o   maillab.SMTPOptions
	set Settings
}{
	"chunking":      {},
	"pipelining":    {o: maillab.SMTPOptions{Disable: []string{"CHUNKING"}}},
	"lock-step":     {o: maillab.SMTPOptions{Disable: []string{"PIPELINING"}}},
	"lock-step set": {set: Settings{NoPipelining: true}},
	"never chunk":   {set: Settings{Chunking: ChunkNever}},
	"starttls":      {o: maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}},
	"implicit":      {o: maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}},
	"lmtp":          {o: maillab.SMTPOptions{LMTP: true}},
	"lmtp data":     {o: maillab.SMTPOptions{LMTP: true, Disable: []string{"CHUNKING"}}},
	"all or none":   {set: Settings{AllOrNone: true}},
	"all or none 2": {o: maillab.SMTPOptions{Disable: []string{"CHUNKING"}}, set: Settings{AllOrNone: true}},
}

// TestContent sends bodies of many shapes to each kind of server and compares
// what arrived, byte for byte.
func TestContent(t *testing.T) {
	line := strings.Repeat("x", 70)
	bodies := map[string]string{
		"plain":     hello,
		"empty":     "",
		"dots":      "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.",
		"no end":    "Subject: x\r\n\r\nno line end",
		"bare LF":   "Subject: x\n\nline\n.\nline\n",
		"bare CR":   "Subject: x\r\n\r\na\rb\r.\rc\r",
		"smuggling": "Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@x>\r\n.\rb\r\n.\r",
		"64 KiB":    "Subject: x\r\n\r\n" + strings.Repeat(line+"\r\n", 910) + "end",
		"200 KiB":   "Subject: x\r\n\r\n" + strings.Repeat(".."+line+"\r\n", 2_800),
		"600 KiB":   "Subject: x\n\n" + strings.Repeat(line+"\n", 8_500),
		"8 bit":     "Subject: x\r\n\r\nGrüße\r\n",
	}
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			s := start(t, d.o)
			c := client(t, s, "", nil)
			c.Settings = d.set
			for what, text := range bodies {
				r, err := c.SendMail(t.Context(), mailOf(text, "alice@example.org"))
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if r.Reply.Code != 250 || len(r.Recipients) != 1 || !r.Recipients[0].Accepted || r.Bytes != int64(len(text)) {
					t.Errorf("%s: receipt %+v", what, r)
				}
				got := inbox(t, s, "alice")
				if want := onTheWire(text); got[len(got)-1] != want {
					t.Errorf("%s: %.200q arrived, want %.200q", what, got[len(got)-1], want)
				}
			}
			if n := s.Received(); n != len(bodies) {
				t.Errorf("%d messages arrived, want %d", n, len(bodies))
			}
			if n := s.Connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// onTheWire is the plain way to make all line ends CRLF.
func onTheWire(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return strings.ReplaceAll(text, "\n", "\r\n")
}

func TestRecipients(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			s := start(t, d.o)
			c := client(t, s, "", nil)
			c.Settings = d.set
			r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org", "eve@example.org", "bob@example.org"))
			if d.set.AllOrNone {
				if protocols.KindOf(err) != protocols.KindRefused || s.Received() != 0 || r.Recipients[0].Accepted || r.Recipients[2].Accepted {
					t.Errorf("%v, %+v, %d received: want none", err, r, s.Received())
				}
			} else if protocols.KindOf(err) != protocols.KindPartial || len(inbox(t, s, "bob")) != 1 || !r.Recipients[2].Accepted {
				t.Errorf("%v, %+v: want some", err, r)
			}
			if p := r.Recipients[1]; p.Accepted || p.Code != 550 || p.Enhanced != "5.1.1" || p.Text != "No such user here" {
				t.Errorf("refused recipient %+v", p)
			}
			// Nobody at all, and then the session goes on.
			before := s.Received()
			if _, err := c.SendMail(t.Context(), mailOf(hello, "eve@example.org")); protocols.KindOf(err) != protocols.KindRefused {
				t.Errorf("nobody: %v", err)
			}
			if s.Received() != before {
				t.Error("a message without recipients arrived")
			}
			if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if s.Connections() != 1 {
				t.Errorf("%d connections", s.Connections())
			}
		})
	}
}

func TestManyRecipients(t *testing.T) {
	for name, d := range dialects {
		if d.set.AllOrNone {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := start(t, d.o)
			c := client(t, s, "", nil)
			c.Settings = d.set
			var to []string
			for i := range 450 {
				to = append(to, []string{"alice@example.org", "nobody@example.org", "bob@example.org"}[i%3])
			}
			r, err := c.SendMail(t.Context(), mailOf(hello, to...))
			if protocols.KindOf(err) != protocols.KindPartial || len(r.Recipients) != 450 {
				t.Fatalf("%v, %d recipients", err, len(r.Recipients))
			}
			for i, p := range r.Recipients {
				if p.Accepted != (i%3 != 1) || p.Address != to[i] {
					t.Fatalf("recipient %d: %+v", i, p)
				}
			}
		})
	}
}

func TestExtensions(t *testing.T) {
	three := 3
	tests := []struct {
		name    string
		disable []string
		tls     bool
		m       func(*Mail)
		want    string // part of MAIL or RCPT; empty: an error of class ErrUnsupported
	}{
		{"size", nil, false, func(*Mail) {}, "SIZE=23"},
		{"8bit", nil, false, func(m *Mail) { m.Open = opener(strings.NewReader("Subject: x\r\n\r\nü\r\n")) }, "BODY=8BITMIME"},
		{"8bit not offered", []string{"8BITMIME"}, false, func(m *Mail) { m.Open = opener(strings.NewReader("Subject: x\r\n\r\nü\r\n")) }, ""},
		{"8bit not offered, seen late", []string{"8BITMIME"}, false, func(m *Mail) {
			m.Open = opener(strings.NewReader("Subject: x\r\n\r\n" + strings.Repeat("a\r\n", 40_000) + "ü\r\n"))
		}, ""},
		{"utf8 address", nil, false, func(m *Mail) { m.From = "bücher@example.org" }, "<bücher@example.org> SIZE=23 SMTPUTF8"},
		{"utf8 header", nil, false, func(m *Mail) { m.Open = opener(strings.NewReader("Subject: ü\r\n\r\nx\r\n")) }, "SMTPUTF8"},
		{"utf8 not offered", []string{"SMTPUTF8"}, false, func(m *Mail) { m.To = []string{"bücher@example.org"} }, ""},
		{"IDN needs no utf8", []string{"SMTPUTF8"}, false, func(m *Mail) { m.From = "me@bücher.example" }, "MAIL FROM:<me@xn--bcher-kva.example>"},
		{"binary", nil, false, func(m *Mail) { m.Binary = true }, "BODY=BINARYMIME"},
		{"binary not offered", []string{"BINARYMIME"}, false, func(m *Mail) { m.Binary = true }, ""},
		{"ret", nil, false, func(m *Mail) { m.Return, m.EnvelopeID = "HDRS", "a b+c" }, "RET=HDRS ENVID=a+20b+2Bc"},
		{"notify", nil, false, func(m *Mail) { m.Notify = []string{"success", "delay"} }, "RCPT TO:<alice@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;alice@example.org"},
		{"dsn not offered", []string{"DSN"}, false, func(m *Mail) { m.Notify = []string{"never"} }, ""},
		{"deliverby", nil, false, func(m *Mail) { m.DeliverBy = 120e9 }, "BY=120;R"},
		{"priority", nil, false, func(m *Mail) { m.Priority = &three }, "MT-PRIORITY=3"},
		{"submitter", nil, false, func(m *Mail) { m.Submitter = "a=b@example.org" }, "AUTH=a+3Db@example.org"},
		{"option", []string{"SIZE"}, false, func(m *Mail) { m.MailOptions = []string{"BODY=7BIT"} }, "MAIL FROM:<me@example.org> BODY=7BIT"},
		{"null sender", []string{"SIZE"}, false, func(m *Mail) { m.From = "" }, "MAIL FROM:<>"},
	}
	for _, tt := range tests {
		s := start(t, maillab.SMTPOptions{Disable: tt.disable})
		c := client(t, s, "", nil)
		m := mailOf(hello, "alice@example.org")
		tt.m(m)
		m.Size = 23
		_, err := c.SendMail(t.Context(), m)
		if tt.want == "" {
			if !errors.Is(err, errors.ErrUnsupported) || s.Received() != 0 {
				t.Errorf("%s: %v, %d received", tt.name, err, s.Received())
			}
			continue
		}
		all := strings.Join(s.Commands(), "\n")
		if err != nil || s.Received() != 1 {
			t.Errorf("%s: %v, %d received", tt.name, err, s.Received())
		}
		if !strings.Contains(all, strings.ReplaceAll(tt.want, " SIZE=23", "")) && !strings.Contains(all, tt.want) {
			t.Errorf("%s: %v; no %q in\n%s", tt.name, err, tt.want, all)
		}
	}
}

func TestRequireTLSExtension(t *testing.T) {
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
	c := client(t, s, "", nil)
	m := mailOf(hello, "alice@example.org")
	m.RequireTLS = true
	if _, err := c.SendMail(t.Context(), m); err != nil {
		t.Errorf("under TLS: %v", err)
	}
	plain := client(t, s, "", &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
	if _, err := plain.SendMail(t.Context(), m); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("unencrypted: %v", err)
	}
}

// TestTooManyRecipients: a server that takes a hundred at a time gets the message
// several times, each recipient once.
func TestTooManyRecipients(t *testing.T) {
	for name, d := range dialects {
		if d.set.AllOrNone {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d.o.MaxRcpt = 100
			s := start(t, d.o)
			c := client(t, s, "", nil)
			c.Settings = d.set
			to := slices.Repeat([]string{"alice@example.org"}, 250)
			to[120] = "nobody@example.org"
			r, err := c.SendMail(t.Context(), mailOf(hello, to...))
			if protocols.KindOf(err) != protocols.KindPartial || s.Received() != 3 || len(inbox(t, s, "alice")) != 249 {
				t.Errorf("%v; %d messages, %d deliveries", err, s.Received(), len(inbox(t, s, "alice")))
			}
			for i, p := range r.Recipients {
				if p.Accepted != (i != 120) {
					t.Errorf("recipient %d: %+v", i, p)
				}
			}
		})
	}
}

func TestSizeIsObeyed(t *testing.T) {
	s := start(t, maillab.SMTPOptions{MaxBytes: 1000})
	c := client(t, s, "", nil)
	m := mailOf(hello+strings.Repeat("x\r\n", 1000), "alice@example.org")
	if _, err := c.SendMail(t.Context(), m); protocols.KindOf(err) != protocols.KindRefused || !strings.Contains(err.Error(), "the server takes 1000") {
		t.Errorf("declared: %v", err)
	}
	m.Size = 0 // not known
	if _, err := c.SendMail(t.Context(), m); protocols.KindOf(err) != protocols.KindRefused || s.Received() != 0 {
		t.Errorf("not declared: %v", err)
	}
	if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBinaryIsExact(t *testing.T) {
	s := start(t, maillab.SMTPOptions{})
	c := client(t, s, "", nil)
	text := "Subject: x\r\n\r\n\x00\n.\n\r\r\n.\r\n" + strings.Repeat("\n\xff", 400_000)
	m := mailOf(text, "alice@example.org")
	m.Binary = true
	if _, err := c.SendMail(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := inbox(t, s, "alice")[0]; got != text {
		t.Errorf("%d bytes arrived changed", len(got))
	}
}

func TestRefuseNewlines(t *testing.T) {
	for _, disable := range [][]string{nil, {"CHUNKING"}} {
		for _, text := range []string{"Subject: x\n\nx", "Subject: x\r\n\r\na\rb\r\n", "Subject: x\r\n\r\n" + strings.Repeat("a\r\n", 50_000) + "b\nc\r\n", "Subject: x\r\n\r\nx\r"} {
			s := start(t, maillab.SMTPOptions{Disable: disable})
			c := client(t, s, "", nil)
			c.Settings.Newlines = Refuse
			if _, err := c.SendMail(t.Context(), mailOf(text, "alice@example.org")); protocols.KindOf(err) != protocols.KindUsage || s.Received() != 0 {
				t.Errorf("%.30q: %v, %d received", text, err, s.Received())
			}
		}
	}
}

// brokenReader fails in the middle.
type brokenReader struct {
	r io.Reader
}

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errors.New("disk on fire")
	}
	return n, err
}

// TestSourceFails: a message cut short is never taken for a whole one.
func TestSourceFails(t *testing.T) {
	for _, n := range []int{10, 100_000, 2_000_000} {
		for _, disable := range [][]string{nil, {"CHUNKING"}} {
			s := start(t, maillab.SMTPOptions{Disable: disable})
			c := client(t, s, "", nil)
			bad := mailOf("", "alice@example.org")
			bad.Open = func() (io.ReadCloser, error) {
				return io.NopCloser(&brokenReader{bytes.NewReader(bytes.Repeat([]byte("x\r\n"), n/3))}), nil
			}
			bad.Tag = 1000
			list := letters(4, "alice@example.org")
			list = append(list[:2:2], append([]*Mail{bad}, list[2:]...)...)
			o := sendAll(t, t.Context(), c, list)
			if protocols.KindOf(o.results[1000]) != protocols.KindLocal || !strings.Contains(o.results[1000].Error(), "on fire") {
				t.Errorf("%d bytes: %v", n, o.results[1000])
			}
			if got := arrivals(t, s, "alice"); len(got) != 4 || o.err != nil {
				t.Errorf("%d bytes: %v arrived, %v, %v", n, got, o.err, o.results)
			}
		}
	}
}

func TestAsk(t *testing.T) {
	s := start(t, maillab.SMTPOptions{})
	c := client(t, s, "", nil)
	if r, err := c.Verify(t.Context(), "alice"); err != nil || r.Code != 250 || !strings.Contains(r.Text(), "alice@") {
		t.Errorf("verify: %v, %v", r, err)
	}
	if _, err := c.Verify(t.Context(), "eve"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("verify nobody: %v", err)
	}
	if r, err := c.Expand(t.Context(), "staff"); err != nil || len(r.Lines) != 2 {
		t.Errorf("expand: %v, %v", r, err)
	}
	if r, err := c.Help(t.Context(), ""); err != nil || r.Code != 214 {
		t.Errorf("help: %v, %v", r, err)
	}
	if r, err := c.Etrn(t.Context(), "example.org"); err != nil || r.Code != 253 {
		t.Errorf("etrn: %v, %v", r, err)
	}
	if r, err := c.Reset(t.Context()); err != nil || r.Code != 250 {
		t.Errorf("reset: %v, %v", r, err)
	}
	if r, err := c.Do(t.Context(), "NONSENSE x"); err != nil || r.Code/100 != 5 {
		t.Errorf("raw: %v, %v", r, err)
	}
	for _, bad := range []string{"DATA", "bdat 3 LAST", "STARTTLS", "NOOP\r\nMAIL FROM:<x>"} {
		if _, err := c.Do(t.Context(), bad); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("raw %q: %v", bad, err)
		}
	}
	if s.Connections() != 1 {
		t.Errorf("%d connections", s.Connections())
	}
}

// TestWrongDialect: who speaks SMTP to a server of LMTP is told so.
func TestWrongDialect(t *testing.T) {
	s := start(t, maillab.SMTPOptions{LMTP: true})
	u, err := url.Parse(strings.Replace(s.URL(), "lmtp:", "smtp:", 1))
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Noop(t.Context())
	if e, ok := errors.AsType[*protocols.Error](err); !ok || e.Kind != protocols.KindRefused || !strings.Contains(e.Hint, "lmtp://") {
		t.Errorf("%v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Addr: filepath.Join(t.TempDir(), "lmtp.sock")}, LMTP: true})
	c := client(t, s, "", nil)
	r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org", "nobody@example.org", "bob@example.org"))
	if protocols.KindOf(err) != protocols.KindPartial || len(inbox(t, s, "alice")) != 1 || !r.Recipients[2].Accepted {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestUntil(t *testing.T) {
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
	c := client(t, s, "alice", nil)
	for i, stage := range Stages() {
		var seen []string
		err := c.Until(t.Context(), stage, mailOf(hello, "alice@example.org", "bob@example.org"), func(st Step) {
			if len(seen) == 0 || seen[len(seen)-1] != string(st.Stage) {
				seen = append(seen, string(st.Stage))
			}
		})
		if err != nil || len(seen) != i+1 || seen[i] != string(stage) {
			t.Errorf("%s: %v, %v", stage, seen, err)
		}
	}
	if s.Received() != 0 {
		t.Error("a test sent a message")
	}
	if err := c.Until(t.Context(), StageRcpt, mailOf(hello, "eve@example.org", "bob@example.org"), func(Step) {}); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("refused recipient: %v", err)
	}
	if err := c.Until(t.Context(), StageMail, nil, func(Step) {}); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("without a message: %v", err)
	}
	if err := c.Until(t.Context(), "lunch", nil, func(Step) {}); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("no such stage: %v", err)
	}
}

func TestSendIsAPlainSender(t *testing.T) {
	s := start(t, maillab.SMTPOptions{})
	r, err := protocols.Send(t.Context(), client(t, s, "", nil), &protocols.Message{From: "a@b.org", To: []string{"alice@x.org"}, Body: strings.NewReader(hello)})
	if err != nil || r.Reply.Code != 250 || inbox(t, s, "alice")[0] != hello {
		t.Errorf("%+v, %v", r, err)
	}
}
