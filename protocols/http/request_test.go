package http

import (
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
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
		if got := hostField(parse(t, at)); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestOneHost: two values of Host are refused before anything is sent: servers differ in
// which one counts.
func TestOneHost(t *testing.T) {
	s := startRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	c := openClient(t, s.url, nil)
	two := Header{"Host": {"a.example", "b.example"}}
	_, err := c.Do(t.Context(), &Request{URL: parse(t, s.url), Header: two})
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
	resp, err := c.Do(t.Context(), &Request{URL: parse(t, s.url), Header: Header{"Host": {"b.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if head := s.requests()[0]; strings.Count(head, "Host: ") != 1 || !strings.Contains(head, "Host: b.example\r\n") {
		t.Errorf("%q", head)
	}
}
