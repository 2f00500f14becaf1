package nntp

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

const (
	dialogSecret = "Xyzzy-1191" // in place of the password of the servers
	dialogURL    = "nntp://alice@localhost/"
)

type recording = dialogs.Recording[Settings]

// plain keeps TLS off, since a recording sees only bytes, and the login one that
// can be played again.
func plain(o *protocols.Options) {
	o.TLS.Mode = protocols.TLSOff
	o.Mechanism = mechanismUser
}

func using(f func(ctx context.Context, c *Client) error) protocoltest.Call {
	return protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error { return f(ctx, c.(*Client)) })
}

// gather makes a Call of a listing.
func gather[T any](list func(ctx context.Context, c *Client) func(func(T, error) bool)) protocoltest.Call {
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

func header(name, field string) protocoltest.Call {
	return gather(func(ctx context.Context, c *Client) func(func(HeaderLine, error) bool) {
		return c.Header(ctx, name, field)
	})
}

func numbers(name string) protocoltest.Call {
	return gather(func(ctx context.Context, c *Client) func(func(int64, error) bool) { return c.Numbers(ctx, name) })
}

func over(name string) protocoltest.Call {
	return gather(func(ctx context.Context, c *Client) func(func(protocols.Entry, error) bool) {
		return c.Overview(ctx, name)
	})
}

func search(name, query string) protocoltest.Call {
	return gather(func(ctx context.Context, c *Client) func(func(protocols.Entry, error) bool) {
		return c.Search(ctx, name, query)
	})
}

var dialogDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const dialogArticle = "From: alice@lab.invalid\nNewsgroups: local.test\nSubject: dialogue\n\n.one line\n.\n"

func posting(text string) protocoltest.Call {
	return using(func(ctx context.Context, c *Client) error {
		_, err := c.Send(ctx, &protocols.Message{Body: strings.NewReader(text)})
		return err
	})
}

// atINN are recorded from nnrpd. The numbers are those of a spool that holds
// nothing but the sample.
var atINN = []recording{
	{Name: "groups", Call: protocoltest.List("")},
	{Name: "groups-wildmat", Call: protocoltest.List("local.t*")},
	{Name: "list", Call: protocoltest.List("local.test/1-3")},
	{Name: "list-empty", Call: protocoltest.List("local.empty")},
	{Name: "list-missing", Call: protocoltest.List("no.such.group")},
	{Name: "list-newest", Call: protocoltest.List("local.empty"), Setup: func(s *Settings) { s.Newest = 5 }},
	{Name: "over", Call: over("local.test/2")},
	{Name: "over-id", Call: over("<2@lab.invalid>")},
	{Name: "xover", Call: over("local.test/1-2"), Setup: func(s *Settings) { s.XOver = true }},
	{Name: "get", Call: protocoltest.Get("local.test/3", nil)},
	{Name: "get-id", Call: protocoltest.Get("<1@lab.invalid>", nil)},
	{Name: "get-part", Call: protocoltest.Get("local.test/1", &protocols.GetOptions{Offset: 10})},
	{Name: "get-missing", Call: protocoltest.Get("local.test/99999", nil)},
	{Name: "get-missing-id", Call: protocoltest.Get("<none@lab.invalid>", nil)},
	{Name: "get-missing-group", Call: protocoltest.Get("no.such.group/1", nil)},
	{Name: "bulk", Call: protocoltest.Bulk("local.test/1", "no.such.group/1", "local.test/99999", "local.test/2", "<3@lab.invalid>")},
	{Name: "stat", Call: protocoltest.Stat("local.test/2")},
	{Name: "stat-id", Call: protocoltest.Stat("<2@lab.invalid>")},
	{Name: "stat-group", Call: protocoltest.Stat("local.empty")},
	{Name: "hdr", Call: header("local.test/1-3", "Subject")},
	{Name: "xhdr", Call: header("local.test/1-3", "Message-ID"), Setup: func(s *Settings) { s.XOver = true }},
	{Name: "search", Call: search("local.test/1-4", "Subject *rom*")},
	{Name: "listgroup", Call: numbers("local.test/2-4")},
	{Name: "next", Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Neighbour(ctx, "local.test/1", true)
		return err
	})},
	{Name: "last", Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Neighbour(ctx, "local.test/2", false)
		return err
	})},
	{Name: "newgroups", Call: gather(func(ctx context.Context, c *Client) func(func(protocols.Entry, error) bool) {
		return c.NewGroups(ctx, dialogDay)
	})},
	{Name: "newnews", Call: gather(func(ctx context.Context, c *Client) func(func(string, error) bool) {
		return c.NewNews(ctx, "local.empty", dialogDay)
	})},
	{Name: "formats", Call: gather(func(ctx context.Context, c *Client) func(func(string, error) bool) {
		return c.Lines(ctx, "LIST OVERVIEW.FMT")
	}), Skip: map[string]string{"odd": "lines without an end are what the caller has asked for, one by one"}},
	{Name: "raw", Call: protocoltest.Raw("LIST HEADERS")},
	{Name: "raw-unknown", Call: protocoltest.Raw("NONSENSE")},
	{Name: "post", Call: posting(dialogArticle)},
	{Name: "post-refused", Call: posting("Subject: no group\n\ntext\n")},
	{Name: "mode-reader", Call: protocoltest.Stat("local.empty"), Setup: func(s *Settings) { s.Reader = ReaderAlways }},
	{Name: "login-refused", Call: protocoltest.Stat("local.empty"), Options: func(o *protocols.Options) { plain(o); o.Credentials = dialogs.Stranger(dialogSecret) }},
	{Name: "probe", Call: protocoltest.Probe(), Options: plain, Spare: 1},
}

// byHand are dialogues of servers that are not at hand.
var byHand = []recording{
	{Name: "starttls", Call: protocoltest.Get("local.test/1", nil), Options: func(o *protocols.Options) { o.Mechanism = mechanismUser }},
	{Name: "legacy", Call: over("local.test/1-2"), Options: plain},
	{Name: "heads", Call: over("local.test"), Options: plain},
	{Name: "stat-no-overview", Call: protocoltest.Stat("local.test/6"), Options: plain},
	{Name: "stat-no-id", Call: protocoltest.Stat("local.test/6"), Options: plain},
	{Name: "login-not-offered", Call: protocoltest.Get("local.test/1", nil), Options: plain},
	{Name: "login-after-refusal", Call: protocoltest.Get("local.test/1", nil), Options: func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }},
	{Name: "reader-when-asked", Call: protocoltest.Stat("local.test"), Options: plain},
	{Name: "transit", Call: protocoltest.Stat("local.test"), Options: plain},
	{Name: "ihave", Options: plain, Setup: func(s *Settings) { s.Reader = ReaderNever }, Call: using(func(ctx context.Context, c *Client) error {
		_, err := c.IHave(ctx, "<1@lab.invalid>", strings.NewReader("Subject: x\n\n.\n"))
		return err
	})},
	{Name: "wants-tls", Call: protocoltest.Stat("local.test"), Options: plain},
	{Name: "too-many", Call: protocoltest.Stat("local.test"), Options: plain},
}

// book is all dialogues, with the harness that plays them.
func book() *dialogs.Book[Settings] {
	return &dialogs.Book[Settings]{
		Harness:  protocoltest.Harness{Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no reply"},
		Rows:     slices.Concat(dialogs.From("NNTP", "inn", plain, atINN), byHand),
		Products: map[string]string{"NNTP": "INN 2.7.1 nnrpd (Debian 12)"},
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
		Secrets:  func(password string) []string { return []string{"AUTHINFO PASS " + password} },
		Seed:     seed,
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }

// seed feeds the first articles of the sample to innd, which may have them.
func seed(t *testing.T) {
	address := interop.Require(t, "NNTP_FEED")["NNTP_FEED"]
	u, err := protocols.ParseURL("nntp://"+address+"/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Settings.Reader = ReaderNever
	news := newslab.Sample()
	for _, id := range []string{"<1@lab.invalid>", "<2@lab.invalid>", "<3@lab.invalid>"} {
		data, _ := news.Article(id)
		if _, err := c.IHave(t.Context(), id, strings.NewReader(string(data))); err != nil {
			t.Log(err)
		}
	}
}
