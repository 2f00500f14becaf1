package cli

import (
	"strings"
	"testing"
)

// TestNoPasswordInUsageErrors: whatever is wrong with a URL, or with the place where it
// stands, its password is not shown.
func TestNoPasswordInUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	urls := []string{
		"http://bob:s3cret@h:99999/", "http://bob:s3cret@h:x/", "http://bob:s3cret@/", "http://bob:s3cret@[::1/", "http://bob:s3cret@h/%zz", "http://bob:s3cret@h\t/",
		"http://bob:s3cret@h/\r\nX: y", "htp://bob:s3cret@h/", "http:bob:s3cret@h", "http:/bob:s3cret@h/", "http://bob:s3cret@@h/", "http://bob:s3cret@a@h/",
		"https://bob:s3cret@h:/ /", "HTTP://bob:s3cret@h:0/", "ftp://bob:s3cret@h:99999/", "gopher://bob:s3cret@h:x/", "http://bob:s3cret%zz@h/", "http://bob:s3cret@h/a#b?c\x00",
	}
	lines := [][]string{
		{"get"}, {"cat"}, {"ls"}, {"head"}, {"http", "head"}, {"http", "post"}, {"http", "request", "BAD METHOD"}, {"http", "request"}, {"http", "robots"}, {"http", "cookies"}, {"put", "/none"}, {"put"}, {"cp", "/none"},
		{"cp"}, {"sync"}, {"sync", "/none"}, {"rm"}, {"mv"}, {"probe"}, {"stat"}, {"nosuchverb"}, {"http", "nosuchverb"}, {"gopher", "ls"}, {"raw"},
		{"cat", "data:,x", "-x"}, {"cat", "data:,x", "--proxy-header"}, {"cat", "data:,x", "-H"}, {"cat", "data:,x", "--cookie"}, {"cat", "data:,x", "--if-newer"}, {"cat", "data:,x", "--http1"}, {"cat", "data:,x", "--max-redirects"},
		{"cat", "data:,x", "--connect-to"}, {"cat", "data:,x", "--resolve"}, {"cat", "data:,x", "--range"}, {"cat", "data:,x", "--profile"}, {"cat", "data:,x", "--tls"}, {"cat", "data:,x", "--ca-file"},
		{"http", "post", "127.0.0.1:1", "-d", "x", "--form"}, {"http", "post", "127.0.0.1:1", "a:=1"}, {"http", "post", "127.0.0.1:1", "--data-json"}, {"http", "post", "127.0.0.1:1", "-d"},
	}
	for _, line := range lines {
		for _, u := range urls {
			args := append(append([]string{}, line...), u, "--retries", "0", "--connect-timeout", "100ms", "--timeout", "1s")
			if got := mainLine(t, args...); strings.Contains(got.out+got.errOut, "s3cret") {
				t.Errorf("%q: exit code %d, %q %q", args[:len(line)+1], got.code, got.out, got.errOut)
			}
		}
	}
}
