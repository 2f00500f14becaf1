package doctor_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/doctor"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// heard collects the command lines of a server.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) command(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heard) has(prefix string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.lines, func(l string) bool { return strings.Contains(l, prefix) })
}

// found is what an examination reported.
type found struct {
	report *doctor.Report
	steps  map[string]doctor.Result
	conns  int64
}

// settings writes the profile without its URL.
func (f *found) settings() string {
	var out []string
	for _, s := range f.report.Settings {
		if s.Key != "url" {
			out = append(out, s.Key+"="+s.Value)
		}
	}
	return strings.Join(out, " ")
}

func examine(t *testing.T, url string, ca *base.Authority, change func(*protocols.Options)) *found {
	t.Helper()
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	at, err := reg.Parse(url, "")
	if err != nil {
		t.Fatal(err)
	}
	o := &protocols.Options{ConnectTimeout: 3 * time.Second, IdleTimeout: 2 * time.Second, Stats: new(protocols.Stats), Memory: new(protocols.Memory)}
	if ca != nil {
		o.TLS.Config = ca.ClientConfig()
	}
	if change != nil {
		change(o)
	}
	f := &found{steps: map[string]doctor.Result{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f.report, err = doctor.Examine(ctx, doctor.Patient{Target: at, Options: o, Open: (*protocols.Target).Open}, func(r doctor.Result) error {
		f.steps[r.Step] = r
		t.Logf("%-8s %-16s %s [%s]", r.Status, r.Step, r.Text, r.Ask)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.conns = o.Stats.Conns.Load()
	return f
}

// expectation is "step: status", perhaps with words of the text or the advice after it.
func (f *found) check(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		name, rest, _ := strings.Cut(w, ": ")
		status, text, _ := strings.Cut(rest, " ")
		r, ran := f.steps[name]
		if !ran || string(r.Status) != status || !strings.Contains(r.Text+" ASK "+r.Ask, text) {
			t.Errorf("step %s is %s %q, ask %q; want %s", name, r.Status, r.Text, r.Ask, w)
		}
	}
}

func authority(t *testing.T) *base.Authority {
	t.Helper()
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestFTP(t *testing.T) {
	ca := authority(t)
	for _, c := range []struct {
		name     string
		change   func(*lab.FTPOptions)
		faults   string
		want     []string
		settings string // of the profile; "none" where there is none
		first    string
	}{
		{"a server without faults", func(o *lab.FTPOptions) { o.TLS, o.RequireSessionReuse = lab.TLSExplicit, true }, "",
			[]string{"greeting: ok", "TLS: ok TLS 1.3", "TLS 1.2: ok", "certificate: ok", "login: ok PROT P", "EPSV: ok", "PASV: ok", "EPRT: ok", "PORT: ok", "data connection: ok EPSV", "session reuse: ok", "MLSD: ok", "LIST: ok", "pipelining: ok"}, "tls=require user=alice", ""},
		{"an address that is not the server's in the reply to PASV", func(o *lab.FTPOptions) { o.PASVHost = "10.9.8.7" }, "",
			[]string{"PASV: without 10.9.8.7", "PASV: without pasv_address", "data connection: ok"}, "user=alice", ""},
		{"no EPSV", func(o *lab.FTPOptions) { o.NoEPSV = true }, "", []string{"EPSV: without", "PASV: ok", "data connection: ok PASV"}, "no_epsv=true user=alice", ""},
		{"passive mode refused", nil, "code:EPSV=522 no,code:PASV=502 no", []string{"EPSV: without", "PASV: without", "EPRT: ok", "data connection: ok active only"}, "active=true user=alice", ""},
		{"no data connection at all", nil, "code:EPSV=522 no,code:PASV=502 no,code:EPRT=500 no,code:PORT=500 no", []string{"data connection: failed to allow passive", "MLSD: skipped needs: data connection"}, "none", "data connection"},
		{"TLS refused", func(o *lab.FTPOptions) { o.TLS = lab.TLSExplicit }, "code:AUTH=534 policy", []string{"TLS: without 534 policy", "certificate: skipped", "login: ok without TLS"}, "user=alice", ""},
		{"data connections not encrypted", func(o *lab.FTPOptions) { o.TLS = lab.TLSExplicit }, "code:PROT=536 no", []string{"login: without 536", "data connection: ok"}, "prot=clear tls=require", ""},
		{"session reuse wanted and not possible", func(o *lab.FTPOptions) { o.TLS = lab.TLSExplicit }, "code:LIST=522 session reuse required,code:MLSD=522 session reuse required",
			[]string{"login: ok", "EPSV: without to turn on the TLS session cache", "data connection: failed TLS session cache"}, "none", "data connection"},
		{"TLS 1.2 only", func(o *lab.FTPOptions) { o.TLS, o.MaxTLS = lab.TLSExplicit, tls.VersionTLS12 }, "", []string{"TLS 1.3: without", "TLS 1.2: ok used", "login: ok"}, "tls=require user=alice", ""},
		{"no MLSD", func(o *lab.FTPOptions) { o.NoMLSD = true }, "", []string{"MLSD: without", "LIST: ok"}, "user=alice", ""},
		{"listings that cannot be read", func(o *lab.FTPOptions) { o.ListGarbageLines = true }, "", []string{"LIST: without sync --delete"}, "user=alice", ""},
		{"the login refused", func(o *lab.FTPOptions) { o.User, o.Password = "bob", "another" }, "", []string{"login: failed 530", "EPSV: skipped needs: login"}, "none", "login"},
		{"silence in place of a greeting", nil, "hang:GREETING", []string{"connection: ok", "greeting: failed timed out", "login: skipped needs: greeting"}, "none", "greeting"},
		{"the end in place of a greeting", nil, "drop:GREETING", []string{"greeting: failed closed the connection"}, "none", "greeting"},
		{"garbage in place of a greeting", nil, "garbage:GREETING", []string{"greeting: failed what listens on port"}, "none", "greeting"},
		{"the end in the handshake", func(o *lab.FTPOptions) { o.TLS = lab.TLSExplicit }, "drop:TLS", []string{"TLS: without"}, "user=alice", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := lab.FTPOptions{ServerOptions: lab.ServerOptions{Authority: ca, Faults: labtest.Faults(t, c.faults)}}
			if c.change != nil {
				c.change(&o)
			}
			s := labtest.Start(t, lab.StartFTP, o)
			f := examine(t, labtest.WithUser(s.URL()), ca, nil)
			f.check(t, c.want...)
			f.conclude(t, c.settings, c.first)
			if f.conns > 20 { // those for data included
				t.Errorf("%d connections", f.conns)
			}
		})
	}
}

// conclude checks the profile and the first step that fails.
func (f *found) conclude(t *testing.T, settings, first string) {
	t.Helper()
	got := "none"
	if f.report.Settings != nil {
		list := strings.Fields(f.settings())
		slices.Sort(list)
		got = strings.Join(list, " ")
	}
	labtest.Equal(t, "settings", got, settings)
	name := ""
	if f.report.First != nil {
		name = f.report.First.Step
	}
	labtest.Equal(t, "first failure", name, first)
	if (f.report.Err() == nil) != (first == "") {
		t.Errorf("the error is %v", f.report.Err())
	}
}

// TestNoSecretWithoutTrust: a certificate that does not verify ends the examination
// before anything secret is sent, and says whom to ask for what.
func TestNoSecretWithoutTrust(t *testing.T) {
	ca := authority(t)
	for name, c := range map[string]struct {
		cert func() (tls.Certificate, error)
		want string
	}{
		"expired":        {ca.Expired, "certificate: failed expired"},
		"another name":   {ca.WrongName, "certificate: failed under which name"},
		"not known here": {authority(t).Expired, "certificate: failed"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, err := c.cert()
			if err != nil {
				t.Fatal(err)
			}
			var h heard
			s := labtest.Start(t, lab.StartIMAP, lab.IMAPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Authority: ca, Certificate: &cert, OnCommand: h.command}})
			f := examine(t, labtest.WithUser(s.URL()), ca, nil)
			f.check(t, c.want, "login: skipped needs: certificate", "TLS: ok")
			f.conclude(t, "none", "certificate")
			labtest.Equal(t, "kind", protocols.KindOf(f.report.Err()), protocols.KindTLS)
			for _, verb := range []string{"LOGIN", "AUTHENTICATE", "secret"} {
				if h.has(verb + " ") {
					t.Errorf("the server has heard %q", h.lines)
				}
			}
		})
	}
}

// TestPlaintextLoginStaysForbidden: the flag that allows it elsewhere is not for here.
func TestPlaintextLoginStaysForbidden(t *testing.T) {
	var h heard
	s := labtest.Start(t, lab.StartIMAP, lab.IMAPOptions{ServerOptions: lab.ServerOptions{OnCommand: h.command}})
	url := strings.Replace(labtest.WithUser(s.URL()), "127.0.0.1", "mail.example.org", 1)
	f := examine(t, url, nil, func(o *protocols.Options) {
		o.AllowPlaintextAuth = true
		o.Dial = remote(s.Addr())
	})
	f.check(t, "greeting: ok", "TLS: without", "login: failed must not go there unencrypted")
	labtest.Equal(t, "kind", protocols.KindOf(f.report.Err()), protocols.KindAuth)
	if h.has("secret") || h.has("AUTHENTICATE") || h.has("LOGIN ") {
		t.Errorf("the server has heard %q", h.lines)
	}
}

func TestMail(t *testing.T) {
	ca := authority(t)
	smtp := func(faults string, change func(*lab.SMTPOptions)) func(t *testing.T) string {
		return func(t *testing.T) string {
			o := lab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Authority: ca, Faults: labtest.Faults(t, faults)}, Submission: true}
			if change != nil {
				change(&o)
			}
			return labtest.WithUser(labtest.Start(t, lab.StartSMTP, o).URL())
		}
	}
	for _, c := range []struct {
		name  string
		url   func(t *testing.T) string
		want  []string
		first string
	}{
		{"SMTP", smtp("", nil), []string{"TLS: ok", "size limit: ok 67108864", "extensions: ok SMTPUTF8", "login mechanisms: ok under TLS", "login: ok as alice by SCRAM-SHA-256"}, ""},
		{"SMTP with STARTTLS refused", smtp("code:STARTTLS=454 TLS not available", nil), []string{"TLS: without 454 TLS not available", "TLS: without to turn TLS on", "login: ok without TLS"}, ""},
		{"SMTP with a small limit", smtp("", func(o *lab.SMTPOptions) { o.MaxBytes = 1000 }), []string{"size limit: ok for a larger limit"}, ""},
		{"SMTP without much", smtp("", func(o *lab.SMTPOptions) { o.Disable = []string{"SIZE", "SMTPUTF8"} }), []string{"size limit: without", "extensions: without no SMTPUTF8"}, ""},
		{"SMTP that is closed", smtp("code:GREETING=554 go away", nil), []string{"greeting: failed 554 go away"}, "greeting"},
		{"SMTP that is busy", smtp("code:GREETING=421 try later", nil), []string{"greeting: failed passing refusal"}, "greeting"},
		{"SMTP that refuses the login", smtp("code:AUTH=535 5.7.8 no", nil), []string{"login: failed application password"}, "login"},
		{"IMAP", func(t *testing.T) string {
			return labtest.WithUser(labtest.Start(t, lab.StartIMAP, lab.IMAPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: ca}}).URL())
		}, []string{"greeting: skipped", "TLS: ok", "login: ok as alice", "mailboxes: ok", "extensions: without"}, ""},
		{"POP3", func(t *testing.T) string {
			return labtest.WithUser(labtest.Start(t, lab.StartPOP3, lab.POP3Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSRequired, Authority: ca}}).URL())
		}, []string{"TLS: ok", "login: ok as alice", "messages: ok"}, ""},
		{"NNTP", func(t *testing.T) string {
			return labtest.WithUser(labtest.Start(t, lab.StartNNTP, lab.NNTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Authority: ca}}).URL())
		}, []string{"TLS: ok", "extensions: ok", "login: ok as alice", "groups: ok"}, ""},
		{"POP3 without a user", func(t *testing.T) string { return labtest.Start(t, lab.StartPOP3, lab.POP3Options{}).URL() },
			[]string{"login: skipped --user", "messages: skipped needs: login"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := examine(t, c.url(t), ca, nil)
			f.check(t, c.want...)
			name := ""
			if f.report.First != nil {
				name = f.report.First.Step
			}
			labtest.Equal(t, "first failure", name, c.first)
		})
	}
}

func TestHTTP(t *testing.T) {
	ca := authority(t)
	s := labtest.Start(t, lab.StartHTTP, lab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: ca}})
	f := examine(t, labtest.WithUser(s.URL()), ca, nil)
	f.check(t, "TLS: ok", "certificate: ok", "answer: ok 200", "HTTP/2: ok", "methods: ok", "proxies on the way: ok none", "clock: ok", "login: skipped")
	f.conclude(t, "", "")
	for status, want := range map[string][]string{
		"401": {"TLS: ok", "answer: ok it offers Basic", "login: ok as alice"},
		"404": {"TLS: ok", "answer: without 404", "ranges: skipped"},
	} {
		t.Run(status, func(t *testing.T) {
			o := lab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: ca}}
			url := labtest.WithUser(labtest.Start(t, lab.StartHTTP, o).URL()) + map[string]string{"401": "-/auth/basic", "404": "nothing/here"}[status]
			f := examine(t, url, ca, nil)
			f.check(t, want...)
			if f.report.First != nil {
				t.Errorf("%s fails", f.report.First.Step)
			}
		})
	}
	t.Run("an error of the server", func(t *testing.T) {
		s := labtest.Start(t, lab.StartHTTP, lab.HTTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:HEAD=503 down")}})
		f := examine(t, s.URL(), nil, nil)
		f.check(t, "TLS: skipped", "answer: failed 503", "ranges: skipped needs: answer")
		labtest.Equal(t, "kind", protocols.KindOf(f.report.Err()), protocols.KindTemporary)
	})
}

func TestOthers(t *testing.T) {
	gopher := labtest.Start(t, lab.StartGopher, lab.GopherOptions{})
	examine(t, gopher.URL(), nil, nil).check(t, "greeting: ok", "content: ok entries")
	telnet := labtest.Start(t, lab.StartTelnet, lab.TelnetOptions{})
	examine(t, telnet.URL(), nil, nil).check(t, "connection: ok", "greeting: ok")
}

func TestNoServer(t *testing.T) {
	for url, want := range map[string][2]string{
		"ftp://alice:secret@127.0.0.1:1/":     {"connection: failed whether the service runs", "connection"},
		"imap://alice:secret@nosuch.invalid/": {"name: failed DNS knows no nosuch.invalid", "name"},
	} {
		f := examine(t, url, nil, nil)
		f.check(t, want[0], "login: skipped", "greeting: skipped")
		f.conclude(t, "none", want[1])
		labtest.Equal(t, fmt.Sprint("kind of ", url), protocols.KindOf(f.report.Err()), protocols.KindConnect)
	}
}

// far is a connection whose peer seems to be another machine.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

// remote makes all connections those to a server of the test, as if it were far away.
func remote(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return far{c}, nil
	}
}
