package labapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
)

const newsletter = `Subject: x
MIME-Version: 1.0
Content-Type: text/html

<html><head><style>/* @import x; */ @media (min-width: 1px) { a:hover { color: red; gap: 2rem } }</style></head>
<body><p style="display: flex; background: linear-gradient(red, blue)">hello <video src="x"></video>
<a href="mailto:a@b.test">mail</a></p></body></html>
`

func TestHTMLCheck(t *testing.T) {
	s := serve(t, nil)
	id := s.receive(newsletter, "bob@a.test")
	var report htmlReport
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/message/"+id+"/html-check", "")), &report); err != nil {
		t.Fatal(err)
	}
	found := map[string]htmlWarning{}
	for _, w := range report.Warnings {
		found[w.Slug] = w
	}
	for _, slug := range []string{"html-video", "css-display-flex", "css-linear-gradient", "css-at-media", "css-pseudo-class-hover", "css-gap", "css-unit-rem"} {
		w := found[slug]
		if w.Score.Found != 1 || len(w.Results) == 0 || w.Score.Supported >= 100 || w.URL == "" {
			t.Errorf("%s: %+v", slug, w)
		}
		if sum := w.Score.Supported + w.Score.Partial + w.Score.Unsupported; sum < 99.9 || sum > 100.1 {
			t.Errorf("%s: the shares add up to %v", slug, sum)
		}
	}
	for _, slug := range []string{"css-at-import", "html-form", "css-display-grid", "css-position"} {
		if _, there := found[slug]; there {
			t.Errorf("%s is not in the message", slug)
		}
	}
	if x := report.Total; x.Tests < 200 || x.Nodes != 4 || x.Unsupported <= 0 || x.Supported+x.Partial+x.Unsupported != 100 {
		t.Errorf("total %+v", x)
	}
	if !slices.Contains(report.Platforms["windows"], "Outlook") {
		t.Errorf("platforms %v", report.Platforms)
	}
	s.call(404, "GET", "/api/v1/message/none/html-check", "")
	s.receive("Subject: y\n\ntext\n", "bob@a.test")
	s.call(400, "GET", "/api/v1/message/latest/html-check", "")
}

// TestSupportTable: every row is whole, and what it matches is found.
func TestSupportTable(t *testing.T) {
	programs, features := support()
	if len(programs) < 15 || len(features) < 200 {
		t.Fatalf("%d programs, %d features", len(programs), len(features))
	}
	for _, f := range features {
		if len(f.codes) != len(programs) || strings.Trim(f.codes, "yan-") != "" || f.title == "" {
			t.Errorf("%s: %q for %d programs", f.slug, f.codes, len(programs))
		}
		for _, m := range f.match {
			if n := usageOf(pageWith(f.slug, m)).count(f.slug, m); n != 1 {
				t.Errorf("%s: %q is found %d times in %s", f.slug, m, n, pageWith(f.slug, m))
			}
		}
	}
}

// pageWith returns a page with what a row matches.
func pageWith(slug, match string) string {
	property, value, valued := strings.Cut(match, "=")
	tag, attribute, has := strings.Cut(strings.TrimSuffix(match, "]"), "[")
	name, beginning, _ := strings.Cut(attribute, "^")
	switch {
	case strings.HasPrefix(slug, "html-") && !has:
		return "<" + match + ">"
	case strings.HasPrefix(slug, "html-"):
		if tag == "" {
			tag = "x"
		}
		return "<" + tag + " " + name + `="` + beginning + `">`
	case match[0] == '@':
		return "<style>" + match + " x { }</style>"
	case match[0] == ':':
		return "<style>a" + match + " { }</style>"
	case match[0] == '#':
		return `<p style="width: 10` + match[1:] + `">`
	case property == "":
		property = "x"
	}
	if !valued {
		value = "1"
	}
	return `<p style="` + property + ": " + value + `">`
}

func TestLinkCheck(t *testing.T) {
	var asked atomic.Int32
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/far":
			http.Redirect(w, r, "http://far.test/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
		if r.Method != http.MethodHead {
			t.Errorf("%s %s: want HEAD", r.Method, r.URL)
		}
	}))
	defer site.Close()
	named := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	s := serve(t, nil)
	id := s.receive("Subject: x\nMIME-Version: 1.0\nContent-Type: text/html\n\n<a href=\""+named+"/there\">a</a><img src=\""+site.URL+"/gone\">"+
		"<a href=\""+site.URL+"/moved\">b</a><a href=\""+site.URL+"/far\">c</a><a href=\""+site.URL+"/loop\">d</a>"+
		"<a href=\"http://192.0.2.1/track\">e</a><a href=\"https://localhost.evil.test/\">f</a><a href=\"mailto:x@y.test\">g</a>\n", "bob@a.test")
	for _, c := range []struct {
		query  string
		errors int
		codes  map[string]int
	}{
		{"", 3, map[string]int{named + "/there": 200, site.URL + "/gone": 404, site.URL + "/moved": 302, site.URL + "/far": 302, site.URL + "/loop": 302, "http://192.0.2.1/track": 451, "https://localhost.evil.test/": 451}},
		{"?follow=true", 5, map[string]int{named + "/there": 200, site.URL + "/gone": 404, site.URL + "/moved": 200, site.URL + "/far": 451, site.URL + "/loop": 0, "http://192.0.2.1/track": 451, "https://localhost.evil.test/": 451}},
	} {
		t.Run(c.query, func(t *testing.T) {
			var answer struct {
				Errors int
				Links  []Link
			}
			if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/message/"+id+"/link-check"+c.query, "")), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Errors != c.errors || len(answer.Links) != len(c.codes) {
				t.Errorf("answer %+v", answer)
			}
			for _, l := range answer.Links {
				if want, known := c.codes[l.URL]; !known || l.StatusCode != want || l.Status == "" {
					t.Errorf("%+v, want %d", l, want)
				}
			}
		})
	}
	s.receive("Subject: y\n\nSee "+site.URL+"/a, or <"+site.URL+"/b>.\n", "bob@a.test")
	if got := s.call(200, "GET", "/api/v1/message/latest/link-check", ""); !strings.Contains(got, `/a"`) || !strings.Contains(got, `/b"`) {
		t.Errorf("links of a text: %s", got)
	}
	s.call(404, "GET", "/api/v1/message/none/link-check", "")
	s.call(400, "GET", "/api/v1/message/latest/sa-check", "")
	s.call(404, "GET", "/api/v1/message/none/sa-check", "")
}

func TestChaos(t *testing.T) {
	faults := map[string]string{"smtp": "delay=1ms,code:RCPT=450 later*1", "lmtp": "", "imap": "refuse"}
	s := serve(t, func(b *Backend) {
		b.Servers = func() []Server {
			return []Server{{Protocol: "smtp", Fault: faults["smtp"]}, {Protocol: "lmtp", Fault: faults["lmtp"]}, {Protocol: "imap", Fault: faults["imap"]}}
		}
		b.SetFaults = func(f map[string]string) error {
			for p, spec := range f {
				if _, err := base.ParseFaults(spec); err != nil {
					return err
				}
				faults[p] = spec
			}
			return nil
		}
	})
	const off = `{"Sender":{"ErrorCode":451,"Probability":0},"Recipient":{"ErrorCode":451,"Probability":0},"Authentication":{"ErrorCode":535,"Probability":0}}`
	if got := strings.TrimSpace(s.call(200, "GET", "/api/v1/chaos", "")); got != off {
		t.Errorf("at the beginning %s", got)
	}
	const on = `{"Sender":{"ErrorCode":550,"Probability":100},"Recipient":{"ErrorCode":452,"Probability":30},"Authentication":{"ErrorCode":535,"Probability":0}}`
	if got := strings.TrimSpace(s.call(200, "PUT", "/api/v1/chaos", on)); got != on {
		t.Errorf("set to %s", got)
	}
	const spec = "code:MAIL=550 5.0.0 Chaos,code:RCPT=452 4.0.0 Chaos~30%"
	if faults["smtp"] != spec+",delay=1ms,code:RCPT=450 later*1" || faults["lmtp"] != spec || faults["imap"] != "refuse" {
		t.Errorf("faults %q", faults)
	}
	for _, wrong := range []string{`{"Sender":{"ErrorCode":250,"Probability":5}}`, `{"Recipient":{"Probability":101}}`, `nonsense`} {
		s.call(400, "PUT", "/api/v1/chaos", wrong)
	}
	if got := strings.TrimSpace(s.call(200, "PUT", "/api/v1/chaos", `{}`)); got != off || faults["smtp"] != "delay=1ms,code:RCPT=450 later*1" {
		t.Errorf("off: %s, %q", got, faults)
	}
	serve(t, nil).call(404, "GET", "/api/v1/chaos", "")
}
