package imap

import (
	"context"
	"encoding/base64"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

const (
	dialogSecret = "Xyzzy-4143" // in place of the password of the servers
	dialogURL    = "imap://alice@localhost/"
	dialogBox    = "dialogues"
)

type recording = dialogs.Recording[Settings]

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
	{Name: "list", Call: protocoltest.List(dialogBox)},
	{Name: "list-missing", Call: protocoltest.List("no such mailbox")},
	{Name: "list-empty", Call: protocoltest.List("dialogues2")},
	{Name: "folders", Call: protocoltest.List("dialogues*")},
	{Name: "get", Call: protocoltest.Get(dialogBox+";UID=2", nil)},
	{Name: "get-section", Call: protocoltest.Get(dialogBox+";UID=2/;SECTION=TEXT", nil)},
	{Name: "get-fields", Call: protocoltest.Get(dialogBox+";UID=2/;SECTION=HEADER.FIELDS (SUBJECT)", nil)},
	{Name: "get-part", Call: protocoltest.Get(dialogBox+";UID=1", &protocols.GetOptions{Offset: 10, Length: 20})},
	{Name: "get-missing", Call: protocoltest.Get(dialogBox+";UID=99", nil)},
	{Name: "get-validity", Call: protocoltest.Get(dialogBox+";UIDVALIDITY=1/;UID=1", nil)},
	{Name: "bulk", Call: protocoltest.Bulk(dialogBox+";UID=1", "nowhere;UID=1", dialogBox+";UID=2", dialogBox+";UID=3", dialogBox+";UID=77", dialogBox+";UID=1")},
	{Name: "stat", Call: protocoltest.Stat(dialogBox)},
	{Name: "stat-message", Call: protocoltest.Stat(dialogBox + ";UID=3")},
	{Name: "search", Call: search("from:ann subject:\"zwei\"")},
	{Name: "search-utf8", Call: search("subject:Grüße")},
	{Name: "search-raw", Call: search("OR SEEN SUBJECT one")},
	{Name: "sort", Call: gather(func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error] {
		return c.Sort(ctx, dialogBox, "reverse date", "")
	})},
	{Name: "thread", Call: gather(func(ctx context.Context, c *Client) iter.Seq2[protocols.Entry, error] {
		return c.Thread(ctx, dialogBox, "", "")
	})},
	{Name: "put", Call: put(`\Seen`)},
	{Name: "put-missing", Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Put(ctx, "nowhere", strings.NewReader("Subject: one\n\ntext\n"), nil)
		return err
	})},
	{Name: "flag", Call: using(func(ctx context.Context, c *Client) error {
		return c.Flag(ctx, "dialogues2;UID=1", `-\Seen`, `+\Flagged`)
	})},
	{Name: "copy", Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Copy(ctx, "dialogues2;UID=1", "dialogues2")
		return err
	})},
	{Name: "remove", Call: protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error {
		return c.(*Client).Remove(ctx, "dialogues2;UID=1")
	})},
	{Name: "unmake-full", Call: using(func(ctx context.Context, c *Client) error { return c.Unmake(ctx, "dialogues2") })},
	{Name: "make-there", Call: using(func(ctx context.Context, c *Client) error { return c.Make(ctx, "dialogues2") })},
	{Name: "namespace", Call: using(func(ctx context.Context, c *Client) error { _, err := c.Admin().Namespaces(ctx); return err })},
	{Name: "quota", Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Admin().Quotas(ctx, dialogBox, nil)
		return err
	})},
	{Name: "acl", Call: using(func(ctx context.Context, c *Client) error { _, err := c.Admin().ACL(ctx, dialogBox); return err })},
	{Name: "raw", Call: protocoltest.Raw("NOOP")},
	{Name: "raw-unknown", Call: protocoltest.Raw("NONSENSE")},
	{Name: "login-refused", Call: protocoltest.Stat(dialogBox), Options: func(o *protocols.Options) { plain(o); o.Credentials = dialogs.Stranger(dialogSecret) }},
	{Name: "probe", Call: protocoltest.Probe()},
}

// byHand are dialogues of servers that are not at hand.
var byHand = []recording{
	{Name: "starttls", Call: protocoltest.Get("INBOX;UID=1", nil), Options: func(o *protocols.Options) { o.Mechanism = "PLAIN" }},
	{Name: "old", Call: protocoltest.List("INBOX"), Options: plainLogin},
	{Name: "old-folders", Call: protocoltest.List(""), Options: plainLogin},
	{Name: "unknown-data", Call: protocoltest.Get("INBOX;UID=1", nil), Options: plainLogin},
	{Name: "other-uid", Call: protocoltest.Get("INBOX;UID=7", nil), Options: plainLogin},
	{Name: "uid-late", Call: protocoltest.Get("INBOX;UID=7", nil), Options: plainLogin},
	{Name: "no-consent", Call: protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error {
		_, err := c.(*Client).Put(ctx, "INBOX", strings.NewReader("Subject: x\n\ntext\n"), nil)
		return err
	}), Options: plainLogin},
	{Name: "referral", Call: protocoltest.Stat("INBOX"), Options: plainLogin},
	{Name: "remove-without-uidplus", Call: using(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "INBOX;UID=2") }), Options: plainLogin},
	{Name: "move-without-move", Call: using(func(ctx context.Context, c *Client) error { return c.Move(ctx, "INBOX;UID=2", "Old") }), Options: plainLogin},
	{Name: "preauth", Call: protocoltest.Stat("INBOX"), Options: plainLogin},
	{Name: "greeting-bye", Call: protocoltest.Stat("INBOX"), Options: plainLogin},
}

// plainLogin is for servers that have LOGIN only.
func plainLogin(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }

// book is all dialogues, with the harness that plays them.
func book() *dialogs.Book[Settings] {
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no answer",
			Skip: map[string]string{"put": "a message is stored in a mailbox, and the server names it"}},
		Rows:     slices.Concat(dialogs.From("IMAP", "dovecot", plain, atDovecot), byHand),
		Products: map[string]string{"IMAP": "Dovecot 2.3.19.1 (Debian 12)"},
		Settings: func(c protocols.Client) *Settings {
			c.(*Client).tag = "A" // as in the dialogues
			return &c.(*Client).Settings
		},
		Secrets: func(password string) []string { return []string{saslPlain(password)} },
		Seed:    seed,
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) {
	h := book().Suite()
	h.SkipToo("stale", "responses that no command asked for are part of IMAP: answers have tags")
	h.SkipToo("closed", "Close does not cut off a session that is still being made")
	protocoltest.Run(t, h)
}

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }

// dialogMail are the messages of the mailbox that is recorded from.
var dialogMail = []string{
	"From: Ann <ann@example.org>\nTo: alice@example.org\nSubject: one\nMessage-ID: <1@example.org>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nfirst\n",
	"From: Ann <ann@example.org>\nSubject: Re: zwei\nMessage-ID: <2@example.org>\nIn-Reply-To: <1@example.org>\nDate: Tue, 2 Jan 2024 10:00:00 +0000\n\nsecond\n.\n",
	"From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <3@example.org>\nDate: Wed, 3 Jan 2024 10:00:00 +0000\n\nthird\n",
}

// seed makes the mailboxes anew.
func seed(t *testing.T) {
	u, err := protocols.ParseURL("imap://alice:"+interop.Password+"@"+interop.Require(t, "IMAP")["IMAP"]+"/", "")
	if err != nil {
		t.Fatal(err)
	}
	o := &protocols.Options{}
	plain(o)
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
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

func saslPlain(password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + password))
}
