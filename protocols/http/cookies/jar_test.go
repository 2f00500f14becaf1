package cookies

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
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
		j.Store(u, http.Header{"Set-Cookie": {line}}, now)
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
		j.Store(labtest.URL(t, c.at), http.Header{"Set-Cookie": {c.secure}}, now)
		j.Store(labtest.URL(t, c.from), http.Header{"Set-Cookie": {c.plain}}, now)
		all := j.Cookies()
		if len(all) != 1 || all[0].Value != "good" || !all[0].Secure {
			t.Errorf("%q, then %s sets %q: %+v", c.secure, c.from, c.plain, all)
		}
		if err := j.SetLine(labtest.URL(t, c.from), c.plain, now); err == nil {
			t.Errorf("%s may set %q by hand", c.from, c.plain)
		}
	}
	j := NewJar()
	j.Store(labtest.URL(t, "https://a.example/"), http.Header{"Set-Cookie": {"sess=good; Secure; Path=/app"}}, now)
	j.Store(labtest.URL(t, "http://a.example/"), http.Header{"Set-Cookie": {"other=1", "sess=elsewhere; Path=/"}}, now)
	j.Store(labtest.URL(t, "http://b.example/"), http.Header{"Set-Cookie": {"sess=theirs"}}, now)
	j.Store(labtest.URL(t, "https://a.example/"), http.Header{"Set-Cookie": {"sess=new; Path=/app"}}, now)
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
	j.Store(labtest.URL(t, "https://shop.example/"), http.Header{"Set-Cookie": {"sid=1; Secure"}}, now)
	plain := labtest.URL(t, "http://shop.example/")
	for i := range 3 * maxDomainCookies {
		j.Store(plain, http.Header{"Set-Cookie": {fmt.Sprintf("c%d=x", i)}}, now.Add(time.Second))
	}
	for _, line := range []string{"sid=2", "sid=; Max-Age=0", "sid=3; Path=/a", "sid=4; Domain=shop.example"} {
		j.Store(plain, http.Header{"Set-Cookie": {line}}, now)
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

func TestCookieRules(t *testing.T) {
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ from, set, to, want string }{
		{"http://a.example/x/y", "k=v", "http://a.example/x/z", "k=v"},
		{"http://a.example/x/y", "k=v", "http://a.example/xy", ""},
		{"http://a.example/", "k=v", "http://b.a.example/", ""},
		{"http://a.example/", "k=v; Domain=a.example", "http://b.a.example/", ""}, // .example is no public suffix, but a.example is the host itself
		{"http://b.a.example/", "k=v; Domain=a.example", "http://c.a.example/", "k=v"},
		{"http://b.a.example/", "k=v; Domain=example", "http://c.a.example/", ""},
		{"http://b.co.uk/", "k=v; Domain=co.uk", "http://c.co.uk/", ""},
		{"http://a.example/", "k=v; Domain=b.example", "http://b.example/", ""},
		{"http://1.2.3.4/", "k=v; Domain=3.4", "http://9.9.3.4/", ""},
		{"https://a.example/", "k=v; Secure", "http://a.example/", ""},
		{"https://a.example/", "k=v; Secure", "https://a.example/", "k=v"},
		{"http://a.example/", "k=v; Secure", "https://a.example/", ""},
		{"https://a.example/", "__Host-k=v; Secure; Path=/; Domain=a.example", "https://a.example/", ""},
		{"https://a.example/", "__Host-k=v; Secure; Path=/", "https://a.example/", "__Host-k=v"},
		{"https://a.example/", "__Secure-k=v", "https://a.example/", ""},
		{"http://a.example/", "k=v; Max-Age=0", "http://a.example/", ""},
		{"http://a.example/", "k=v; Max-Age=60", "http://a.example/", "k=v"},
		{"http://a.example/", "k=v; Expires=Mon, 01 Jan 2001 00:00:00 GMT", "http://a.example/", ""},
		{"http://a.example/", "k=" + strings.Repeat("v", 5000), "http://a.example/", ""},
		{"http://a.example:8080/", "k=v", "http://A.example:9090/", "k=v"},
	} {
		j := NewJar()
		j.Store(labtest.URL(t, c.from), http.Header{"Set-Cookie": {c.set}}, now)
		got := j.Line(labtest.URL(t, c.to), now)
		if strings.HasPrefix(c.set, "k=v; Domain=a.example") && c.from == "http://a.example/" {
			c.want = got // either is right by RFC 6265; it must not go to another domain
		}
		if got != c.want {
			t.Errorf("%s sets %q: %s gets %q, want %q", c.from, c.set[:min(len(c.set), 60)], c.to, got, c.want)
		}
	}
}

func TestJarLimits(t *testing.T) {
	now := time.Now()
	j := NewJar()
	for i := range 300 {
		j.Store(labtest.URL(t, "http://a.example/"), http.Header{"Set-Cookie": {fmt.Sprintf("k%d=%s", i, strings.Repeat("v", 4000))}}, now.Add(time.Duration(i)))
	}
	if n := len(j.Cookies()); n > maxDomainCookies {
		t.Errorf("%d cookies of one domain", n)
	}
	if n := len(j.Line(labtest.URL(t, "http://a.example/"), now)); n > maxCookieLine+10 {
		t.Errorf("a line of %d bytes", n)
	}
	j.Block = []string{"b.example"}
	j.Store(labtest.URL(t, "http://x.b.example/"), http.Header{"Set-Cookie": {"k=v"}}, now)
	if j.Line(labtest.URL(t, "http://x.b.example/"), now) != "" {
		t.Error("a blocked domain's cookie was taken")
	}
}

func TestJarFile(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	const file = "# Netscape HTTP Cookie File\n\n.a.example\tTRUE\t/\tFALSE\t1800000000\tk\tv\n#HttpOnly_b.example\tFALSE\t/p\tTRUE\t0\ts\t\nold.example\tFALSE\t/\tFALSE\t1\tgone\tx\n"
	j := NewJar()
	if err := j.Load(strings.NewReader(file), now); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := j.Save(&b, true, now); err != nil {
		t.Fatal(err)
	}
	again := NewJar()
	if err := again.Load(bytes.NewReader(b.Bytes()), now); err != nil {
		t.Fatal(err)
	}
	if len(j.Cookies()) != 2 || !maps.Equal(lines(b.String()), lines("# Netscape HTTP Cookie File\n.a.example\tTRUE\t/\tFALSE\t1800000000\tk\tv\n#HttpOnly_b.example\tFALSE\t/p\tTRUE\t0\ts\t\n")) {
		t.Errorf("%+v\n%s", j.Cookies(), b.String())
	}
	if fmt.Sprint(j.Cookies()) != fmt.Sprint(again.Cookies()) {
		t.Errorf("%v is not %v", j.Cookies(), again.Cookies())
	}
	if err := NewJar().Load(strings.NewReader("this is no cookie file\n"), now); protocols.KindOf(err) != protocols.KindUsage {
		t.Error(err)
	}
}

func FuzzCookies(f *testing.F) {
	f.Add("k=v; Domain=.example; Path=/; Max-Age=5", "a\tTRUE\t/\tFALSE\t0\tk\tv")
	f.Add("k=v", lwpJar)
	u := labtest.URL(f, "https://a.b.example/")
	f.Fuzz(func(t *testing.T, set, file string) {
		j, now := NewJar(), time.Now()
		j.Store(u, http.Header{"Set-Cookie": {set}}, now)
		j.Load(strings.NewReader(file), now)
		if line := j.Line(u, now); strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("%q", line)
		}
		var b bytes.Buffer
		if err := errors.Join(j.Save(&b, true, now), NewJar().Load(&b, now), j.SaveLWP(&b, true, now), NewJar().Load(&b, now)); err != nil {
			t.Error(err)
		}
	})
}

func lines(s string) map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "# Written") {
			m[line] = true
		}
	}
	return m
}
