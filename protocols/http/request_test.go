package http

import (
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestHostField: the scheme's own port, the zone of an address and capitals are left out;
// the final dot of a name stays.
func TestHostField(t *testing.T) {
	for at, want := range map[string]string{
		"http://A.example/":                "a.example",
		"http://a.example:80/":             "a.example",
		"http://a.example:8080/":           "a.example:8080",
		"https://a.example:443/":           "a.example",
		"https://a.example:80/":            "a.example:80",
		"http://a.example./":               "a.example.",
		"http://a.example.:81/":            "a.example.:81",
		"http://bücher.example./":          "xn--bcher-kva.example.",
		"http://127.0.0.1:8080/":           "127.0.0.1:8080",
		"http://[::1]/":                    "[::1]",
		"http://[::1]:8080/":               "[::1]:8080",
		"http://[fe80::1%25eth0]/":         "[fe80::1]",
		"http://[fe80::1%25eth0]:8080/":    "[fe80::1]:8080",
		"https://[fe80::1%25a.example]:8/": "[fe80::1]:8",
	} {
		if got := hostField(labtest.URL(t, at)); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestRequestTargets: what is typed goes out as it was typed, names of files are encoded,
// and all of it is ASCII.
func TestRequestTargets(t *testing.T) {
	for at, want := range map[string]string{
		"http://h/a%2Bb": "/a%2Bb", "http://h/a+b": "/a+b", "http://h/a%3Bb": "/a%3Bb", "http://h/a;b": "/a;b", "http://h/a%40b": "/a%40b",
		"http://h/caf\u00e9?b=\u00fc": "/caf%C3%A9?b=%C3%BC", "http://h/a%20b": "/a%20b", "http://h": "/", "http://h?q=1": "/?q=1", "http://h/?": "/?",
		"http://h/a/../b/./c": "/b/c", "http://h/../x": "/x", "http://h//a//.hidden": "//a//.hidden",
	} {
		c := labtest.Open(t, New, at, nil)
		name, err := pathOf(c.url)
		if err != nil {
			t.Fatal(err)
		}
		u, err := c.urlOf(name)
		if err != nil || requestTarget(withoutDots(u)) != want {
			t.Errorf("%s: name %q, asked for as %q, %v; want %q", at, name, requestTarget(u), err, want)
		}
	}
	for name, want := range map[string]string{
		"run;1.dat": "/run%3B1.dat", "a+b=c,d$e&f": "/a%2Bb%3Dc%2Cd%24e%26f", "it's (1)!*": "/it%27s%20%281%29%21%2A", "50% #1?": "/50%25%20%231%3F", "a:b@c": "/a:b@c",
	} {
		if u, err := labtest.Open(t, New, "http://h/", nil).urlOf(name); err != nil || requestTarget(u) != want {
			t.Errorf("%q: %q, %v, want %q", name, requestTarget(u), err, want)
		}
	}
	c := labtest.Open(t, New, "http://h/a+b/", nil)
	if u, err := c.urlOf("http://h/a+b/x;y 50%"); err != nil || requestTarget(u) != "/a+b/x%3By%2050%25" {
		t.Errorf("a name below a typed folder: %v, %v", u, err)
	}
}

// TestOneHost: two values of Host are refused before anything is sent: servers differ in
// which one counts.
func TestOneHost(t *testing.T) {
	s := startRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	c := labtest.Open(t, New, s.url, nil)
	two := Header{"Host": {"a.example", "b.example"}}
	_, err := c.Do(t.Context(), &Request{URL: labtest.URL(t, s.url), Header: two})
	if protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("in the request: %v", err)
	}
	c.Settings.Header = two
	if _, err := c.Get(t.Context(), "", nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("in the settings: %v", err)
	}
	if n := len(s.requests()); n > 0 {
		t.Errorf("%d requests went out", n)
	}
	c.Settings.Header = Header{"Host": {"a.example"}}
	resp, err := c.Do(t.Context(), &Request{URL: labtest.URL(t, s.url), Header: Header{"Host": {"b.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if head := s.requests()[0]; strings.Count(head, "Host: ") != 1 || !strings.Contains(head, "Host: b.example\r\n") {
		t.Errorf("%q", head)
	}
}
