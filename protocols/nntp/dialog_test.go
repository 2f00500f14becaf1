package nntp

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

const (
	dialogSecret = "Xyzzy-1191" // in place of the password of the servers
	dialogURL    = "nntp://alice@localhost/"
)

// recording is a dialogue; from is the server it was recorded from, empty for one
// that was written by hand.
type recording struct {
	name, from string
	call       protocoltest.Call
	options    func(o *protocols.Options)
	setup      func(s *Settings)
	skip       map[string]string
	spare      int
}

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
	{name: "groups", call: protocoltest.List("")},
	{name: "groups-wildmat", call: protocoltest.List("local.t*")},
	{name: "list", call: protocoltest.List("local.test/1-3")},
	{name: "list-empty", call: protocoltest.List("local.empty")},
	{name: "list-missing", call: protocoltest.List("no.such.group")},
	{name: "list-newest", call: protocoltest.List("local.empty"), setup: func(s *Settings) { s.Newest = 5 }},
	{name: "over", call: over("local.test/2")},
	{name: "over-id", call: over("<2@lab.invalid>")},
	{name: "xover", call: over("local.test/1-2"), setup: func(s *Settings) { s.XOver = true }},
	{name: "get", call: protocoltest.Get("local.test/3", nil)},
	{name: "get-id", call: protocoltest.Get("<1@lab.invalid>", nil)},
	{name: "get-part", call: protocoltest.Get("local.test/1", &protocols.GetOptions{Offset: 10})},
	{name: "get-missing", call: protocoltest.Get("local.test/99999", nil)},
	{name: "get-missing-id", call: protocoltest.Get("<none@lab.invalid>", nil)},
	{name: "get-missing-group", call: protocoltest.Get("no.such.group/1", nil)},
	{name: "bulk", call: protocoltest.Bulk("local.test/1", "no.such.group/1", "local.test/99999", "local.test/2", "<3@lab.invalid>")},
	{name: "stat", call: protocoltest.Stat("local.test/2")},
	{name: "stat-id", call: protocoltest.Stat("<2@lab.invalid>")},
	{name: "stat-group", call: protocoltest.Stat("local.empty")},
	{name: "hdr", call: header("local.test/1-3", "Subject")},
	{name: "xhdr", call: header("local.test/1-3", "Message-ID"), setup: func(s *Settings) { s.XOver = true }},
	{name: "search", call: search("local.test/1-4", "Subject *rom*")},
	{name: "listgroup", call: numbers("local.test/2-4")},
	{name: "next", call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Neighbour(ctx, "local.test/1", true)
		return err
	})},
	{name: "last", call: using(func(ctx context.Context, c *Client) error {
		_, err := c.Neighbour(ctx, "local.test/2", false)
		return err
	})},
	{name: "newgroups", call: gather(func(ctx context.Context, c *Client) func(func(protocols.Entry, error) bool) {
		return c.NewGroups(ctx, dialogDay)
	})},
	{name: "newnews", call: gather(func(ctx context.Context, c *Client) func(func(string, error) bool) {
		return c.NewNews(ctx, "local.empty", dialogDay)
	})},
	{name: "formats", call: gather(func(ctx context.Context, c *Client) func(func(string, error) bool) {
		return c.Lines(ctx, "LIST OVERVIEW.FMT")
	}), skip: map[string]string{"odd": "lines without an end are what the caller has asked for, one by one"}},
	{name: "raw", call: protocoltest.Raw("LIST HEADERS")},
	{name: "raw-unknown", call: protocoltest.Raw("NONSENSE")},
	{name: "post", call: posting(dialogArticle)},
	{name: "post-refused", call: posting("Subject: no group\n\ntext\n")},
	{name: "mode-reader", call: protocoltest.Stat("local.empty"), setup: func(s *Settings) { s.Reader = ReaderAlways }},
	{name: "login-refused", call: protocoltest.Stat("local.empty"), options: func(o *protocols.Options) { plain(o); wrongUser(o) }},
	{name: "probe", call: protocoltest.Probe(), options: plain, spare: 1},
}

func wrongUser(o *protocols.Options) {
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "mallory", Password: dialogSecret}, nil
	}
}

// byHand are dialogues of servers that are not at hand.
var byHand = []recording{
	{name: "starttls", call: protocoltest.Get("local.test/1", nil), options: func(o *protocols.Options) { o.Mechanism = mechanismUser }},
	{name: "legacy", call: over("local.test/1-2"), options: plain},
	{name: "login-when-asked", call: protocoltest.Get("local.test/1", nil), options: plain},
	{name: "reader-when-asked", call: protocoltest.Stat("local.test"), options: plain},
	{name: "transit", call: protocoltest.Stat("local.test"), options: plain},
	{name: "ihave", options: plain, setup: func(s *Settings) { s.Reader = ReaderNever }, call: using(func(ctx context.Context, c *Client) error {
		_, err := c.IHave(ctx, "<1@lab.invalid>", strings.NewReader("Subject: x\n\n.\n"))
		return err
	})},
	{name: "wants-tls", call: protocoltest.Stat("local.test"), options: plain},
	{name: "too-many", call: protocoltest.Stat("local.test"), options: plain},
}

// recordings gives all dialogues.
func recordings() (all []recording) {
	for _, r := range atINN {
		r.name, r.from = "inn-"+r.name, "NNTP"
		if r.options == nil {
			r.options = plain
		}
		all = append(all, r)
	}
	return append(all, byHand...)
}

func (r recording) file() string { return filepath.Join("testdata", r.name+".dialog") }

func (r recording) dialog() protocoltest.Dialog {
	d := protocoltest.Dialog{File: r.file(), Call: r.call, Options: r.options, Skip: r.skip, Spare: r.spare}
	if r.setup != nil {
		d.Setup = func(c protocols.Client) { r.setup(&c.(*Client).Settings) }
	}
	return d
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
			if r.from != "" {
				if err := os.WriteFile(r.file(), []byte(s.Format()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

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
	news := lab.NewsSample()
	for _, id := range []string{"<1@lab.invalid>", "<2@lab.invalid>", "<3@lab.invalid>"} {
		data, _ := news.Article(id)
		if _, err := c.IHave(t.Context(), id, strings.NewReader(string(data))); err != nil {
			t.Log(err)
		}
	}
}

// record makes the call at the real server.
func record(t *testing.T, r recording) *protocoltest.Script {
	address := interop.Require(t, r.from)[r.from]
	rec := &protocoltest.Recorder{Next: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	o := &protocols.Options{Dial: rec.Dial, Credentials: func(_ context.Context, q protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: q.User, Password: interop.Password}, nil
	}}
	r.options(o)
	u, err := protocols.ParseURL(dialogURL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.setup != nil {
		r.setup(&c.Settings)
	}
	r.call(t.Context(), c)
	c.Close()
	s := rec.Script(r.file())
	for i, st := range s.Steps {
		if st.Text == "AUTHINFO PASS "+interop.Password {
			s.Steps[i].Text = "AUTHINFO PASS " + dialogSecret
		}
	}
	s.Header = map[string]string{"server": "INN 2.7.1 nnrpd (Debian 12)", "recorded": time.Now().UTC().Format(time.DateOnly) + ", password replaced"}
	return s
}
