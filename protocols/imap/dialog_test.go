package imap

import (
	"context"
	"encoding/base64"
	"flag"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

const (
	dialogSecret = "Xyzzy-4143" // in place of the password of the servers
	dialogURL    = "imap://alice@localhost/"
	dialogBox    = "dialogues"
)

// recording is a dialogue; from is the server it was recorded from, empty for one
// that was written by hand.
type recording struct {
	name, from string
	call       protocoltest.Call
	options    func(o *protocols.Options)
	setup      func(s *Settings)
	skip       map[string]string
}

// plain keeps TLS off, since a recording sees only bytes, and the login one that
// can be played again.
func plain(o *protocols.Options) {
	o.TLS.Mode = protocols.TLSOff
	o.Mechanism = "PLAIN"
}

func using(f func(ctx context.Context, c *Client) error) protocoltest.Call {
	return protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error { return f(ctx, c.(*Client)) })
}

// gather makes a Call of a listing.
func gather(list func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error]) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		for v, err := range list(ctx, c.(*Client)) {
			if err != nil {
				return results, err
			}
			results = append(results, v)
		}
		return results, nil
	}
}

func search(query string) protocoltest.Call {
	return gather(func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error] {
		return c.Search(ctx, dialogBox, query)
	})
}

func put(flags ...string) protocoltest.Call {
	return using(func(ctx context.Context, c *Client) error {
		_, err := c.Put(ctx, "dialogues2", strings.NewReader("Subject: one\n\ntext\n"), &protocols.PutOptions{Flags: flags, Modified: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)})
		return err
	})
}

// atDovecot are recorded in this order.
var atDovecot = []recording{
	{name: "list", call: protocoltest.List(dialogBox)},
	{name: "list-missing", call: protocoltest.List("no such mailbox")},
	{name: "list-empty", call: protocoltest.List("dialogues2")},
	{name: "folders", call: protocoltest.List("dialogues*")},
	{name: "get", call: protocoltest.Get(dialogBox+";UID=2", nil)},
	{name: "get-section", call: protocoltest.Get(dialogBox+";UID=2/;SECTION=TEXT", nil)},
	{name: "get-fields", call: protocoltest.Get(dialogBox+";UID=2/;SECTION=HEADER.FIELDS (SUBJECT)", nil)},
	{name: "get-part", call: protocoltest.Get(dialogBox+";UID=1", &protocols.GetOptions{Offset: 10, Length: 20})},
	{name: "get-missing", call: protocoltest.Get(dialogBox+";UID=99", nil)},
	{name: "get-validity", call: protocoltest.Get(dialogBox+";UIDVALIDITY=1/;UID=1", nil)},
	{name: "bulk", call: protocoltest.Bulk(dialogBox+";UID=1", "nowhere;UID=1", dialogBox+";UID=2", dialogBox+";UID=3", dialogBox+";UID=77", dialogBox+";UID=1")},
	{name: "stat", call: protocoltest.Stat(dialogBox)},
	{name: "stat-message", call: protocoltest.Stat(dialogBox + ";UID=3")},
	{name: "search", call: search("from:ann subject:\"zwei\"")},
	{name: "search-utf8", call: search("subject:Grüße")},
	{name: "search-raw", call: search("OR SEEN SUBJECT one")},
	{name: "sort", call: gather(func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error] {
		return c.Sort(ctx, dialogBox, "reverse date", "")
	})},
	{name: "thread", call: gather(func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error] {
		return c.Thread(ctx, dialogBox, "", "")
	})},
	{name: "put", call: put(`\Seen`)},
	{name: "put-missing", call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Put(ctx, "nowhere", strings.NewReader("Subject: one\n\ntext\n"), nil)
		return err
	})},
	{name: "flag", call: using(func(ctx context.Context, c *Client) error {
		return c.Flag(ctx, "dialogues2;UID=1", `-\Seen`, `+\Flagged`)
	})},
	{name: "copy", call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Copy(ctx, "dialogues2;UID=1", "dialogues2")
		return err
	})},
	{name: "remove", call: protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error {
		return c.(*Client).Remove(ctx, "dialogues2;UID=1")
	})},
	{name: "unmake-full", call: using(func(ctx context.Context, c *Client) error { return c.Unmake(ctx, "dialogues2") })},
	{name: "make-there", call: using(func(ctx context.Context, c *Client) error { return c.Make(ctx, "dialogues2") })},
	{name: "namespace", call: using(func(ctx context.Context, c *Client) error { _, err := c.Namespaces(ctx); return err })},
	{name: "quota", call: using(func(ctx context.Context, c *Client) error { _, err := c.Quotas(ctx, dialogBox, nil); return err })},
	{name: "acl", call: using(func(ctx context.Context, c *Client) error { _, err := c.ACL(ctx, dialogBox); return err })},
	{name: "raw", call: protocoltest.Raw("NOOP")},
	{name: "raw-unknown", call: protocoltest.Raw("NONSENSE")},
	{name: "login-refused", call: protocoltest.Stat(dialogBox), options: func(o *protocols.Options) { plain(o); wrongUser(o) }},
	{name: "probe", call: protocoltest.Probe()},
}

func wrongUser(o *protocols.Options) {
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "mallory", Password: dialogSecret}, nil
	}
}

// byHand are dialogues of servers that are not at hand.
var byHand = []recording{
	{name: "starttls", call: protocoltest.Get("INBOX;UID=1", nil), options: func(o *protocols.Options) { o.Mechanism = "PLAIN" }},
	{name: "old", call: protocoltest.List("INBOX"), options: plainLogin},
	{name: "old-folders", call: protocoltest.List(""), options: plainLogin},
	{name: "unknown-data", call: protocoltest.Get("INBOX;UID=1", nil), options: plainLogin},
	{name: "other-uid", call: protocoltest.Get("INBOX;UID=7", nil), options: plainLogin},
	{name: "uid-late", call: protocoltest.Get("INBOX;UID=7", nil), options: plainLogin},
	{name: "no-consent", call: protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error {
		_, err := c.(*Client).Put(ctx, "INBOX", strings.NewReader("Subject: x\n\ntext\n"), nil)
		return err
	}), options: plainLogin},
	{name: "referral", call: protocoltest.Stat("INBOX"), options: plainLogin},
	{name: "remove-without-uidplus", call: using(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "INBOX;UID=2") }), options: plainLogin},
	{name: "move-without-move", call: using(func(ctx context.Context, c *Client) error { return c.Move(ctx, "INBOX;UID=2", "Old") }), options: plainLogin},
	{name: "preauth", call: protocoltest.Stat("INBOX"), options: plainLogin},
	{name: "greeting-bye", call: protocoltest.Stat("INBOX"), options: plainLogin},
}

// plainLogin is for servers that have LOGIN only.
func plainLogin(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }

// recordings gives all dialogues.
func recordings() (all []recording) {
	for _, r := range atDovecot {
		r.name, r.from = "dovecot-"+r.name, "IMAP"
		if r.options == nil {
			r.options = plain
		}
		all = append(all, r)
	}
	return append(all, byHand...)
}

func (r recording) file() string { return filepath.Join("testdata", r.name+".dialog") }

// prepare sets a client up; tags are those of the dialogues.
func (r recording) prepare(c *Client) {
	c.tag = "A"
	if r.setup != nil {
		r.setup(&c.Settings)
	}
}

func (r recording) dialog() protocoltest.Dialog {
	return protocoltest.Dialog{File: r.file(), Call: r.call, Options: r.options, Skip: r.skip, Setup: func(c protocols.Client) { r.prepare(c.(*Client)) }}
}

// TestUpdateDialogs does what the flag says; without it, it looks for files that
// no recording names.
func TestUpdateDialogs(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, f := range files {
		if !slices.ContainsFunc(recordings(), func(r recording) bool { return r.file() == f }) {
			t.Errorf("%s belongs to no recording", f)
		}
	}
	if !*update {
		return
	}
	seed(t)
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			s, err := protocoltest.LoadScript(r.file())
			if r.from != "" {
				s, err = record(t, r), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := protocoltest.Rewrite(t, harness(), r.dialog(), s); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(r.file(), []byte(s.Format()), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// dialogMail are the messages of the mailbox that is recorded from.
var dialogMail = []string{
	"From: Ann <ann@example.org>\nTo: alice@example.org\nSubject: one\nMessage-ID: <1@example.org>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nfirst\n",
	"From: Ann <ann@example.org>\nSubject: Re: zwei\nMessage-ID: <2@example.org>\nIn-Reply-To: <1@example.org>\nDate: Tue, 2 Jan 2024 10:00:00 +0000\n\nsecond\n.\n",
	"From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <3@example.org>\nDate: Wed, 3 Jan 2024 10:00:00 +0000\n\nthird\n",
}

// atServer makes a client of the real server.
func atServer(t *testing.T, o *protocols.Options) *Client {
	address := interop.Require(t, "IMAP")["IMAP"]
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, address) }
	o.Credentials = func(_ context.Context, q protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: q.User, Password: interop.Password}, nil
	}
	u, err := protocols.ParseURL(dialogURL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seed makes the mailboxes anew.
func seed(t *testing.T) {
	o := &protocols.Options{}
	plain(o)
	c := atServer(t, o)
	defer c.Close()
	c.Settings.Force = true
	for _, box := range []string{dialogBox, "dialogues2"} {
		if err := c.Unmake(t.Context(), box); err != nil {
			t.Log(err)
		}
		if err := c.Make(t.Context(), box); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range dialogMail {
		at := &protocols.PutOptions{Modified: time.Date(2024, 1, i+1, 12, 0, 0, 0, time.UTC)}
		if _, err := c.Put(t.Context(), dialogBox, strings.NewReader(text), at); err != nil {
			t.Fatal(err)
		}
	}
}

// record makes the call at the real server.
func record(t *testing.T, r recording) *protocoltest.Script {
	rec := &protocoltest.Recorder{}
	o := &protocols.Options{Dial: rec.Dial}
	c := atServer(t, o)
	r.options(o)
	r.prepare(c)
	r.call(t.Context(), c)
	c.Close()
	s := rec.Script(r.file())
	real, played := saslPlain(interop.Password), saslPlain(dialogSecret)
	for i, st := range s.Steps {
		s.Steps[i].Text = strings.ReplaceAll(st.Text, real, played)
	}
	s.Header = map[string]string{"server": "Dovecot 2.3.19.1 (Debian 12)", "recorded": time.Now().UTC().Format(time.DateOnly) + ", password replaced"}
	return s
}

func saslPlain(password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + password))
}
