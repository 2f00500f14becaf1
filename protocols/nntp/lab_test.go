package nntp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

func readArticle(t testing.TB, c *Client, name string) (string, error) {
	t.Helper()
	o, err := c.Get(t.Context(), name, nil)
	if err != nil {
		return "", err
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	return string(b), err
}

// TestServers: the same reading works with servers of every kind.
func TestServers(t *testing.T) {
	for _, c := range []struct {
		name   string
		server newslab.Options
		set    Settings
		mode   protocols.TLSMode
		mech   string
	}{
		{name: "plain"},
		{name: "STARTTLS", server: newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, NeedTLS: true, NeedLogin: true}},
		{name: "STARTTLS required", server: newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, mode: protocols.TLSRequire},
		{name: "nntps", server: newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, NeedLogin: true}},
		{name: "login", server: newslab.Options{NeedLogin: true}},
		{name: "SASL PLAIN", server: newslab.Options{NeedLogin: true}, mech: "PLAIN"},
		{name: "SASL CRAM-MD5", server: newslab.Options{NeedLogin: true, Mechanisms: strings.Fields("PLAIN CRAM-MD5")}},
		{name: "SASL SCRAM-SHA-256", server: newslab.Options{NeedLogin: true, Mechanisms: strings.Fields("PLAIN SCRAM-SHA-256")}},
		{name: "SASL SCRAM-SHA-256 asked for", server: newslab.Options{NeedLogin: true, Mechanisms: strings.Fields("SCRAM-SHA-256 PLAIN CRAM-MD5")}, mech: "SCRAM-SHA-256"},
		{name: "legacy", server: newslab.Options{Legacy: true}},
		{name: "legacy with login", server: newslab.Options{Legacy: true, NeedLogin: true, Disable: []string{"MODE"}}},
		{name: "feeding", server: newslab.Options{ModeReader: true}},
		{name: "DEFLATE", set: Settings{Compress: CompressDeflate}},
		{name: "DEFLATE under TLS", server: newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, NeedLogin: true}, set: Settings{Compress: CompressDeflate}},
		{name: "GZIP", server: newslab.Options{Gzip: true}, set: Settings{Compress: CompressGzip}},
		{name: "GZIP, dot inside", server: newslab.Options{Gzip: true, GzipInside: true}, set: Settings{Compress: CompressGzip}},
		{name: "auto compression", set: Settings{Compress: CompressAuto}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := labtest.Start(t, newslab.Start, c.server)
			client := labtest.Connect(t, New, s, &protocols.Options{TLS: protocols.TLS{Mode: c.mode}, Mechanism: c.mech})
			client.Settings = c.set
			checkReading(t, s, client)
			if c.mech != "" && !slices.ContainsFunc(s.Commands(), func(line string) bool { return strings.HasPrefix(line, "AUTHINFO SASL "+c.mech) }) {
				t.Errorf("%s was not used: %q", c.mech, s.Commands())
			}
		})
	}
}

// TestWrongPassword: whatever the mechanism, a password that is refused is kind auth,
// and the next one that is weaker gets no second try with it when it was asked for.
func TestWrongPassword(t *testing.T) {
	for _, mech := range []string{"", "PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "USER"} {
		s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{User: "alice", Password: "another"}, NeedLogin: true, Mechanisms: strings.Fields("PLAIN CRAM-MD5 SCRAM-SHA-256")})
		_, err := labtest.Connect(t, New, s, &protocols.Options{Mechanism: mech}).Group(t.Context(), "local.test")
		if protocols.KindOf(err) != protocols.KindAuth || s.Logins() != 0 {
			t.Errorf("%s: %v, %d logins", mech, err, s.Logins())
		}
	}
}

func checkReading(t *testing.T, s *newslab.Server, c *Client) {
	t.Helper()
	want, _ := s.News().Article("<5@lab.invalid>")
	for _, name := range []string{"local.test/5", "<5@lab.invalid>"} {
		if got, err := readArticle(t, c, name); err != nil || got != string(want) {
			t.Fatalf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	entries := collect(t, c.List(t.Context(), "local.test"))
	if len(entries) != 6 || entries[1].Subject != "Grüße from afar" || entries[4].Size != int64(len(want)) || entries[1].Facts["references"] != "<1@lab.invalid>" {
		t.Fatalf("%d entries: %+v", len(entries), entries)
	}
	groups := collect(t, c.List(t.Context(), "local.t*"))
	if len(groups) != 1 || groups[0].Name != "local.test" || groups[0].Count != 6 || groups[0].Facts["description"] == "" {
		t.Fatalf("groups %+v", groups)
	}
	if lines := collect(t, c.Header(t.Context(), "local.test/2-3", "Subject")); len(lines) != 2 || lines[0].Text() != "Grüße from afar" || lines[0].Number != 2 {
		t.Fatalf("headers %+v", lines)
	}
	var names []string
	for i := range 6 {
		names = append(names, articleName("local.test", int64(i+1)))
	}
	n := 0
	err := c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
		if err != nil {
			return err
		}
		n++
		_, err = io.Copy(io.Discard, o.Body)
		return err
	})
	if err != nil || n != 6 {
		t.Fatalf("bulk: %d, %v", n, err)
	}
}

func collect[T any](t testing.TB, seq func(func(T, error) bool)) (all []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestRequireTLS: with TLS required nothing goes on where it is not given,
// and a login's secret never goes out unencrypted.
func TestRequireTLS(t *testing.T) {
	for _, o := range []newslab.Options{
		{}, {ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "STARTTLS", Text: "580 no"}}}},
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "STARTTLS", Text: "200 fine"}}}},
		{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Faults: lab.Faults{{Kind: lab.FaultInject, Verb: "STARTTLS", Text: "281 you are in"}}}},
	} {
		s := labtest.Start(t, newslab.Start, o)
		c := labtest.Connect(t, New, s, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}})
		_, err := c.Group(t.Context(), "local.test")
		if protocols.KindOf(err) != protocols.KindTLS {
			t.Errorf("%+v: %v, want kind tls", o.Faults, err)
		}
		for _, line := range s.Commands() {
			if strings.HasPrefix(line, "AUTHINFO") || strings.HasPrefix(line, "GROUP") {
				t.Errorf("%+v: sent %q", o.Faults, line)
			}
		}
	}
}

// TestCapabilitiesForgotten: what was said before TLS counts no more (88): here
// the server offers COMPRESS only before.
func TestCapabilitiesForgotten(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
	c := labtest.Connect(t, New, s, nil)
	if _, err := c.Group(t.Context(), "local.test"); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, line := range s.Commands() {
		if line == "CAPABILITIES" || line == "STARTTLS" || strings.HasPrefix(line, "AUTHINFO USER") {
			asked = append(asked, strings.Fields(line)[0])
		}
	}
	if want := []string{"CAPABILITIES", "STARTTLS", "CAPABILITIES", "AUTHINFO", "CAPABILITIES"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	err := c.do(t.Context(), "test", "", nil, func(_ context.Context, s *session) error {
		if s.offers("STARTTLS") {
			t.Error("the session believes what was said before TLS")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPost: line ends are made CRLF, dots are stuffed, a line of one dot is
// content (65), and what the server says comes back.
func TestPost(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	c := labtest.Connect(t, New, s, nil)
	text := "From: a@lab.invalid\nNewsgroups: local.test\nSubject: x\nMessage-ID: <p1@lab.invalid>\n\n.\n..\n.x\r\ny\rz"
	r, err := c.Send(t.Context(), &protocols.Message{Body: strings.NewReader(text)})
	if err != nil || r.MessageID != "<p1@lab.invalid>" || r.Reply.Code != 240 || r.Bytes != int64(len(text)) {
		t.Fatalf("%+v, %v", r, err)
	}
	got, err := readArticle(t, c, "<p1@lab.invalid>")
	if want := strings.NewReplacer("\r\n", "\r\n", "\n", "\r\n", "\r", "\r\n").Replace(text) + "\r\n"; err != nil || got != want {
		t.Errorf("got %q, want %q: %v", got, want, err)
	}
	if _, err := c.Send(t.Context(), &protocols.Message{Body: strings.NewReader(text)}); protocols.KindOf(err) != protocols.KindRefused || protocols.IsRetryable(err) {
		t.Errorf("posted twice: %v", err)
	}
}

var errBroken = errors.New("the article cannot be read on")

type brokenReader struct{ r io.Reader }

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

// TestPostBroken: an article that cannot be read to its end is not posted.
func TestPostBroken(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	c := labtest.Connect(t, New, s, nil)
	text := "From: a@lab.invalid\nNewsgroups: local.test\nSubject: x\nMessage-ID: <half@lab.invalid>\n\nhalf\n"
	if _, err := c.Send(t.Context(), &protocols.Message{Body: brokenReader{strings.NewReader(text)}}); !errors.Is(err, errBroken) {
		t.Fatalf("%v, want the reader's error", err)
	}
	if _, err := c.Exists(t.Context(), "<half@lab.invalid>"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half an article is there: %v", err)
	}
}

// TestPostCutIsNotRepeated: when no answer comes after the final dot nobody
// knows, and nothing is retryable.
func TestPostCutIsNotRepeated(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultDrop, Verb: lab.PointEnd}}}})
	c := labtest.Connect(t, New, s, nil)
	_, err := c.Send(t.Context(), &protocols.Message{Body: strings.NewReader("From: a@b.invalid\nSubject: x\nNewsgroups: local.test\n\nx\n")})
	if err == nil || protocols.IsRetryable(err) {
		t.Errorf("%v, retryable %v", err, protocols.IsRetryable(err))
	}
}

func TestIHaveAndFeed(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ModeReader: true})
	c := labtest.Connect(t, New, s, nil)
	c.Settings.Reader = ReaderNever
	article := func(id string) string {
		return "From: a@lab.invalid\nNewsgroups: local.test\nSubject: x\nMessage-ID: " + id + "\n\n.dot\n"
	}
	if r, err := c.IHave(t.Context(), "<i1@lab.invalid>", strings.NewReader(article("<i1@lab.invalid>"))); err != nil || r.Reply.Code != 235 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := c.IHave(t.Context(), "<i1@lab.invalid>", strings.NewReader("")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v, want ErrExist", err)
	}
	var offers []Offer
	for i := range 120 {
		id := fmt.Sprintf("<f%d@lab.invalid>", i%110)
		offers = append(offers, Offer{ID: id, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(article(id))), nil }})
	}
	offers = append(offers, Offer{ID: "no id"}, Offer{ID: "<bad@lab.invalid>", Open: func() (io.ReadCloser, error) { return nil, errBroken }})
	count := map[string]int{}
	err := c.Feed(t.Context(), slices.Values(offers), func(id string, err error) error {
		switch {
		case err == nil:
			count["done"]++
		case errors.Is(err, fs.ErrExist):
			count["there"]++
		case errors.Is(err, errBroken), protocols.KindOf(err) == protocols.KindUsage:
			count["bad"]++
		default:
			count["other"]++
		}
		return nil
	})
	if err != nil || count["done"] != 110 || count["there"] != 10 || count["bad"] != 2 || count["other"] != 0 {
		t.Errorf("%v, %v", count, err)
	}
}

// TestHugeNumbers: counts and numbers of 63 bits are taken as they are, nothing
// is allocated or looped by them (19), and what does not fit is refused.
func TestHugeNumbers(t *testing.T) {
	news := newslab.Sample()
	news.Renumber("local.empty", 1<<62)
	if _, err := news.Add("From: a@b\nSubject: far\nNewsgroups: local.empty\nMessage-ID: <far@lab.invalid>\n\nx\n", time.Now()); err != nil {
		t.Fatal(err)
	}
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news})
	c := labtest.Connect(t, New, s, nil)
	all := collect(t, c.List(t.Context(), "local.empty"))
	if len(all) != 1 || all[0].Number != 1<<62+1 {
		t.Fatalf("%+v", all)
	}
	if got, err := readArticle(t, c, all[0].Path); err != nil || !strings.Contains(got, "far") {
		t.Errorf("%q, %v", got, err)
	}
	for _, reply := range []string{"211 1 1 99999999999999999999 x", "211 -7 1 2 x", "211 x", "211"} {
		s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "GROUP", Text: reply}}}})
		if _, err := labtest.Connect(t, New, s, nil).Group(t.Context(), "local.test"); protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v, want kind protocol", reply, err)
		}
	}
	s = labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "GROUP", Text: "211 9223372036854775807 1 9223372036854775807 local.test"}}}})
	if g, err := labtest.Connect(t, New, s, nil).Group(t.Context(), "local.test"); err != nil || g.High != 1<<63-1 {
		t.Errorf("%+v, %v", g, err)
	}
}

// TestFlatMemory lists a group of 60,000 articles without holding them.
func TestFlatMemory(t *testing.T) {
	news := newslab.NewSpool()
	news.Virtual("local.many", 60_000, virtualArticle)
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news})
	c := labtest.Connect(t, New, s, nil)
	n, most := 0, uint64(0)
	for _, err := range c.List(t.Context(), "local.many") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%20_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if n != 60_000 || most > 16<<20 {
		t.Errorf("%d entries, %d bytes in use", n, most)
	}
}

// TestMailbox: a later run asks for what is new only, and for all after the
// group was built anew.
func TestMailbox(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	c := labtest.Connect(t, New, s, nil)
	changes := func(since string) (*protocols.Mailbox, []protocols.Entry) {
		m, err := c.OpenMailbox(t.Context(), "local.test")
		if err != nil {
			t.Fatal(err)
		}
		return m, collect(t, m.Changes(t.Context(), since))
	}
	m, all := changes("")
	if len(all) != 6 || m.State != "6" || !m.Complete || all[0].ID != "<1@lab.invalid>" {
		t.Fatalf("%d, %+v", len(all), m)
	}
	if m, all := changes(m.State); len(all) != 0 || m.State != "6" || m.Complete {
		t.Errorf("nothing new: %d, %+v", len(all), m)
	}
	if _, err := s.News().Add("From: a@b\nSubject: new\nNewsgroups: local.test\nMessage-ID: <n@lab.invalid>\n\nx\n", time.Now()); err != nil {
		t.Fatal(err)
	}
	if m, all := changes("6"); len(all) != 1 || all[0].ID != "<n@lab.invalid>" || m.State != "7" {
		t.Errorf("one new: %+v, %+v", all, m)
	}
	if m, all := changes("1000"); len(all) != 7 || !m.Complete || m.State != "7" {
		t.Errorf("built anew: %d, %+v", len(all), m)
	}
}

// TestWatch returns what comes.
func TestWatch(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	c := labtest.Connect(t, New, s, nil)
	c.Settings.Poll = time.Millisecond
	added := false
	post := func() {
		if _, err := s.News().Add("From: a@b\nSubject: watched\nNewsgroups: local.empty\n\nx\n", time.Now()); err != nil {
			t.Error(err)
		}
	}
	s2 := labtest.Start(t, newslab.Start, newslab.Options{News: s.News(), ServerOptions: lab.ServerOptions{OnCommand: func(line string) {
		if line == "GROUP local.empty" && !added {
			added = true
			time.AfterFunc(5*time.Millisecond, post)
		}
	}}})
	w := labtest.Connect(t, New, s2, nil)
	w.Settings.Poll = time.Millisecond
	for e, err := range w.Watch(t.Context(), "local.empty") {
		if err != nil || e.Subject != "watched" {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
}

func TestSearch(t *testing.T) {
	for _, o := range []newslab.Options{{}, {Disable: []string{"XPAT"}}} {
		c := labtest.Connect(t, New, labtest.Start(t, newslab.Start, o), nil)
		all := collect(t, c.Search(t.Context(), "local.test", "Subject *dots* First*"))
		if len(all) != 2 || all[0].Number != 1 || all[1].Subject != "Lines that begin with dots" {
			t.Errorf("%+v", all)
		}
	}
}

func TestChoice(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{}), nil)
	for _, k := range []struct {
		set  Settings
		want []int64
	}{
		{Settings{Newest: 2}, []int64{5, 6}},
		{Settings{Newest: 100}, []int64{1, 2, 3, 4, 5, 6}},
		{Settings{Since: time.Date(2024, 4, 4, 0, 0, 0, 0, time.UTC)}, []int64{4, 5, 6}},
		{Settings{Before: time.Date(2024, 4, 2, 0, 0, 0, 0, time.UTC)}, []int64{1}},
	} {
		c.Settings = k.set
		var got []int64
		for _, e := range collect(t, c.List(t.Context(), "local.test")) {
			got = append(got, e.Number)
		}
		if !slices.Equal(got, k.want) {
			t.Errorf("%+v: %v, want %v", k.set, got, k.want)
		}
	}
}
