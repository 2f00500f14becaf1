package webmirror

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"maps"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// site is a web site: documents by path, and what was asked for.
type site struct {
	mu    sync.Mutex
	docs  map[string]string
	asked []string
	fail  map[string]bool // the connection ends
}

func (s *site) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RequestURI())
	body, ok := s.docs[r.URL.RequestURI()]
	switch {
	case s.fail[r.URL.RequestURI()]:
		panic(nethttp.ErrAbortHandler)
	case !ok:
		nethttp.NotFound(w, r)
		return
	case strings.HasPrefix(body, "-> "):
		nethttp.Redirect(w, r, strings.TrimPrefix(body, "-> "), nethttp.StatusFound)
		return
	}
	kind := "text/html; charset=utf-8"
	if end := filepath.Ext(r.URL.Path); end == ".css" || end == ".png" || end == ".txt" {
		kind = map[string]string{".css": "text/css", ".png": "image/png", ".txt": "text/plain"}[end]
	}
	w.Header().Set("Content-Type", kind)
	tag := fmt.Sprintf(`"%x"`, sha1.Sum([]byte(body)))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(nethttp.StatusNotModified)
		return
	}
	io.WriteString(w, body)
}

func (s *site) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// start serves a site. The host in its documents is HOST.
func start(t *testing.T, docs map[string]string) (*site, *url.URL) {
	docs = maps.Clone(docs)
	s := &site{docs: docs, fail: map[string]bool{}}
	server := httptest.NewServer(s)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	for path, text := range docs {
		docs[path] = strings.ReplaceAll(text, "HOST", server.Listener.Addr().String())
	}
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, u
}

// crawl copies, and returns the results by request.
func crawl(t *testing.T, u *url.URL, sink Sink, o Options) (map[string]Result, error) {
	t.Helper()
	c, err := http.New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	results := map[string]Result{}
	o.Report = func(r Result) {
		at, _ := url.Parse(r.URL)
		results[at.RequestURI()] = r
	}
	o.Again = func(_ context.Context, do func() error) error { return do() }
	if o.Pages == 0 {
		o.Pages = 1000
	}
	o.Agent = "netclients"
	err = (&Crawler{Client: c, Sink: sink, Options: o}).Run(t.Context(), u)
	return results, err
}

func folder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var small = map[string]string{
	"/docs/":          `<html><head><link rel="stylesheet" href="/style/main.css"><link rel=next href=two></head><body background=/bg.png><a href="two#part">two</a> <a href='sub/'>sub</a> <a href="/other">other</a> <a href="http://far.example/x">far</a> <a href="gone">gone</a> <a href="mailto:x@y">mail</a> <img src="/pic.png?v=1&amp;w=2" srcset="/pic.png 1x, /pic2.png 2x"><p>text &amp; more</p><style>p { background: url('/bg.png') }</style></body></html>`,
	"/docs/two":       `<a href="/docs/">back</a> <a href="moved">moved</a> <a href="moved#x">again</a><a rel=nofollow href="secret">no</a>`,
	"/docs/moved":     "-> sub/page",
	"/docs/sub/":      `<base href="/docs/sub/deep/"><a href="../page">page</a><a href="a:b">odd</a>`,
	"/docs/sub/page":  `<a href="../../docs/two">two</a>`,
	"/docs/secret":    "secret",
	"/other":          "other",
	"/style/main.css": `@import "more.css"; body { background: url(../bg.png) } i { background: url(data:x) }`,
	"/style/more.css": "b { background: url(\"/missing.png\") }",
	"/bg.png":         "bg", "/pic.png": "pic", "/pic2.png": "pic2", "/pic.png?v=1&w=2": "pic with a query",
}

// TestFolder: what is reached is stored, and its links lead to it.
func TestFolder(t *testing.T) {
	s, u := start(t, small)
	dir := t.TempDir()
	results, err := crawl(t, u.JoinPath("docs/"), folder(t, dir), Options{Depth: 5})
	if err != nil {
		t.Fatal(err)
	}
	for at, r := range results {
		if missing := at == "/docs/gone" || at == "/missing.png"; (r.Err != nil) != missing {
			t.Errorf("%s: %v", at, r.Err)
		}
	}
	if asked := s.take(); slices.Contains(asked, "/other") || slices.Contains(asked, "/docs/secret") || len(asked) != len(results) {
		t.Errorf("asked for %q", asked)
	}
	host := strings.ReplaceAll(u.Host, ":", "+")
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, host, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	page := text("docs/index.html")
	for _, want := range []string{`href="../style/main.css"`, `href="two.html#part"`, `"sub/index.html"`, `href="http://` + u.Host + `/other"`, `href="http://far.example/x"`, `href="http://` + u.Host + `/docs/gone"`,
		`src="../pic.png@v=1&amp;w=2"`, `srcset="../pic.png 1x, ../pic2.png 2x"`, `text &amp; more`, `url("../bg.png")`, `background="../bg.png"`, `href="mailto:x@y"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if two := text("docs/two.html"); !strings.Contains(two, `href="index.html"`) || !strings.Contains(two, `href="sub/page.html"`) || !strings.Contains(two, `href="sub/page.html#x"`) {
		t.Error(two)
	}
	if sub := text("docs/sub/index.html"); !strings.Contains(sub, `<base href="">`) || !strings.Contains(sub, `href="page.html"`) {
		t.Error(sub)
	}
	if css := text("style/main.css"); !strings.Contains(css, `@import "more.css"`) || !strings.Contains(css, `url(../bg.png)`) || !strings.Contains(css, "url(data:x)") {
		t.Error(css)
	}

	// The second run fetches nothing anew and changes nothing; the third what has changed.
	again, err := crawl(t, u.JoinPath("docs/"), folder(t, dir), Options{Depth: 5})
	if err != nil || len(again) != len(results) || text("docs/index.html") != page {
		t.Errorf("%v, %d results", err, len(again))
	}
	for at, r := range again {
		if r.Err == nil && r.Place != "" && !r.Unchanged {
			t.Errorf("%s was fetched anew", at)
		}
	}
	s.mu.Lock()
	s.docs["/docs/two"] = `<a href="new">new</a>`
	s.docs["/docs/new"] = "new"
	s.mu.Unlock()
	if third, err := crawl(t, u.JoinPath("docs/"), folder(t, dir), Options{Depth: 5}); err != nil || third["/docs/two"].Unchanged || text("docs/new.html") != "new" {
		t.Errorf("%v %+v", err, third["/docs/two"])
	}
}

// TestLimits: depth, hosts, robots.txt, the number and the size of documents.
func TestLimits(t *testing.T) {
	docs := map[string]string{
		"/a/": `<a href=b>b</a><a href=/up>up</a><img src=big.png>`, "/a/b": `<a href=c>c</a>`, "/a/c": "c", "/up": "up", "/a/big.png": strings.Repeat("x", 5000),
		"/robots.txt": "User-agent: *\nDisallow: /a/b$\n",
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
		kind protocols.Kind
	}{
		{"all", Options{Depth: 5}, "/a/ /a/b /a/big.png /a/c", 0},
		{"one page", Options{}, "/a/ /a/big.png", 0},
		{"one link", Options{Depth: 1}, "/a/ /a/b /a/big.png", 0},
		{"the whole host", Options{Depth: 1, Whole: true}, "/a/ /a/b /a/big.png /up", 0},
		{"robots", Options{Depth: 5, Robots: true}, "/a/ /a/big.png", 0},
		{"two documents", Options{Depth: 5, Pages: 2}, "/a/ /a/b", protocols.KindPartial},
		{"small ones", Options{Depth: 5, MaxSize: 1000}, "/a/ /a/b /a/c", 0},
	} {
		_, u := start(t, docs)
		results, err := crawl(t, u.JoinPath("a/"), folder(t, t.TempDir()), c.o)
		var stored []string
		for at, r := range results {
			if r.Place != "" {
				stored = append(stored, at)
			}
		}
		slices.Sort(stored)
		if strings.Join(stored, " ") != c.want || protocols.KindOf(err) != c.kind {
			t.Errorf("%s: %q, %v", c.name, stored, err)
		}
	}
}

// TestPlaces: names from servers are one component each, and two documents never share a
// place.
func TestPlaces(t *testing.T) {
	f := folder(t, t.TempDir())
	defer f.End(t.Context(), nil)
	seen := map[string]string{}
	for _, text := range []string{
		"http://h/", "http://h/index.html", "http://h/a", "http://h/a.html", "http://h/A.html", "http://h/a/", "http://h/a/b", "http://h/a.html/b", "http://h/a%2Fb", "http://h/%2e%2e/x", "http://h/..%2f..%2fx", "http://h/x?../../y",
		"http://h/" + strings.Repeat("n", 300), "http://h/n?" + strings.Repeat("q", 300), "http://h/.netclients-pages", "http://h/con%00x", "http://h:81/", "http://h/%ff", "http://h/a%0ab", "http://h/.ncpart", "http://h/a//b",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		body, err := os.CreateTemp(t.TempDir(), "body")
		if err != nil {
			t.Fatal(err)
		}
		d := &Document{URL: u, Status: 200, Kind: kindHTML, Header: nethttp.Header{}, Body: body}
		place, err := f.Store(t.Context(), d)
		body.Close()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		rel, err := filepath.Rel(f.name, place)
		if err != nil || !filepath.IsLocal(rel) || !strings.HasPrefix(filepath.ToSlash(rel), "h") {
			t.Errorf("%s: %s", text, place)
		}
		if other, twice := seen[strings.ToLower(place)]; twice {
			t.Errorf("%s and %s are both at %s", text, other, place)
		}
		seen[strings.ToLower(place)] = text
	}
}

// TestInterrupted: what stands is not fetched again, and the links are made at the end.
func TestInterrupted(t *testing.T) {
	docs := map[string]string{"/": `<a href=b>b</a><img src=p.png>`, "/b": "b", "/p.png": "p"}
	_, u := start(t, docs)
	dir := t.TempDir()
	f := folder(t, dir)
	if _, err := crawl(t, u, &breaking{Sink: f, after: 2}, Options{Depth: 1}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if results, err := crawl(t, u, folder(t, dir), Options{Depth: 1}); err != nil || len(results) != 3 {
		t.Errorf("%v, %v", results, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(u.Host, ":", "+"), "index.html"))
	if err != nil || string(b) != `<a href="b.html">b</a><img src=p.png>` {
		t.Errorf("%s, %v", b, err)
	}
}

var errBroken = &protocols.Error{Kind: protocols.KindLocal, Text: "broken"}

// breaking fails after some documents.
type breaking struct {
	Sink
	after int
}

func (b *breaking) Store(ctx context.Context, d *Document) (string, error) {
	if b.after--; b.after < 0 {
		return "", errBroken
	}
	return b.Sink.Store(ctx, d)
}

// record is one of an archive.
type record struct {
	head  map[string]string
	block []byte
}

// readArchive reads an archive strictly: each record a gzip member of its own, complete,
// with the digests it says.
func readArchive(t *testing.T, path string) (all []record) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(bytes.NewReader(b))
	for ids := map[string]bool{}; ; {
		if _, err := in.Peek(1); err == io.EOF {
			return all
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		member, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, ok := bytes.Cut(member, []byte("\r\n\r\n"))
		lines := strings.Split(string(head), "\r\n")
		r := record{head: map[string]string{}}
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ": ")
			r.head[name] = value
		}
		size, err := strconv.Atoi(r.head["Content-Length"])
		if !ok || lines[0] != "WARC/1.1" || err != nil || len(rest) != size+4 || string(rest[size:]) != "\r\n\r\n" || ids[r.head["WARC-Record-ID"]] {
			t.Fatalf("a broken record: %q", member)
		}
		ids[r.head["WARC-Record-ID"]] = true
		r.block = rest[:size]
		check := func(field string, of []byte) {
			sum := sha1.Sum(of)
			if want := r.head[field]; want != "" && want != "sha1:"+base32.StdEncoding.EncodeToString(sum[:]) {
				t.Errorf("%s of %s is wrong", field, r.head["WARC-Target-URI"])
			}
		}
		check("WARC-Block-Digest", r.block)
		_, payload, _ := bytes.Cut(r.block, []byte("\r\n\r\n"))
		check("WARC-Payload-Digest", payload)
		all = append(all, r)
	}
}

// TestArchive: request and answer of each document, redirects and refusals too; an
// interrupted run is gone on with, and what was cut off is not kept.
func TestArchive(t *testing.T) {
	s, u := start(t, map[string]string{"/": `<a href=b>b</a><a href=c>c</a><a href=none>none</a>`, "/b": "-> /d", "/c": "c", "/d": "d"})
	path := filepath.Join(t.TempDir(), "a.warc.gz")
	open := func() *Archive {
		a, err := OpenArchive(path, "test")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	login := *u
	login.User = url.UserPassword("ann", "secret-word")
	if _, err := crawl(t, &login, &breaking{Sink: open(), after: 2}, Options{Depth: 1}); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:100]...), 0o600); err != nil { // a record that was cut off
		t.Fatal(err)
	}
	s.take()
	results, err := crawl(t, &login, open(), Options{Depth: 1})
	if err != nil || len(results) != 5 || !results["/"].Unchanged || !results["/b"].Unchanged {
		t.Errorf("%v, %+v", err, results)
	}
	if asked := s.take(); slices.Contains(asked, "/") || slices.Contains(asked, "/b") || len(asked) != 3 {
		t.Errorf("asked for %q", asked)
	}
	count := map[string]int{}
	answers := map[string]string{}
	for _, r := range readArchive(t, path) {
		count[r.head["WARC-Type"]]++
		if bytes.Contains(r.block, []byte("secret-word")) || bytes.Contains(r.block, []byte("Authorization")) {
			t.Errorf("a secret in %q", r.block)
		}
		switch at, _ := url.Parse(r.head["WARC-Target-URI"]); r.head["WARC-Type"] {
		case "response":
			answers[r.head["WARC-Record-ID"]] = at.Path
			if resp, err := nethttp.ReadResponse(bufio.NewReader(bytes.NewReader(r.block)), nil); err != nil || resp.StatusCode != map[string]int{"/": 200, "/b": 302, "/c": 200, "/d": 200, "/none": 404}[at.Path] {
				t.Errorf("%v, %v", resp, err)
			}
		case "request":
			if req, err := nethttp.ReadRequest(bufio.NewReader(bytes.NewReader(r.block))); err != nil || req.URL.Path != answers[r.head["WARC-Concurrent-To"]] {
				t.Errorf("%v, %v", req, err)
			}
		}
	}
	if count["response"] != 5 || count["request"] != 5 || count["warcinfo"] != 1 {
		t.Errorf("%v", count)
	}
	if _, err := os.Stat(path + journalEnd); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left: %v", err)
	}
	if _, err := crawl(t, u, open(), Options{}); err != nil { // more of it
		t.Error(err)
	}
	if n := len(readArchive(t, path)); n != 14 {
		t.Errorf("%d records", n)
	}
	other := filepath.Join(t.TempDir(), "b.warc.gz")
	if err := os.WriteFile(other, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(other, "test"); protocols.KindOf(err) != protocols.KindLocal {
		t.Error(err)
	}
	if b, _ := os.ReadFile(other); string(b) != "something else" {
		t.Errorf("%q", b)
	}
}

// FuzzRewrite: a page comes out again whatever it is; the links that it then has are those
// that went in.
func FuzzRewrite(f *testing.F) {
	f.Add(small["/docs/"])
	f.Fuzz(func(t *testing.T, text string) {
		page := &url.URL{Scheme: "http", Host: "h", Path: "/a/b"}
		var out strings.Builder
		err := rewrite(&out, strings.NewReader(text), page, func(_ Link, _, same string) string { return same })
		if err != nil {
			return
		}
		before, _ := links(strings.NewReader(text), page, kindHTML)
		if after, err := links(strings.NewReader(out.String()), page, kindHTML); err != nil || !strings.Contains(text, "<base") && !slices.Equal(before, after) {
			t.Errorf("%q: %v, %v", text, before, after)
		}
	})
}
