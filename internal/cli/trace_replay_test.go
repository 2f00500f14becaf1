package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// replayed is a running trace replay.
type replayed struct {
	url  string
	rest chan string // what it prints after the URL
	code chan int
}

func startReplay(t *testing.T, args ...string) *replayed {
	t.Helper()
	r, w := io.Pipe()
	p := &replayed{rest: make(chan string, 1), code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		var words bytes.Buffer
		code := Main(ctx, append([]string{"trace", "replay", "--once"}, args...), strings.NewReader(""), w, &words)
		io.WriteString(w, words.String())
		w.Close()
		p.code <- code
	}()
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(line, "://127.0.0.1:") {
		t.Fatalf("replay says %q, %v", line, err)
	}
	p.url = strings.TrimSuffix(line, "\n")
	go func() {
		rest, _ := io.ReadAll(lines)
		p.rest <- string(rest)
	}()
	return p
}

func withLogin(u string) string {
	if strings.HasPrefix(u, "gopher") {
		return u
	}
	return strings.Replace(u, "://", "://alice:secret@", 1)
}

// TestTraceReplay: the recorded server side serves the same command again, with the same
// result.
func TestTraceReplay(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	local := filepath.Join(t.TempDir(), "local.txt")
	if err := os.WriteFile(local, bytes.Repeat([]byte("line\r\n"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	urls := labURLs(t)
	for _, c := range []struct {
		line string
		same bool // the output too, and not only the exit code
	}{
		{"cat FTP README.txt", true},
		{"ls FTP", true},
		{"cat FTP none", true},
		{"put FTP incoming/x", true},
		{"ftp cat --active FTP README.txt", true},
		{"cat TLS README.txt", true},
		{"cat HTTP README.txt", true},
		{"cat HTTP none", true},
		{"ls HTTP", true},
		{"put HTTP incoming/x", true},
		{"ls IMAP INBOX", false}, // a trace has no literals
		{"cat IMAP INBOX;UID=1", false},
		{"cat POP3 1", true},
		{"ls POP3", true},
		{"cat NNTP local.test/2", true},
		{"ls NNTP", true},
		{"cat GOPHER 0/README.txt", true},
		{"ls GOPHER", true},
		{"smtp send SMTP", true},
	} {
		t.Run(c.line, func(t *testing.T) {
			run := func(base string, more ...string) (int, string) {
				words := strings.Fields(c.line)
				at := wordsBefore(words, urls)
				args := slices.Clone(words[:at])
				if words[0] == "put" {
					args = append(args, local)
				}
				args = append(args, withLogin(base)+strings.Join(words[at+1:], " "))
				if words[0] == "smtp" {
					args = append(args, "--from", "a@b.example", "--to", "alice@lab.test", "--raw", local)
				}
				if words[0] == "smtp" || strings.Contains(c.line, "POP3") { // the challenge of SCRAM hides a secret: it is not repeated
					args = append(args, "--auth", "PLAIN")
				}
				var out, errs bytes.Buffer
				code := Main(t.Context(), append(args, append(more, "--insecure", "--retries", "0")...), strings.NewReader(""), &out, &errs)
				if code != 0 {
					t.Logf("%q: %s", args, errs.String())
				}
				return code, out.String()
			}
			path := filepath.Join(t.TempDir(), "t.jsonl")
			code, want := run(urls[strings.Fields(c.line)[wordsBefore(strings.Fields(c.line), urls)]], "--trace", path)
			p := startReplay(t, path)
			again, got := run(p.url)
			if again != code || c.same && got != want {
				t.Errorf("exit code %d, want %d; got %q, want %q", again, code, got, want)
			}
			if rest, end := <-p.rest, <-p.code; end != 0 {
				t.Errorf("replay ends with %d: %s", end, rest)
			}
		})
	}
}

// labURLs starts a server for each name.
func labURLs(t *testing.T) map[string]string {
	t.Helper()
	mail := maillab.Sample()
	urls := map[string]string{}
	for name, start := range map[string]func() (lab.Server, error){
		"FTP": func() (lab.Server, error) { return ftplab.Start(ftplab.Options{}) },
		"TLS": func() (lab.Server, error) {
			return ftplab.Start(ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
		},
		"HTTP":   func() (lab.Server, error) { return weblab.StartHTTP(weblab.HTTPOptions{}) },
		"SMTP":   func() (lab.Server, error) { return maillab.StartSMTP(maillab.SMTPOptions{Mail: mail}) },
		"POP3":   func() (lab.Server, error) { return maillab.StartPOP3(maillab.POP3Options{Mail: mail}) },
		"IMAP":   func() (lab.Server, error) { return maillab.StartIMAP(maillab.IMAPOptions{Mail: mail}) },
		"NNTP":   func() (lab.Server, error) { return newslab.Start(newslab.Options{}) },
		"GOPHER": func() (lab.Server, error) { return textlab.StartGopher(textlab.GopherOptions{}) },
	} {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		urls[name] = s.URL()
	}
	return urls
}

// wordsBefore is how many words stand before the name of a server.
func wordsBefore(words []string, urls map[string]string) int {
	for i, w := range words {
		if urls[w] != "" {
			return i
		}
	}
	return len(words)
}

// TestTraceReplayOtherCommands: a client that does something else is told apart, and the
// answers are those that were recorded.
func TestTraceReplayOtherCommands(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s, err := ftplab.Start(ftplab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	path := filepath.Join(t.TempDir(), "t.txt")
	if code, _, errs := probeCLI(t, "cat", withLogin(s.URL())+"README.txt", "--trace", path); code != 0 {
		t.Fatal(errs)
	}
	known := schemas{}
	for _, c := range []struct {
		strict bool
		code   int
		words  []string
	}{
		{false, 0, []string{`"stray":"other","want":"RETR README.txt","got":"RETR other.txt"`}},
		{true, 9, []string{`"stray":"other","want":"SIZE README.txt","got":"SIZE other.txt"`}},
	} {
		args := []string{path, "--json"}
		if c.strict {
			args = append(args, "--strict")
		}
		p := startReplay(t, args...)
		var ready struct{ URL, Protocol string }
		if err := json.Unmarshal([]byte(p.url), &ready); err != nil || ready.Protocol != "ftp" {
			t.Fatalf("%s: %v", p.url, err)
		}
		if code, _, errs := probeCLI(t, "cat", withLogin(ready.URL)+"other.txt", "--retries", "0"); code != c.code {
			t.Errorf("exit code %d: %s", code, errs)
		}
		rest := <-p.rest
		for _, want := range c.words {
			if !strings.Contains(rest, want) {
				t.Errorf("no %s in %s", want, rest)
			}
		}
		for line := range strings.Lines(p.url + "\n" + rest) {
			if why := known.breaks(t, "replay", line); why != "" {
				t.Errorf("%s: %s", line, why)
			}
		}
		if end := <-p.code; end != 1 {
			t.Errorf("replay ends with %d", end)
		}
	}
	if code, _, errs := probeCLI(t, "trace", "replay", path, "--listen", "0.0.0.0:0"); code != 2 {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
