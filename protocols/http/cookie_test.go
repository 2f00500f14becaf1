package http

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestSetCookieIsTakenAsItIs: values keep what browsers let them have (RFC 6265 5.2).
func TestSetCookieIsTakenAsItIs(t *testing.T) {
	now, u := time.Now(), labtest.URL(t, "http://a.example/x/y")
	for line, want := range map[string]string{
		`q="quoted"`:                 `q="quoted"`,
		`q="v;w"; Path=/`:            `q="v`,
		`j={"id":5,"x":"y"}`:         `j={"id":5,"x":"y"}`,
		`sid=a b"c`:                  `sid=a b"c`,
		`k=v\w`:                      `k=v\w`,
		"u=caf\xe9":                  "u=caf\xe9",
		"u=café":                     "u=café",
		" k \t= v ; ;;Path":          "k=v",
		"k==v=":                      "k==v=",
		"k=":                         "k=",
		"k=v; Domain=; Path=nowhere": "k=v",
		"k=v; Domain=.":              "k=v",
		"k=v; Max-Age=soon":          "k=v",
		"k=v; Max-Age=1; Max-Age=99999999999999999999": "k=v",
		"k=v; Path=" + strings.Repeat("/p", 1000):      "k=v",
		"no pair":         "",
		"=v":              "",
		"":                "",
		"k=v\x01":         "",
		"k=v; Path=/\x7f": "",
	} {
		j := NewJar()
		j.Store(u, Header{"Set-Cookie": {line}}, now)
		if got := j.Line(labtest.URL(t, "http://a.example/x/z"), now); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestPlainAnswerLeavesSecureCookiesAlone: what came unencrypted neither replaces nor
// deletes nor hides a cookie that is for TLS only (RFC 6265bis 5.7).
func TestPlainAnswerLeavesSecureCookiesAlone(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ secure, at, plain, from string }{
		{"sess=good; Secure", "https://a.example/", "sess=evil", "http://a.example/"},
		{"sess=good; Secure", "https://a.example/", "sess=evil; Max-Age=0", "http://a.example/"},
		{"sess=good; Secure", "https://a.example/", "sess=evil; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.example/"},
		{"sess=good; Secure; Path=/", "https://a.example/", "sess=evil; Path=/login", "http://a.example/login"},
		{"sess=good; Secure; Domain=a.example", "https://b.a.example/", "sess=evil", "http://b.a.example/"},
		{"sess=good; Secure", "https://b.a.example/", "sess=evil; Domain=a.example", "http://c.a.example/"},
		{"sess=good; Secure", "https://127.0.0.1/", "sess=evil", "http://127.0.0.1/"},
	} {
		j := NewJar()
		j.Store(labtest.URL(t, c.at), Header{"Set-Cookie": {c.secure}}, now)
		j.Store(labtest.URL(t, c.from), Header{"Set-Cookie": {c.plain}}, now)
		all := j.Cookies()
		if len(all) != 1 || all[0].Value != "good" || !all[0].Secure {
			t.Errorf("%q, then %s sets %q: %+v", c.secure, c.from, c.plain, all)
		}
		if err := j.SetLine(labtest.URL(t, c.from), c.plain, now); err == nil {
			t.Errorf("%s may set %q by hand", c.from, c.plain)
		}
	}
	j := NewJar()
	j.Store(labtest.URL(t, "https://a.example/"), Header{"Set-Cookie": {"sess=good; Secure; Path=/app"}}, now)
	j.Store(labtest.URL(t, "http://a.example/"), Header{"Set-Cookie": {"other=1", "sess=elsewhere; Path=/"}}, now)
	j.Store(labtest.URL(t, "http://b.example/"), Header{"Set-Cookie": {"sess=theirs"}}, now)
	j.Store(labtest.URL(t, "https://a.example/"), Header{"Set-Cookie": {"sess=new; Path=/app"}}, now)
	var got []string
	for _, c := range j.Cookies() {
		got = append(got, c.Domain+c.Path+" "+c.Name+"="+c.Value)
	}
	want := []string{"a.example/ other=1", "a.example/ sess=elsewhere", "a.example/app sess=new", "b.example/ sess=theirs"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestJarFileWithoutDomain: a cookie that belongs to no host is left out, and what is
// written can be read again.
func TestJarFileWithoutDomain(t *testing.T) {
	now := time.Now()
	for _, file := range []string{
		".\tTRUE\t/\tFALSE\t0\tk\tv\na.example\tFALSE\t/\tFALSE\t0\tk\tv\n",
		"..\tFALSE\t/\tFALSE\t0\tk\tv\na.example.\tFALSE\t/\tFALSE\t0\tk\tv\n",
		"#LWP-Cookies-2.0\nSet-Cookie3: k=v; path=\"/\"; domain=\".\"\nSet-Cookie3: k=v; path=\"/\"; domain=\"a.example\"\n",
	} {
		j := NewJar()
		if err := j.Load(strings.NewReader(file), now); err != nil {
			t.Errorf("%q: %v", file, err)
			continue
		}
		var b strings.Builder
		again := NewJar()
		j.Save(&b, true, now)
		if err := again.Load(strings.NewReader(b.String()), now); err != nil || len(again.Cookies()) != 1 || again.Cookies()[0].Domain != "a.example" {
			t.Errorf("%q becomes %q, read as %+v, %v", file, b.String(), again.Cookies(), err)
		}
	}
}

// TestSecureCookiesAreNotPushedOut: however many cookies come without TLS, the Secure ones stay.
func TestSecureCookiesAreNotPushedOut(t *testing.T) {
	j, now := NewJar(), time.Unix(1e9, 0)
	j.Store(labtest.URL(t, "https://shop.example/"), Header{"Set-Cookie": {"sid=1; Secure"}}, now)
	plain := labtest.URL(t, "http://shop.example/")
	for i := range 3 * maxDomainCookies {
		j.Store(plain, Header{"Set-Cookie": {fmt.Sprintf("c%d=x", i)}}, now.Add(time.Second))
	}
	for _, line := range []string{"sid=2", "sid=; Max-Age=0", "sid=3; Path=/a", "sid=4; Domain=shop.example"} {
		j.Store(plain, Header{"Set-Cookie": {line}}, now)
	}
	for _, c := range j.Cookies() {
		if c.Name == "sid" && (c.Value != "1" || !c.Secure) {
			t.Errorf("%+v", c)
		}
	}
	if n := len(j.Cookies()); n != maxDomainCookies || !strings.Contains(j.Line(labtest.URL(t, "https://shop.example/"), now), "sid=1") {
		t.Errorf("%d cookies, and the Secure one is gone", n)
	}
}
