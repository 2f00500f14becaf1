package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// news runs a verb of NNTP at a server and returns what it prints and its exit code.
func news(t *testing.T, s *newslab.Server, verb string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, words bytes.Buffer
	args = append([]string{"nntp", verb, s.URL() + "local.test"}, args...)
	code = Main(t.Context(), args, strings.NewReader(""), &out, &words)
	return out.String(), words.String(), code
}

// TestNewsHeaderInjection: no flag can put a header of its own into an article.
func TestNewsHeaderInjection(t *testing.T) {
	s, err := newslab.Start(newslab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, flag := range []string{"--subject", "--from", "--newsgroups", "--references", "--followup-to", "--distribution", "--organization", "--cancel", "--supersedes", "--reply-to", "-H"} {
		for _, value := range []string{"a@b.invalid\r\nApproved: me", "a@b.invalid\nApproved: me", "a@b.invalid\rApproved: me", "a\x00b"} {
			if flag == "-H" {
				value = "X: " + value
			}
			args := []string{"--body", "x"}
			for name, usual := range map[string]string{"--subject": "s", "--from": "me@example.org", "--newsgroups": "local.test"} {
				if name != flag {
					args = append(args, name, usual)
				}
			}
			out, words, code := news(t, s, "post", append(args, flag, value)...)
			if code != protocols.KindUsage.Exit() || out != "" {
				t.Errorf("%s %q: exit code %d, %s%s", flag, value, code, out, words)
			}
		}
	}
	for _, line := range s.Commands() {
		if line == "POST" {
			t.Fatal("something was posted")
		}
	}
}

// TestNewsPost composes articles of all kinds and reads them back.
func TestNewsPost(t *testing.T) {
	s, err := newslab.Start(newslab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	data := filepath.Join(t.TempDir(), "data.bin")
	if err := os.WriteFile(data, []byte("\x00\x01binary\r\n.\r\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	post := func(args ...string) {
		t.Helper()
		if _, words, code := news(t, s, "post", append([]string{"--from", "Mé <me@example.org>"}, args...)...); code != 0 {
			t.Fatalf("%q: %d, %s", args, code, words)
		}
	}
	post("-n", "local.test,local.empty", "--subject", "Hällo", "--body", ".dot\n", "--references", "<1@lab.invalid>", "--references", "<2@lab.invalid>",
		"--followup-to", "local.empty", "--distribution", "local", "--organization", "Ünited", "--attach", data, "-H", "Message-ID: <whole@example.org>")
	article, ok := s.News().Article("<whole@example.org>")
	head, body, _ := strings.Cut(string(article), "\r\n\r\n")
	for _, want := range []string{
		"Newsgroups: local.test,local.empty", "References: <1@lab.invalid> <2@lab.invalid>", "Followup-To: local.empty", "Distribution: local",
		"Subject: =?", "Organization: =?", "Content-Type: multipart/mixed", "Message-ID: <whole@example.org>",
	} {
		if !strings.Contains(strings.ToLower("\r\n"+head), strings.ToLower("\r\n"+want)) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
	if !ok || strings.Contains(head, "Bcc") || strings.Count(strings.ToLower(head), "message-id:") != 1 || !strings.Contains(body, "AAFiaW5hcnkNCi4NCg==") || !strings.Contains(body, "\r\n.dot") {
		t.Errorf("%s\n%s", head, body)
	}
	post("--subject", "new", "--body", "x", "--supersedes", "<whole@example.org>", "-H", "Message-ID: <next@example.org>")
	if _, old := s.News().Article("<whole@example.org>"); old {
		t.Error("the article that was superseded is there")
	}
	post("--cancel", "<next@example.org>", "-H", "Message-ID: <cancel@example.org>")
	if _, old := s.News().Article("<next@example.org>"); old {
		t.Error("the article that was cancelled is there")
	}
	if control, _ := s.News().Article("<cancel@example.org>"); !bytes.Contains(control, []byte("\r\nControl: cancel <next@example.org>\r\n")) {
		t.Errorf("%s", control)
	}
}
