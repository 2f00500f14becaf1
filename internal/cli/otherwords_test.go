package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestOtherWords: the words, flags and schemes of other programs are understood, or the
// error says what they are called here.
func TestOtherWords(t *testing.T) {
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"list ftp://127.0.0.1:1/", 3, "ftp ls 127.0.0.1:1: connection refused"},
		{"dir ftp://127.0.0.1:1/", 3, "ftp ls"},
		{"ftp list 127.0.0.1:1", 3, "ftp ls"},
		{"download ftp://127.0.0.1:1/x", 3, "ftp get"},
		{"del --yes ftp://127.0.0.1:1/x", 3, "ftp rm"},
		{"move ftp://127.0.0.1:1/x y", 3, "ftp mv"},
		{"copy ftp://127.0.0.1:1/x y", 3, "ftp cp"},
		{"http delete 127.0.0.1:1/x", 3, "http delete"},
		{"nntp list 127.0.0.1:1 motd", 3, "nntp list"},
		{"telnet 127.0.0.1:1", 3, "telnet open"},
		{"telnet --timeout 5s 127.0.0.1:1", 3, "telnet open"},
		{"tcp 127.0.0.1:1", 3, "tcp connect"},
		{"tcp foo", 2, "tcp: no verb foo; tcp can connect, listen"},
		{"http GET 127.0.0.1:1/", 3, "http request"},
		{"http request get 127.0.0.1:1/", 3, "http request"},
		{"http foo 127.0.0.1:1/", 2, "http: no verb foo"},
		{"ftp://bob:xy@h/x", 2, "did you mean netclients ls ftp://bob@h/x; netclients cat ftp://bob@h/x"},
		{"telnet://h", 2, "netclients telnet open telnet://h"},
		{"fttp://h/", 2, `unknown scheme "fttp"; did you mean ftp?`},
		{"ls fttp://h/", 2, "did you mean ftp?"},
		{"ls sftp://h/", 2, "sftp: is not spoken here; use sftp(1)"},
		{"cp ftp://h/a scp://h/b", 2, "use scp(1)"},
		{"ls foo://h/", 2, "the protocols are ftp, http, gopher"},
		{"get --bwlimit 3k ftp://h/x", 2, "get: unknown flag --bwlimit; here it is --limit-rate"},
		{"http get -I 127.0.0.1:1", 3, "http get 127.0.0.1:1"},
		{"cat -i http://127.0.0.1:1/x", 3, "http cat 127.0.0.1:1/x"},
		{"cat -I -X GET http://127.0.0.1:1/x", 2, "-I is -X HEAD"},
		{"get -X POST http://127.0.0.1:1/x", 2, "netclients http request POST URL -o FILE"},
		{"cat -i --if-newer 2020-01-01 http://127.0.0.1:1/x", 2, "--if-newer cannot be used with -i"},
		{"ls -I ftp://127.0.0.1:1/", 2, "netclients http head URL"},
		{"cat -F a=b http://127.0.0.1:1/x", 2, "netclients http post URL --form"},
		{"nntp post h --group x", 2, "here it is --newsgroups"},
		{"nntp list 127.0.0.1:1", 3, "nntp list"},
		{"get -k -x 127.0.0.1:1 http://h/x", 3, "proxy 127.0.0.1:1"},
		{"get -L -O http://127.0.0.1:1/x", 3, "http get 127.0.0.1:1"},
		{"cat -L http://127.0.0.1:1/x", 3, "http cat 127.0.0.1:1"},
		{"cat -O http://127.0.0.1:1/x", 2, "here it is the verb get"},
		{"get -i http://127.0.0.1:1/x", 2, "netclients http request -i GET URL"},
		{"ls --before NOOP ftp://127.0.0.1:1/", 2, "--before has no effect here; it is for put, append, cat, get, cp, sync, mirror"},
		{"lab --trace x true", 2, "lab: --trace is for clients"},
		{"ls --help", 0, ""},
		{"http 127.0.0.1:1/x", 3, "http request 127.0.0.1:1/x"},
		{"http POST", 2, "URL is missing"},
		{"find ftp://127.0.0.1:1/ -name *.txt", 3, "ftp find 127.0.0.1:1"},
		{"tree ftp://h/", 2, "no verb tree; here it is netclients ls -R URL"},
		{"get ftp://127.0.0.1:1/a /tmp/b", 2, "/tmp/b is not a URL; to save there: netclients get -o /tmp/b URL"},
		{"get", 2, "get: URL is missing: netclients get URL...; for example: netclients get ftp://"},
		{"ftp chmod h/x", 2, "ftp chmod: MODE is missing"},
		{"version a", 2, "version: too many arguments"},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
			var out, errOut bytes.Buffer
			code := Main(t.Context(), append(strings.Fields(c.line), "--retries", "0"), strings.NewReader(""), &out, &errOut)
			if code != c.code || !strings.Contains(errOut.String(), c.want) {
				t.Errorf("exit code %d, want %d; %s lacks %q", code, c.code, errOut.String(), c.want)
			}
		})
	}
}
