package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// TestTraceCountsContent: each protocol's trace counts the content, on the side that it
// went to.
func TestTraceCountsContent(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	url := labURLs(t)
	for name := range url {
		url[name] = withLogin(url[name])
	}
	local := filepath.Join(t.TempDir(), "local.txt")
	if err := os.WriteFile(local, bytes.Repeat([]byte("x"), 123), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line     string
		received bool // what the command writes; else nothing
		sent     string
	}{
		{"cat FTPREADME.txt", true, ""},
		{"put LOCAL FTPincoming/x", false, "123"},
		{"cat HTTPREADME.txt", true, ""},
		{"put LOCAL HTTPincoming/x", false, "123"},
		{"cat NNTPlocal.test/2", true, ""},
		{"cat POP31", true, ""},
		{"cat IMAPINBOX;UID=1", true, ""},
		{"cat GOPHER0/README.txt", true, ""},
		{"smtp send SMTP --from a@b.example --raw LOCAL alice@lab.test", false, "123"},
	} {
		t.Run(c.line, func(t *testing.T) {
			words := strings.Fields(c.line)
			for i, w := range words {
				for name, u := range url {
					if rest, ok := strings.CutPrefix(w, name); ok {
						words[i] = u + rest
					}
				}
			}
			trace := filepath.Join(t.TempDir(), "trace.txt")
			var out, errOut bytes.Buffer
			args := strings.Fields(strings.Replace(strings.Join(words, " "), "LOCAL", local, 1))
			if code := Main(t.Context(), append(args, "--trace", trace), strings.NewReader(""), &out, &errOut); code != 0 {
				t.Fatalf("exit code %d: %s", code, errOut.String())
			}
			text, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			for mark, want := range map[string]string{"« data received ": map[bool]string{true: strconv.Itoa(out.Len())}[c.received], "» data sent ": c.sent} {
				if n := strings.Count(string(text), mark); want == "" && n != 0 || want != "" && !strings.Contains(string(text), mark+want+" bytes\n") {
					t.Errorf("want %q %s bytes in\n%s", mark, want, text)
				}
			}
		})
	}
}

// TestTraceShowsContent: a trace for programs has how the content begins, also of lists
// that no line shows.
func TestTraceShowsContent(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	mail := maillab.Sample()
	for _, c := range []struct {
		path  string
		start func() (lab.Server, error)
		also  string
	}{
		{"README.txt", func() (lab.Server, error) { return ftplab.Start(ftplab.Options{}) }, ""},
		{"README.txt", func() (lab.Server, error) { return weblab.StartHTTP(weblab.HTTPOptions{}) }, ""},
		{"1", func() (lab.Server, error) { return maillab.StartPOP3(maillab.POP3Options{Mail: mail}) }, "UIDL\r\n"},
		{"local.test/2", func() (lab.Server, error) { return newslab.Start(newslab.Options{}) }, "VERSION 2\r\n"},
		{"0/README.txt", func() (lab.Server, error) { return textlab.StartGopher(textlab.GopherOptions{}) }, ""},
	} {
		s, err := c.start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		u := strings.Replace(s.URL(), "://", "://alice:secret@", 1)
		if strings.HasPrefix(u, "gopher") {
			u = s.URL()
		}
		path := filepath.Join(t.TempDir(), "trace.jsonl")
		var out, words bytes.Buffer
		if code := Main(t.Context(), []string{"cat", u + c.path, "--trace", path}, strings.NewReader(""), &out, &words); code != 0 {
			t.Fatalf("exit code %d: %s", code, words.String())
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var heads []string
		for e, err := range trace.Read(path, f) {
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, e.Head)
		}
		f.Close()
		all := strings.Join(heads, "\n")
		if !strings.Contains(all, out.String()) || !strings.Contains(all, c.also) {
			t.Errorf("%s: %q in %q", u, out.String(), heads)
		}
	}
}
