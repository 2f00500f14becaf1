package hsts

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

var now = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// TestLearn: what hosts say, and for which others it holds.
func TestLearn(t *testing.T) {
	for _, c := range []struct{ from, field, ask, want string }{
		{"https://a.test/", "max-age=60", "http://a.test/x?y#z", "https://a.test/x?y#z"},
		{"https://a.test/", "max-age=60", "http://A.test.:80/", "https://A.test.:443/"},
		{"https://a.test/", "max-age=60", "http://a.test:8080/", "https://a.test:8080/"},
		{"https://a.test/", "max-age=60", "http://b.a.test/", ""},
		{"https://a.test/", `max-age="60" ; includeSubDomains; preload`, "http://b.a.test/", "https://b.a.test/"},
		{"https://a.test/", "includeSubDomains; max-age=60", "http://ba.test/", ""},
		{"https://b.a.test/", "includeSubDomains; max-age=60", "http://a.test/", ""},
		{"http://a.test/", "max-age=60", "http://a.test/", ""},
		{"https://192.0.2.1/", "max-age=60", "http://192.0.2.1/", ""},
		{"https://a.test/", "max-age=0", "http://a.test/", ""},
		{"https://a.test/", "max-age=60; max-age=60", "http://a.test/", ""},
		{"https://a.test/", "max-age=-1", "http://a.test/", ""},
		{"https://a.test/", "includeSubDomains", "http://a.test/", ""},
		{"https://a.test/", "max-age=99999999999999999999", "http://a.test/", ""},
		{"https://a.test/", "max-age=9223372036854775807", "http://a.test/", "https://a.test/"},
	} {
		s := New()
		s.Learn(labtest.URL(t, c.from), http.Header{"Strict-Transport-Security": {c.field, "max-age=0"}}, now)
		u, err := url.Parse(c.ask)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			c.want = c.ask
		}
		if got := s.Upgrade(u, now.Add(time.Second)).String(); got != c.want {
			t.Errorf("%s says %q: %s becomes %s, want %s", c.from, c.field, c.ask, got, c.want)
		}
		if got := s.Upgrade(u, now.Add(10*longest)).String(); got != c.ask {
			t.Errorf("%s is kept for ever", c.ask)
		}
	}
	var none *Store
	none.Learn(labtest.URL(t, "https://a.test/"), http.Header{"Strict-Transport-Security": {"max-age=9"}}, now)
	if none.Wants("a.test", now) {
		t.Error("no store knows a host")
	}
}

// TestFile: curl's file is read and written again, without what has ended.
func TestFile(t *testing.T) {
	s := New()
	const file = "# Your HSTS cache. https://curl.se/docs/hsts.html\n\n.b.test \"20270101 10:20:30\"\na.test \"unlimited\"\nold.test \"20200101 00:00:00\"\n"
	if err := s.Load(strings.NewReader(file), now); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Save(&b, now); err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(b.String(), "run.\n")
	if lines != "a.test \"unlimited\"\n.b.test \"20270101 10:20:30\"\n" || !s.Wants("x.b.test", now) || s.Wants("x.a.test", now) {
		t.Errorf("%s", b.String())
	}
	for _, bad := range []string{"a.test", `a.test "soon"`, `. "unlimited"`, strings.Repeat("a", 2000)} {
		if err := New().Load(strings.NewReader(bad+"\n"), now); err == nil {
			t.Errorf("%.20q is taken", bad)
		} else if len(bad) < 100 && protocols.KindOf(err) != protocols.KindUsage {
			t.Error(err)
		}
	}
}

// TestStoreIsBounded: however many hosts there are.
func TestStoreIsBounded(t *testing.T) {
	s := New()
	for i := range maxHosts + 10 {
		s.set(fmt.Sprint("h", i), policy{ends: now.Add(time.Duration(i) * time.Second)})
	}
	if len(s.hosts) != maxHosts || s.Wants("h9", now.Add(-time.Hour)) || !s.Wants("h10", now.Add(-time.Hour)) {
		t.Errorf("%d hosts", len(s.hosts))
	}
}

func FuzzFile(f *testing.F) {
	f.Add("a.test \"unlimited\"\n.b.test \"20270101 10:20:30\"", "max-age=1; includeSubDomains")
	u := labtest.URL(f, "https://c.test/")
	f.Fuzz(func(t *testing.T, file, field string) {
		s := New()
		s.Load(strings.NewReader(file), now)
		s.Learn(u, http.Header{"Strict-Transport-Security": {field}}, now)
		var b bytes.Buffer
		if s.Save(&b, now); New().Load(&b, now) != nil {
			t.Errorf("%q cannot be read again", b.String())
		}
	})
}
