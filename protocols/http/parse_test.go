package http

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/multistatus"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func TestContentRange(t *testing.T) {
	for text, want := range map[string]string{
		"bytes 0-9/100": "0 9 100 true", "bytes 0-9/*": "0 9 -1 true", "bytes */100": "-1 -1 100 true", "Bytes 5-5/6": "5 5 6 true",
		"bytes 9-0/100": "bad", "bytes 0-100/100": "bad", "items 0-9/100": "bad", "bytes 0-9": "bad", "bytes -1-9/100": "bad", "bytes */*": "bad",
		"bytes 0-99999999999999999999/*": "bad", "": "bad", "bytes 0x1-2/9": "bad",
	} {
		first, last, size, ok := parseContentRange(text)
		got := fmt.Sprint(first, last, size, ok)
		if !ok {
			got = "bad"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestDispositionNames(t *testing.T) {
	for header, want := range map[string]string{
		`attachment; filename="a.txt"`: "a.txt", `attachment; filename=a.txt`: "a.txt", `inline; filename="../../etc/passwd"`: "passwd",
		`attachment; filename="C:\\dir\\x.exe"`: "x.exe", `attachment; filename=".."`: "", `attachment; filename="/"`: "", `attachment; filename=" .. "`: "", `attachment; filename="x/ . "`: "", `attachment`: "",
		`attachment; filename*=UTF-8''na%C3%AFve%20file.txt; filename="plain"`: "naïve file.txt", `attachment; filename*=UTF-8''..%2F..%2Fx`: "x",
		`attachment; filename="a` + "\x00" + `b"`: "", `filename="only.txt"`: "only.txt", "": "",
	} {
		if got := dispositionName(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for at, want := range map[string]struct{ name, save string }{
		"http://h/":               {"", "index.html"},
		"http://h":                {"", "index.html"},
		"http://h/a/b%20c":        {"a/b c", "b c"},
		"http://h/a?q=1":          {"http://h/a?q=1", "a"},
		"http://h/a%2Fb":          {"http://h/a%2Fb", "b"},
		"http://u:p@h/a?q#f":      {"http://h/a?q", "a"},
		"http://h/what%3F":        {"what?", "what?"},
		"http://h/%2e%2e/%2e%2e/": {"http://h/%2e%2e/%2e%2e/", "index.html"},
		"http://h/a%2Bb":          {"a+b", "a+b"},
		"http://h/a+b":            {"http://h/a+b", "a+b"},
		"http://h/a%40b":          {"http://h/a%40b", "a@b"},
		"http://h/a;b":            {"http://h/a;b", "a;b"},
		"http://h/a%3Bb":          {"a;b", "a;b"},
		"http://h/café":           {"café", "café"},
		"data:,hi":                {"data:,hi", "data"},
	} {
		u, err := protocols.ParseURL(at, "")
		if err != nil {
			t.Fatal(err)
		}
		name, err := pathOf(u)
		c := labtest.Open(t, New, "http://h/", nil)
		if err != nil || name != want.name || c.SaveName(name) != want.save {
			t.Errorf("%s: %q, saved as %q, %v", at, name, c.SaveName(name), err)
		}
	}
}

func TestDataURLs(t *testing.T) {
	c := labtest.Open(t, New, "data:,x", nil)
	for name, want := range map[string]string{
		"data:,a%20b": "a b", "data:text/plain;base64,aGk=": "hi", "data:;base64,aGk": "hi", "data:,": "", "data:;base64,_-8=": "\xff\xef",
	} {
		if got := labtest.Read(t, c, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, bad := range []string{"data:x", "data:;base64,???", "data:,%zz"} {
		if _, _, err := fetch(t, c, bad, nil); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
	part, _, err := fetch(t, c, "data:,hello", &protocols.GetOptions{Offset: 1, Length: 3})
	if part != "ell" || err != nil {
		t.Errorf("%q, %v", part, err)
	}
}

func TestIndexStaysBelow(t *testing.T) {
	const page = `<a href="a.txt">a</a> 02-Jan-2024 03:04 13 <a href="./b/">b</a> - <a href=a.txt>again</a>
<a href="../up">x</a><a href="/other">x</a><a href="http://else.where/p/c">x</a><a href="//else.where/p/c">x</a><a href="ftp://h/p/c">x</a>
<a href="sub/deep.txt">x</a><a href="?C=N">sort</a><a href="c?dl=1">x</a><a href="%2e%2e/">x</a><a href="%2e">x</a><a href="e%2Ff">x</a><a href="n%0aw">x</a><a href="">x</a>
<a href="/p/d%20e">d</a></pre><A HREF='caps.TXT'>c</A> 2024-01-02 03:04 1.2K <a name=x>x</a><a href="http://h/p/last">l</a>`
	var got []string
	err := parseIndex(strings.NewReader(page), true, labtest.URL(t, "http://h/p/"), func(e protocols.Entry) error {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %d %v", e.Raw, e.Name, e.Path, e.Type, e.Size, !e.Modified.IsZero())))
		return nil
	})
	want := "a.txt /p/a.txt file 13 true|b /p/b/ dir -1 false|e%2Ff   other -1 false|n%0aw   other -1 false|d e /p/d e file -1 false|caps.TXT /p/caps.TXT file -1 true|last /p/last file -1 false"
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "|"), want)
	}
	if err := parseIndex(strings.NewReader("<a href='"+strings.Repeat("x", 1<<20)), true, labtest.URL(t, "http://h/p/"), nil); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("an endless tag: %v", err)
	}
}

// TestIndexLiteralNames: a link whose text is its href, letter by letter, is a name, as
// scripts write them that encode nothing.
func TestIndexLiteralNames(t *testing.T) {
	for link, want := range map[string]string{
		`<a href="b#1.txt">b#1.txt</a>`:            "b#1.txt /p/b#1.txt file",
		`<a href="what?.txt"> what?.txt </a>`:      "what?.txt /p/what?.txt file",
		`<a href="a&amp;b?c"><b>a&amp;b?c</b></a>`: "a&b?c /p/a&b?c file",
		`<a href="12:30.log">12:30.log</a>`:        "12:30.log /p/12:30.log file",
		`<a href="c#/">c#/</a>`:                    "c# /p/c#/ dir",
		`<a href="50%#1">50%#1</a>`:                "50%#1 /p/50%#1 file",
		`<a href="b#1.txt">first part</a>`:         "b /p/b file",
		`<a href="?C=N;O=D">Name</a>`:              "",
		`<a href="http://h/x#y">http://h/x#y</a>`:  "",
		`<a href="b%00c">b</a>`:                    "not understood: b%00c",
		"<a href='b\x01c'>b</a>":                   "not understood: b\x01c",
		`<a href="http://[h/">x</a>`:               "",
	} {
		got := ""
		err := parseIndex(strings.NewReader("<html>"+link+"</html>"), true, labtest.URL(t, "http://h/p/"), func(e protocols.Entry) error {
			if got += e.Name + " " + e.Path + " " + string(e.Type); !e.Parsed() {
				got = "not understood: " + e.Raw
			}
			return nil
		})
		if got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", link, got, err, want)
		}
	}
}

func TestMultistatus(t *testing.T) {
	limits := protocols.Limits{Depth: 10, Reply: 4096}.WithDefaults()
	for name, body := range map[string]string{
		"document type":  `<!DOCTYPE x [<!ENTITY a "b">]><multistatus/>`,
		"deep":           strings.Repeat("<a>", 20),
		"endless text":   "<multistatus><response><href>" + strings.Repeat("x", 1<<20),
		"endless name":   "<multistatus><" + strings.Repeat("x", 1<<20),
		"cut":            "<multistatus><response>",
		"entity":         "<multistatus>&a;</multistatus>",
		"crossed":        "<multistatus><response></multistatus></response>",
		"nothing":        "",
		"something else": "<html></html>",
	} {
		err := multistatus.Parse(strings.NewReader(body), limits, func(multistatus.Response) error { return nil })
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRobotRules(t *testing.T) {
	const text = "\ufeffUser-agent: other\nDisallow: /\n\nUser-Agent: *\nDisallow: /private # all of it\nAllow: /private/open\nDisallow: /*.pdf$\nCrawl-delay: 99999\n\nSitemap: http://h/map.xml\nUser-agent: netclients\nUser-agent: x\nDisallow: /only-us\nAllow: /a%2Fb\nDisallow: /a\n"
	all := ParseRobots(strings.NewReader(text), "somebody")
	us := ParseRobots(strings.NewReader(text), "netclients")
	for path, want := range map[string][2]bool{
		"/": {true, true}, "/private": {false, true}, "/private/x": {false, true}, "/private/open": {true, true}, "/x.pdf": {false, true}, "/x.pdf?y": {true, true},
		"/only-us": {true, false}, "/abc": {true, false}, "/robots.txt": {true, true}, "/PRIVATE": {true, true},
	} {
		if got := [2]bool{all.Allowed(path), us.Allowed(path)}; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if all.Delay != 30*time.Second || len(us.Sitemaps) != 1 {
		t.Errorf("delay %v, sitemaps %q", all.Delay, us.Sitemaps)
	}
}

// TestRequestRate: the slower of Crawl-delay and Request-rate is kept to; what is no
// rate is passed over.
func TestRequestRate(t *testing.T) {
	for text, want := range map[string]struct {
		requests   int
		per, delay time.Duration
	}{
		"Request-rate: 3/6":                     {3, 6 * time.Second, 2 * time.Second},
		"request-rate: 1 / 5 # night":           {1, 5 * time.Second, 5 * time.Second},
		"Crawl-delay: 3\nRequest-rate: 1/2":     {1, 2 * time.Second, 3 * time.Second},
		"Request-rate: 1/99999":                 {1, 99999 * time.Second, 30 * time.Second},
		"Request-rate: 0/5":                     {},
		"Request-rate: 1":                       {},
		"Request-rate: a/b\nRequest-rate: -1/5": {},
		"Request-rate: 1/99999999999999999999":  {},
	} {
		got := ParseRobots(strings.NewReader("User-agent: *\n"+text+"\n"), "x")
		if got.Requests != want.requests || got.Per != want.per || got.Delay != want.delay {
			t.Errorf("%q: %d in %v, delay %v", text, got.Requests, got.Per, got.Delay)
		}
	}
}

// TestCookieRules: what is taken and what goes where.
func FuzzDisposition(f *testing.F) {
	for _, s := range []string{`attachment; filename="a"`, "filename*=UTF-8''%2e%2e%2fx", `inline; filename="..\\x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := dispositionName(s); strings.ContainsAny(got, "/\\\x00\r\n") || got == ".." || got == "." {
			t.Errorf("%q returned %q", s, got)
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add(`<a href="x">x</a> 02-Jan-2024 03:04 5`)
	f.Add(`<base href="http://e/"><a href=..//x><a href="//h/p/y/">`)
	base := labtest.URL(f, "http://h/p/")
	f.Fuzz(func(t *testing.T, s string) {
		parseIndex(strings.NewReader(s), true, base, func(e protocols.Entry) error {
			if !strings.HasPrefix(e.Path, "/p/") || strings.Contains(e.Name, "/") || e.Name == ".." || e.Name == "." || e.Name == "" {
				t.Errorf("%+v", e)
			}
			return nil
		})
	})
}

func FuzzMultistatus(f *testing.F) {
	f.Add(`<D:multistatus xmlns:D="DAV:"><D:response><D:href>/p/a</D:href><D:propstat><D:prop><D:getcontentlength>5</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>`)
	c := labtest.Open(f, New, "http://h/", nil)
	at := labtest.URL(f, "http://h/p/")
	f.Fuzz(func(t *testing.T, s string) {
		listing := newDAVListing(c.site, at, func(e protocols.Entry) bool {
			if e.Parsed() && (strings.Contains(e.Name, "/") || !strings.HasPrefix(e.Path, "p/") && !isURL(e.Path)) {
				t.Errorf("%+v", e)
			}
			return true
		})
		multistatus.Parse(strings.NewReader(s), protocols.Limits{}.WithDefaults(), listing.response)
		listing.end()
	})
}

func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nAllow: /\n", "/axb")
	f.Fuzz(func(t *testing.T, s, path string) { ParseRobots(strings.NewReader(s), "netclients").Allowed(path) })
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/100")
	f.Fuzz(func(t *testing.T, s string) {
		first, last, size, ok := parseContentRange(s)
		if ok && first >= 0 && (last < first || size >= 0 && last >= size) {
			t.Errorf("%q: %d %d %d", s, first, last, size)
		}
	})
}
