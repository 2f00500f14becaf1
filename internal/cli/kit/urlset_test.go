package kit

import (
	"strings"
	"testing"
)

// TestURLSet: what a URL stands for, as curl has it.
func TestURLSet(t *testing.T) {
	for text, want := range map[string]string{
		"http://h/{a,b}/x":         "http://h/a/x http://h/b/x",
		"http://h/{a,}.txt":        "http://h/a.txt http://h/.txt",
		"http://h/p[08-11].png":    "http://h/p08.png http://h/p09.png http://h/p10.png http://h/p11.png",
		"http://h/[a-c]/[0-10:5]":  "http://h/a/0 http://h/a/5 http://h/a/10 http://h/b/0 http://h/b/5 http://h/b/10 http://h/c/0 http://h/c/5 http://h/c/10",
		"http://{one,two}.test/":   "http://one.test/ http://two.test/",
		"http://h/[1-3]":           "http://h/[1-3]", // a pattern for a listing first
		"http://h/[1-3]/":          "http://h/1/ http://h/2/ http://h/3/",
		"http://[::1]:80/{a,b}":    "http://[::1]:80/a http://[::1]:80/b",
		"http://h/{id}/[abc]":      "http://h/{id}/[abc]",
		`http://h/\{a,b\}\[1-22\]`: "http://h/{a,b}[1-22]",
		"http://h/{a,b":            "http://h/{a,b",
		"http://h/{{a,b}}":         "http://h/{a} http://h/{b}",
		"http://h/[1-":             "http://h/[1-",
		`http://h/a\b`:             `http://h/a\b`,
	} {
		got, err := URLSet(text, false)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if got, err := URLSet("http://h/[1-3]", true); err != nil || len(got) != 3 {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"http://h/[10-1]", "http://h/[01-10:0]", "http://h/[0-99999]", "http://h/[000-999][000-999]", "http://h/[0-999999999999999999]"} {
		if got, err := URLSet(bad, false); err == nil {
			t.Errorf("%s: %d URLs", bad, len(got))
		}
	}
	for text, want := range map[string]bool{"http://h": true, "HTTPS://h": true, "ftp://h": false, "h/x": false} {
		if IsURLSet("", text) != want {
			t.Errorf("%s", text)
		}
	}
}

func FuzzURLSet(f *testing.F) {
	f.Add("http://h/{a,b}[1-3]\\[", true)
	f.Fuzz(func(t *testing.T, text string, all bool) {
		if urls, err := URLSet(text, all); err == nil && (len(urls) == 0 || len(urls) > maxURLs) {
			t.Errorf("%d URLs", len(urls))
		}
	})
}
