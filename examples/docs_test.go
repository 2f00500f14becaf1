package examples

import (
	"bufio"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols/lab"
)

// hosts maps the host names in the documents to the servers of the lab.
var hosts = map[string]string{
	"ftp": "ftp", "www": "http", "imap": "imap", "pop": "pop3", "smtp": "smtp", "news": "nntp", "gopher": "gopher", "rpc": "xmlrpc",
	"telnet": "telnet", "tcp": "tcp", "udp": "udp", "mail": "mail",
}

// files are the input files of the commands.
var files = map[string]string{
	"report.txt":     "a report\n",
	"page.html":      "<p>A report.</p>\n",
	"message.eml":    "From: me@example.org\nTo: alice@example.org\nSubject: by hand\nMessage-ID: <docs-1@example.org>\n\ntext\n",
	"letters.ndjson": `{"from":"me@example.org","to":["alice@example.org"],"subject":"one","body":"1"}` + "\n" + `{"from":"me@example.org","to":["alice@example.org"],"subject":"two","body":"2"}` + "\n",
}

// TestDocuments runs the lines of README.md and docs/cookbook.md that begin with
// netclients, or pipe into it, in order, with the servers of `netclients lab`.
func TestDocuments(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("the commands need a shell: %v", err)
	}
	program := programtest.Build(t)
	bin := filepath.Dir(program)
	for _, doc := range []struct {
		file, heading string
		after         map[string]int64 // files that the commands create, with their sizes
	}{
		{"../README.md", "\n## Examples\n", map[string]int64{"large.bin": 3 << 20, "mirror/many/file07.txt": 14}},
		{"../docs/cookbook.md", "# Cookbook\n", map[string]int64{"downloads/large.bin": 3 << 20, "web.bin": 3 << 20, "head.bin": 100, "gopher-mirror/many/file07.txt": 14, "web-mirror/many/file07.txt": 14,
			"pushed.txt": 9, "pulled.txt": 9, "echoed.txt": 6, "heard.txt": 5, "shouted.txt": 6, "answer.txt": 6, "all.log": 5, "secret.txt": 6, "datagram.txt": 5, "shouted-datagram.txt": 5, "forwarded.txt": 5}},
	} {
		t.Run(filepath.Base(doc.file), func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			env := []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "WORD=secret"}
			servers := startLab(t, program, env)
			servers["mail"] = startMail(t)
			for _, line := range lines(t, doc.file, doc.heading) {
				if runtime.GOOS != "linux" && strings.Contains(line, "--broadcast") {
					continue // other systems have no broadcast on the loopback network
				}
				line = freePorts(t, line)
				cmd := exec.CommandContext(t.Context(), sh, "-c", servers.in(line))
				cmd.Dir, cmd.Env = dir, env
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
			}
			for name, want := range doc.after {
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != want {
					t.Errorf("%s: %v, %v", name, info, err)
				}
			}
		})
	}
}

// servers are the URLs of a running lab, by protocol.
type servers map[string]*url.URL

// startLab runs `netclients lab`; it must end soon after an interrupt.
func startLab(t *testing.T, program string, env []string) servers {
	t.Helper()
	cmd := exec.Command(program, "lab")
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
		defer stop()
		defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
		if cmd.Wait(); ctx.Err() != nil {
			t.Error("the lab did not exit after an interrupt")
		}
	})
	found := servers{}
	for in := bufio.NewScanner(out); found["submission"] == nil && in.Scan(); {
		if words := strings.Fields(in.Text()); len(words) >= 2 && words[0] != "PROTOCOL" {
			if found[words[0]], err = url.Parse(words[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

// startMail starts what the lab of the command line lacks: a mail server with STARTTLS.
func startMail(t *testing.T) *url.URL {
	t.Helper()
	s, err := lab.StartSMTP(lab.SMTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &url.URL{Scheme: "smtp", Host: s.Addr()}
}

var exampleHost = regexp.MustCompile(`(@|\b)([a-z]+)\.example\.org\b`)

// in substitutes the lab's servers for those in a line, with a login where there
// are logins and the line names no user.
func (s servers) in(line string) string {
	return exampleHost.ReplaceAllStringFunc(line, func(host string) string {
		word, _, _ := strings.Cut(strings.TrimPrefix(host, "@"), ".")
		u := s[hosts[word]]
		switch {
		case u == nil:
			return host
		case host[0] == '@' && strings.Contains(line, "//alice@"+word+"."):
			return "@" + u.Host
		case word == "tcp" || word == "udp" || word == "telnet" || word == "mail":
			return u.Host
		}
		return "alice:secret@" + u.Host
	})
}

var ownPort = regexp.MustCompile(`:90[0-9][0-9]\b`)

// freePorts substitutes free ports for those that a line listens on, 9000 to 9099.
func freePorts(t *testing.T, line string) string {
	t.Helper()
	ports := map[string]string{}
	return ownPort.ReplaceAllStringFunc(line, func(named string) string {
		if ports[named] == "" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			_, port, _ := net.SplitHostPort(l.Addr().String())
			ports[named] = ":" + port
		}
		return ports[named]
	})
}

var command = regexp.MustCompile(`^ {4}((.*\| )?netclients .*)\n`)

// lines returns the commands after a heading, up to the next heading of the same
// level.
func lines(t *testing.T, file, heading string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), heading)
	if strings.HasPrefix(heading, "\n## ") {
		part, _, _ = strings.Cut(part, "\n## ")
	}
	for line := range strings.Lines(part) {
		if m := command.FindStringSubmatch(line); m != nil {
			list = append(list, m[1])
		}
	}
	if len(list) < 10 {
		t.Errorf("%s: %d commands", file, len(list))
	}
	return list
}
