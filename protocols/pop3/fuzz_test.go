package pop3

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzScan: an accepted line yields a number in bounds and a value without blanks.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"1 120", "1 a b", "  3  x", "0 a", "99999999999 a", "1", "", "+1 a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		n, value, ok := scan(line)
		if ok && (n < 1 || n > maxNumber || value == "" || strings.Contains(value, " ")) {
			t.Errorf("%q returned %d %q", line, n, value)
		}
		if size := sizeIn(value); size < -1 {
			t.Errorf("size %d", size)
		}
	})
}

// FuzzName: what is a name is one again after its URL.
func FuzzName(f *testing.F) {
	for _, s := range []string{"", "5", ";UID=x", ";uid=a/b", "+5", ";UID=%0d", ";UID=a#copy2"} {
		f.Add(s)
	}
	c, err := New(&url.URL{Scheme: "pop3", Host: "localhost"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		want, err := parseName(name)
		if err != nil || strings.ContainsAny(name, "\x00\r\n") || strings.Trim(name, "/") != name {
			return
		}
		u, err := url.Parse(c.urlOf(nameOf(want.number, want.uid)))
		if want == (target{}) {
			u, err = url.Parse(c.urlOf(""))
		}
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		path, err := pathOf(u)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got, err := parseName(path); err != nil || got != want {
			t.Errorf("%q: %+v, want %+v, %v", name, got, want, err)
		}
	})
}
