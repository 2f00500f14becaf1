package pop3

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestLogins: every way to log in, and that a wrong password is an error of kind Auth.
func TestLogins(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Mechanisms: []string{"SCRAM-SHA-256", "CRAM-MD5", "XOAUTH2", "LOGIN", "PLAIN"}})
	for _, mechanism := range []string{"", "SCRAM-SHA-256", "CRAM-MD5", "LOGIN", "PLAIN", "USER", "APOP", "RPOP", "XOAUTH2"} {
		t.Run(mechanism, func(t *testing.T) {
			cred := protocols.Credential{User: "alice", Password: "secret"}
			if mechanism == "XOAUTH2" {
				cred = protocols.Credential{User: "alice", Token: "secret"}
			}
			o := &protocols.Options{Mechanism: mechanism, Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) { return cred, nil }}
			if count, _, err := labtest.Connect(t, New, s, o).Totals(t.Context()); err != nil || count != 5 {
				t.Errorf("%d messages, %v", count, err)
			}
			if mechanism == "RPOP" {
				return // has no password
			}
			cred.Password, cred.Token = strings.ReplaceAll(cred.Password, "secret", "wrong"), strings.ReplaceAll(cred.Token, "secret", "wrong")
			if _, _, err := labtest.Connect(t, New, s, o).Totals(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
	if _, _, err := labtest.Connect(t, New, s, &protocols.Options{Mechanism: "SCRAM-SHA-1"}).Totals(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("a mechanism that is not offered: %v", err)
	}
}

// TestAuthInURL: ;AUTH= after the user (RFC 2384 3).
func TestAuthInURL(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	u, err := protocols.ParseURL("pop3://alice;AUTH=+APOP:secret@"+s.Addr()+"/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Totals(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(s.Commands(), func(l string) bool { return strings.HasPrefix(l, "APOP alice ") }) {
		t.Errorf("sent %q", s.Commands())
	}
}

// TestCleartext: no secret unencrypted to another machine.
func TestCleartext(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	_, port, _ := net.SplitHostPort(s.Addr())
	for _, mechanism := range []string{"", "USER", "PLAIN", "APOP", "XOAUTH2"} {
		u, err := protocols.ParseURL("pop3://alice:secret@mail.example.org:"+port+"/", "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(u, &protocols.Options{Mechanism: mechanism, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, s.Addr())
			return elsewhere{conn}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Totals(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
			t.Errorf("%q: %v", mechanism, err)
		}
		c.Close()
	}
	for _, line := range s.Commands() {
		if line != "CAPA" && line != "QUIT" {
			t.Errorf("sent %q", line)
		}
	}
}

// elsewhere is a connection whose peer is another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 110} }

func TestTLS(t *testing.T) {
	for _, mode := range []lab.TLSMode{lab.TLSExplicit, lab.TLSRequired, lab.TLSImplicit} {
		s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: lab.ServerOptions{TLS: mode}})
		c := labtest.Connect(t, New, s, nil)
		if _, _, err := c.Totals(t.Context()); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
		r, err := c.Probe(t.Context())
		if err != nil || r.TLSVersion == "" {
			t.Errorf("mode %v: %q, %v", mode, r.TLSVersion, err)
		}
		bad := labtest.Connect(t, New, s, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire, Config: &tls.Config{}}})
		if _, _, err := bad.Totals(t.Context()); protocols.KindOf(err) != protocols.KindTLS {
			t.Errorf("mode %v, an unknown authority: %v", mode, err)
		}
	}
}

// TestTLSHidden: with TLS asked for, a server that does not offer it, refuses it or
// says more than it should gets no login.
func TestTLSHidden(t *testing.T) {
	for _, o := range []maillab.POP3Options{
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSNone}},
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, Disable: []string{"STLS"}},
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "code:STLS=-ERR no")}},
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: labtest.Faults(t, "inject:STLS=+OK early")}},
	} {
		s := labtest.Start(t, maillab.StartPOP3, o)
		c := labtest.Connect(t, New, s, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}})
		if _, _, err := c.Totals(t.Context()); protocols.KindOf(err) != protocols.KindTLS {
			t.Errorf("%+v: %v", o.Faults, err)
		}
		for _, line := range s.Commands() {
			if line != "CAPA" && line != "STLS" {
				t.Errorf("%+v: sent %q", o.Faults, line)
			}
		}
	}
}

// TestTop returns the header and some lines.
func TestTop(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{}), nil)
	o, err := c.Top(t.Context(), "2", 3)
	if text := labtest.Object(t, o, err); !strings.HasSuffix(text, "\r\n\r\n.\r\n..\r\n.hidden\r\n") {
		t.Errorf("got %q", text)
	}
}

// TestPipelining: with it many commands go out at once, without it one by one, and
// the result is the same.
func TestPipelining(t *testing.T) {
	for _, disable := range [][]string{nil, {"PIPELINING"}, {"CAPA"}} {
		s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Disable: disable})
		c := labtest.Connect(t, New, s, nil)
		var sizes []int
		var names []string
		for e, err := range c.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, e.Path)
		}
		err := c.BulkGet(t.Context(), slices.Values(append(names, ";UID=none", "0", "77")), func(_ string, o *protocols.Object, err error) error {
			if err != nil {
				sizes = append(sizes, -1)
				return nil
			}
			n, err := io.Copy(io.Discard, o.Body)
			if n != o.Size {
				t.Errorf("%d bytes, want %d", n, o.Size)
			}
			sizes = append(sizes, int(n))
			return err
		})
		if err != nil || len(sizes) != 8 || !slices.Equal(sizes[5:], []int{-1, -1, -1}) {
			t.Errorf("%v: %v, %v", disable, sizes, err)
		}
	}
}

// TestBulkStops: an error of the caller stops it and leaves the client usable.
func TestBulkStops(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Shared: true}), nil)
	enough := errors.New("enough")
	for range 3 {
		err := c.BulkGet(t.Context(), slices.Values([]string{"1", "4", "2"}), func(string, *protocols.Object, error) error { return enough })
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
	if count, _, err := c.Totals(t.Context()); err != nil || count != 5 {
		t.Errorf("afterwards: %d, %v", count, err)
	}
}

// TestRemove: nothing is deleted without a good end of the session, and numbers are
// refused once they mean other messages.
func TestRemove(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "drop:QUIT*1")}})
	c := labtest.Connect(t, New, s, nil)
	if err := c.Remove(t.Context(), "2"); err == nil {
		t.Error("success without an answer to QUIT")
	}
	count := func() int {
		info, err := s.Mail().Info("alice", maillab.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		return info.Messages
	}
	if count() != 5 {
		t.Errorf("%d messages", count())
	}
	c = labtest.Connect(t, New, s, nil)
	stop := errors.New("stop")
	err := c.BulkRemove(t.Context(), slices.Values([]string{"1", "3"}), func(name string, _ error) error {
		if name == "3" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || count() != 5 {
		t.Errorf("stopped: %v, %d messages", err, count())
	}
	if err := c.BulkRemove(t.Context(), slices.Values([]string{"1", "3"}), nil); err != nil || count() != 3 {
		t.Errorf("two: %v, %d messages", err, count())
	}
	if err := c.Remove(t.Context(), "1"); protocols.KindOf(err) != protocols.KindUsage || count() != 3 {
		t.Errorf("by a number that has changed: %v, %d messages", err, count())
	}
	if err := c.Remove(t.Context(), ";UID=none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not there: %v", err)
	}
	for e, err := range c.UIDs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Remove(t.Context(), e.Path); err != nil {
				t.Errorf("by id: %v", err)
			}
		}()
	}
}

// TestInUse: a maildrop that another has open is a failure that may pass.
func TestInUse(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	first := labtest.Connect(t, New, s, nil)
	if _, _, err := first.Totals(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err := labtest.Connect(t, New, s, nil).Totals(t.Context())
	if protocols.KindOf(err) != protocols.KindTemporary || !protocols.IsRetryable(err) {
		t.Errorf("got %v", err)
	}
}

// TestWatch reports what comes in.
func TestWatch(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	c := labtest.Connect(t, New, s, nil)
	c.Settings.Poll = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for s.Logins() < 2 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		s.Mail().Deliver("alice", []byte("Subject: new\r\n\r\n"))
	}()
	for e, err := range c.Watch(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Number != 6 {
			t.Errorf("got %+v", e)
		}
		cancel()
		break
	}
}

// TestSettings: UTF8 and LANG go out where they belong.
func TestSettings(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	c := labtest.Connect(t, New, s, &protocols.Options{Mechanism: "USER"})
	c.Settings.UTF8, c.Settings.Lang = true, "en"
	if _, _, err := c.Totals(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Commands(), " "); got != "CAPA UTF8 USER alice PASS secret LANG en STAT" {
		t.Errorf("sent %q", got)
	}
}

// TestHeaders: encoded words, a folded field, and a header without an end.
func TestHeaders(t *testing.T) {
	mail := maillab.NewMailboxes(maillab.Limits{})
	mail.Deliver("alice", []byte("SUBJECT: =?koi8-r?B?8NLJ18XU?=\r\n and more\r\nFrom: a\r\nFrom: b\r\n\r\nSubject: not this\r\n"))
	c := labtest.Connect(t, New, labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Mail: mail}), nil)
	c.Settings.Headers = true
	for e, err := range c.List(t.Context(), "") {
		if err != nil || e.Subject != "Привет and more" || e.From != "a" {
			t.Errorf("got %+v, %v", e.MessageInfo, err)
		}
	}
	mail = maillab.NewMailboxes(maillab.Limits{})
	mail.Deliver("alice", bytes.Repeat([]byte("X-Long: header\r\n"), 100_000))
	c = labtest.Connect(t, New, labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Mail: mail}), nil)
	c.Settings.Headers = true
	for _, err := range c.List(t.Context(), "") {
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("a header of 1.6 MB: %v", err)
		}
	}
}

// TestSaveName: what a message is saved as, whatever the server calls it.
func TestSaveName(t *testing.T) {
	for name, want := range map[string]string{"5": "INBOX-5.eml", ";UID=0001d8f5": "INBOX-0001d8f5.eml", ";uid=../a": "INBOX-..%2Fa.eml", "": "INBOX"} {
		if got := (&Client{}).SaveName(name); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// TestManyIDs: a maildrop of very many messages with short ids is refused before
// they fill the memory.
func TestManyIDs(t *testing.T) {
	d := &ids{number: map[string]int{}}
	n := 1
	for d.add(n, strconv.Itoa(n)) == nil {
		n++
	}
	if n < 500_000 || n > 1_000_000 {
		t.Errorf("refused at %d", n)
	}
}
