//go:build linux

package interop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpWay is one way to reach INN.
type nntpWay struct {
	name, service, scheme string
	user                  bool
	mode                  protocols.TLSMode
	mechanism             string
	set                   nntp.Settings
}

var nntpWays = []nntpWay{
	{name: "plain", service: "NNTP", scheme: "nntp", mode: protocols.TLSOff},
	{name: "XOVER", service: "NNTP", scheme: "nntp", mode: protocols.TLSOff, set: nntp.Settings{XOver: true}},
	{name: "MODE READER", service: "NNTP", scheme: "nntp", mode: protocols.TLSOff, set: nntp.Settings{Reader: nntp.ReaderAlways}},
	{name: "STARTTLS", service: "NNTP", scheme: "nntp", mode: protocols.TLSRequire},
	{name: "nntps", service: "NNTPS", scheme: "nntps"},
	{name: "login without TLS", service: "NNTP_LOGIN", scheme: "nntp", user: true, mode: protocols.TLSOff, mechanism: "USER"},
	{name: "login under TLS", service: "NNTP_LOGIN", scheme: "nntp", user: true},
	{name: "DEFLATE", service: "NNTP", scheme: "nntp", mode: protocols.TLSOff, set: nntp.Settings{Compress: nntp.CompressDeflate}},
	{name: "DEFLATE and login", service: "NNTP_LOGIN", scheme: "nntp", user: true, mode: protocols.TLSOff, set: nntp.Settings{Compress: nntp.CompressDeflate}},
	{name: "innd hands over to nnrpd", service: "NNTP_FEED", scheme: "nntp", mode: protocols.TLSOff},
}

func (w nntpWay) open(t *testing.T) *nntp.Client {
	t.Helper()
	addrs := Require(t, w.service)
	o := &protocols.Options{TLS: protocols.TLS{Mode: w.mode, Config: &tls.Config{RootCAs: Pool(t)}}, Mechanism: w.mechanism}
	u := &url.URL{Scheme: w.scheme, Host: addrs[w.service], Path: "/"}
	if w.user {
		u.User = url.UserPassword(Alice, Password)
	}
	c, err := nntp.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = w.set
	t.Cleanup(func() { c.Close() })
	return c
}

// newsArticle returns a new article on each call.
func newsArticle(id string) string {
	return "From: alice@netclients.invalid\r\nNewsgroups: local.test\r\nSubject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= " + id +
		"\r\nPath: here!not-for-mail\r\nDate: " + time.Now().UTC().Format(time.RFC1123Z) + "\r\nMessage-ID: " + id + "\r\n\r\n.\r\n..two\r\n" + strings.Repeat("x", 900) + "\r\n\xff\xfe\r\n"
}

func newsID(t *testing.T) string {
	return fmt.Sprintf("<%d.%s@netclients.invalid>", time.Now().UnixNano(), strings.NewReplacer("/", ".", " ", ".", "_", ".").Replace(strings.ToLower(t.Name())))
}

func gathered[T any](t *testing.T, seq func(func(T, error) bool)) (all []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestNNTP posts an article and reads it with every command, over each way to
// reach INN.
func TestNNTP(t *testing.T) {
	for _, w := range nntpWays {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t)
			ctx := t.Context()
			id := newsID(t)
			r, err := c.Send(ctx, &protocols.Message{Body: strings.NewReader(newsArticle(id))})
			if err != nil || r.MessageID != id {
				t.Fatalf("%+v, %v", r, err)
			}
			g, err := c.Group(ctx, "local.test")
			if err != nil || g.High < 1 {
				t.Fatalf("%+v, %v", g, err)
			}
			all := gathered(t, c.List(ctx, "local.test"))
			i := slices.IndexFunc(all, func(e protocols.Entry) bool { return e.ID == id })
			if i < 0 || !strings.HasPrefix(all[i].Subject, "Grüße") {
				t.Fatalf("the article is not in the overview of %d", len(all))
			}
			for _, name := range []string{all[i].Path, id} {
				checkNews(t, c, name, id)
			}
			if e, err := c.Stat(ctx, all[i].Path); err != nil || e.ID != id || e.Size != all[i].Size {
				t.Errorf("stat: %+v, %v", e, err)
			}
			lines := gathered(t, c.Header(ctx, all[i].Path, "Message-ID"))
			if len(lines) != 1 || lines[0].Value != id {
				t.Errorf("header: %+v", lines)
			}
			if at, err := c.Date(ctx); err != nil || time.Since(at).Abs() > time.Hour {
				t.Errorf("date: %v, %v", at, err)
			}
			if _, err := c.Get(ctx, "local.test/999999999", nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("no such article: %v", err)
			}
			if _, err := c.Group(ctx, "no.such.group"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("no such group: %v", err)
			}
		})
	}
}

func checkNews(t *testing.T, c *nntp.Client, name, id string) {
	t.Helper()
	n := 0
	err := c.BulkGet(t.Context(), slices.Values([]string{name, name}), func(_ string, o *protocols.Object, err error) error {
		if err != nil {
			return err
		}
		b, err := io.ReadAll(o.Body)
		_, body, _ := strings.Cut(string(b), "\r\n\r\n")
		_, want, _ := strings.Cut(newsArticle(id), "\r\n\r\n")
		if body != want {
			t.Errorf("%s: body %q, want %q", name, body, want)
		}
		n++
		return err
	})
	if err != nil || n != 2 {
		t.Errorf("%s: %d, %v", name, n, err)
	}
}

// TestNNTPLoginWanted: without a login the server demands one; a wrong one is
// refused.
func TestNNTPLoginWanted(t *testing.T) {
	c := nntpWay{service: "NNTP_LOGIN", scheme: "nntp", mode: protocols.TLSOff}.open(t)
	if _, err := c.Group(t.Context(), "local.test"); !errors.Is(err, protocols.ErrLoginNeeded) || protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("%v, want ErrLoginNeeded", err)
	}
	addrs := Require(t, "NNTP_LOGIN")
	wrong, err := nntp.New(&url.URL{Scheme: "nntp", Host: addrs["NNTP_LOGIN"], User: url.UserPassword(Alice, "wrong")}, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if _, err := wrong.Group(t.Context(), "local.test"); protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("%v, want kind auth", err)
	}
}

// TestNNTPFeed feeds innd with IHAVE and with streaming.
func TestNNTPFeed(t *testing.T) {
	c := nntpWay{service: "NNTP_FEED", scheme: "nntp", set: nntp.Settings{Reader: nntp.ReaderNever}}.open(t)
	id := newsID(t)
	if _, err := c.IHave(t.Context(), id, strings.NewReader(newsArticle(id))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.IHave(t.Context(), id, strings.NewReader("")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v, want ErrExist", err)
	}
	var offers []nntp.Offer
	for i := range 120 {
		id := fmt.Sprintf("<%d.%s", i%110, newsID(t)[1:])
		if i >= 110 {
			id = offers[i-110].ID
		}
		offers = append(offers, nntp.Offer{ID: id, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(newsArticle(id))), nil }})
	}
	done, there := 0, 0
	err := c.Feed(t.Context(), slices.Values(offers), func(_ string, err error) error {
		switch {
		case err == nil:
			done++
		case errors.Is(err, fs.ErrExist):
			there++
		default:
			return err
		}
		return nil
	})
	if err != nil || done != 110 || there != 10 {
		t.Errorf("%d taken, %d there, %v", done, there, err)
	}
}

// TestNNTPLists requests every list that INN has.
func TestNNTPLists(t *testing.T) {
	c := nntpWays[0].open(t)
	for _, kind := range []string{"ACTIVE", "ACTIVE.TIMES", "COUNTS", "NEWSGROUPS", "OVERVIEW.FMT", "HEADERS", "ACTIVE local.t*"} {
		if lines := gathered(t, c.Lines(t.Context(), "LIST "+kind)); len(lines) == 0 {
			t.Errorf("LIST %s: nothing", kind)
		}
	}
	groups := gathered(t, c.List(t.Context(), "local.t*"))
	if len(groups) != 1 || groups[0].Facts["description"] != "A local test group." {
		t.Errorf("%+v", groups)
	}
	if ids := gathered(t, c.NewNews(t.Context(), "local.test", time.Now().Add(-time.Hour))); len(ids) == 0 {
		t.Log("no new articles within the last hour") // when nothing was posted yet
	}
}
