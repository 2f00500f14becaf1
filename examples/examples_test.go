// Package examples runs the example programs against an embedded server.
package examples

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// programs is the folder of the built examples.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator), "./...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// example is one run of a program, on the lab's sample tree.
type example struct {
	name string
	args []string // GOPHER, CALLS, WEB: URLs of a Gopher, an XML-RPC and an HTTP server, MAIL: URL of a mail server, SERVER: URL of a file server with user and password, NAME: with a host name, DIR: an empty folder
	code int
	out  []string // substrings of standard output
	err  []string // substrings of standard error
	file string   // below DIR, must contain want
	want string
}

func examples() []example {
	return []example{
		{name: "ftp-list", args: []string{"SERVERpub/"}, out: []string{"file          256  2024-02-29 12:34  all-bytes.bin\n", "naïve café ☕.txt\n", "dir "}},
		{name: "ftp-list", args: []string{"SERVERnosuch/"}, code: 1, err: []string{"ftp ls 127.0.0.1:", "/nosuch: 550 ", "(not found)\n"}},
		{name: "ftp-list", args: []string{"ftp://a@b@c/"}, code: 1, err: []string{"more than one @"}},
		{name: "ftp-download", args: []string{"SERVERpub/dos.txt", "DIR/dos.txt"}, out: []string{"done: 15 bytes, starting at byte 0\n"}, file: "dos.txt", want: "first\r\nsecond\r\n"},
		{name: "ftp-download", args: []string{"SERVERpub/dos.txt", "DIR/dos.txt"}, out: []string{"skipped: 0 bytes"}, file: "dos.txt", want: "first\r\nsecond\r\n"},
		{name: "ftp-upload", args: []string{"DIR/dos.txt", "SERVERincoming/up.txt"}, out: []string{"/incoming/up.txt: 15 bytes\n"}},
		{name: "ftp-download", args: []string{"SERVERincoming/up.txt", "DIR/again.txt"}, out: []string{"done: 15 bytes"}, file: "again.txt", want: "first\r\nsecond\r\n"},
		{name: "ftp-upload", args: []string{"DIR/nosuch", "SERVERincoming/x"}, code: 1, err: []string{"nosuch: no such file"}},
		{name: "sync-folder", args: []string{"SERVERpub/nested/", "DIR/tree"}, out: []string{"done many/file07.txt\n", "22 copied, 0 skipped, 0 failed\n"}, file: "tree/many/file07.txt", want: "file number 7\n"},
		{name: "sync-folder", args: []string{"SERVERpub/nested/", "DIR/tree"}, out: []string{"0 copied, 22 skipped, 0 failed\n"}},
		{name: "probe-server", args: []string{"SERVER"}, out: []string{"up=true", "tls=none", "  MLST ["}},
		{name: "probe-server", args: []string{"ftp://127.0.0.1:1/"}, out: []string{"up=false connect "}, code: 1, err: []string{"ftp probe 127.0.0.1:1: "}},
		{name: "trace-dialogue", args: []string{"SERVERREADME.txt"}, out: []string{"Welcome to the lab.\n"}, err: []string{"send PASS ****\n", "recv 226 ", "2 connections, "}},
		{name: "custom-dialer", args: []string{"127.0.0.1", "NAMEpub/"}, out: []string{"all-bytes.bin\n"}, err: []string{": connecting to 127.0.0.1\n"}},
		{name: "smtp-send", args: []string{"MAIL", "me@example.org", "alice@example.org", "DIR/dos.txt"}, out: []string{"alice@example.org: accepted=true 250 "}},
		{name: "smtp-send", args: []string{"MAIL", "me@example.org", "eve@example.org", "DIR/dos.txt"}, code: 1, out: []string{"eve@example.org: accepted=false 550 "}, err: []string{"550 5.1.1 No such user here"}},
		{name: "gopher-menu", args: []string{"GOPHER1/pub"}, out: []string{"menu   \"nested\" gopher://127.0.0.1:", "/1/pub/nested\n"}},
		{name: "gopher-menu", args: []string{"GOPHER7/search?deep"}, out: []string{"file   \"deep.txt\" "}},
		{name: "gopher-menu", args: []string{"GOPHER1/nosuch"}, code: 1, err: []string{"'/nosuch' does not exist (not found)\n"}},
		{name: "xmlrpc-call", args: []string{"CALLS", "echo", `{"a":[1,null]}`}, out: []string{`{"a":[1,null]}` + "\n"}},
		{name: "xmlrpc-call", args: []string{"CALLS", "fault"}, code: 1, err: []string{"fault 42: this method fails\n"}},
		{name: "imap-search", args: []string{"LETTERSINBOX", "from:dave"}, out: []string{"5 ", "A file for you\n"}},
		{name: "imap-search", args: []string{"LETTERSnosuch", "unread"}, code: 1, err: []string{"(not found)\n"}},
		{name: "mail-archive", args: []string{"LETTERSINBOX", "maildir:DIR/archive"}, out: []string{" new, 0 known, "}},
		{name: "mail-archive", args: []string{"LETTERSINBOX", "maildir:DIR/archive"}, out: []string{"0 new, "}},
		{name: "news-headers", args: []string{"NEWSlocal.test", "2"}, out: []string{"5 Alïce <alice@lab.invalid>: A longer one\n", "6 "}},
		{name: "http-request", args: []string{"POST", "WEB-/echo", `{"a":1}`}, out: []string{`"method":"POST"`, `"body":"{\"a\":1}"`}, err: []string{"HTTP/1.1 200 OK after "}},
		{name: "http-request", args: []string{"GET", "WEB-/status/404"}, code: 1, out: []string{"this is the body of a 404\n"}, err: []string{"404 Not Found"}},
		{name: "raw-command", args: []string{"SERVER", "SYST", "NOSUCH"}, out: []string{"215 UNIX", "\n500 "}},
		{name: "raw-command", args: []string{"SERVER", "NOOP\r\nDELE x"}, code: 1, err: []string{"ftp raw 127.0.0.1:"}},
	}
}

// TestExamples runs the examples in order, since some use the results of earlier
// ones.
func TestExamples(t *testing.T) {
	server, err := ftplab.Start(ftplab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := server.Credentials()
	full := strings.Replace(server.URL(), "://", fmt.Sprintf("://%s:%s@", c.User, c.Password), 1)
	dir, bin, ran := t.TempDir(), programs(t), map[string]bool{}
	mail, err := maillab.StartSMTP(maillab.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	gopher, err := textlab.StartGopher(textlab.GopherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer gopher.Close()
	calls, err := weblab.StartXMLRPC(weblab.XMLRPCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close()
	letters, err := maillab.StartIMAP(maillab.IMAPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	news, err := newslab.Start(newslab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	web, err := weblab.StartHTTP(weblab.HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	fill := strings.NewReplacer("WEB", web.URL(), "NEWS", news.URL(), "LETTERS", strings.Replace(letters.URL(), "://", "://alice:secret@", 1), "GOPHER", gopher.URL(), "CALLS", calls.URL(), "MAIL", mail.URL(), "SERVER", full, "DIR", dir, "NAME", strings.Replace(server.URL(), "127.0.0.1", "files.invalid", 1))
	for _, e := range examples() {
		ran[e.name] = true
		t.Run(e.name, func(t *testing.T) { e.run(t, filepath.Join(bin, e.name), fill, dir) })
	}
	t.Run("resume", func(t *testing.T) { resumes(t, filepath.Join(bin, "ftp-download")) })
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, err := os.Stat(filepath.Join(entry.Name(), "go.mod")); err == nil {
			continue // outside_test.go runs the modules
		}
		if entry.IsDir() && !ran[entry.Name()] && !strings.HasPrefix(entry.Name(), "simple-") { // simple_test.go runs those
			t.Errorf("no test runs %s", entry.Name())
		}
	}
}

func (e *example) run(t *testing.T, program string, fill *strings.Replacer, dir string) {
	var args []string
	for _, a := range e.args {
		args = append(args, fill.Replace(a))
	}
	var out, words bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != e.code {
		t.Errorf("exit code %d, want %d: %s", got, e.code, &words)
	}
	holds(t, "standard output", out.String(), e.out)
	holds(t, "standard error", words.String(), e.err)
	if strings.Contains(words.String(), lab.DefaultCredentials().Password) {
		t.Errorf("the output contains the password: %s", &words)
	}
	if e.file == "" {
		return
	}
	if got, err := os.ReadFile(filepath.Join(dir, e.file)); err != nil || string(got) != e.want {
		t.Errorf("%s holds %q, want %q (%v)", e.file, got, e.want, err)
	}
}

func holds(t *testing.T, what, got string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("%s has no %q:\n%s", what, part, got)
		}
	}
}

// resumes: after the server cut off a download, the next one fetches only the
// rest.
func resumes(t *testing.T, program string) {
	faults, err := lab.ParseFaults("data.cut=2M*1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := ftplab.Start(ftplab.Options{ServerOptions: lab.ServerOptions{Faults: faults}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	dest := filepath.Join(t.TempDir(), "large.bin")
	out, err := exec.CommandContext(t.Context(), program, server.URL()+"pub/large.bin", dest).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "done: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	want := make([]byte, 3<<20)
	lab.Pattern(1)(want, 0)
	if got, err := os.ReadFile(dest); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, which differ from the file's (%v)", len(got), err)
	}
	if !slices.ContainsFunc(server.Commands(), func(c string) bool { return strings.HasPrefix(c, "REST ") && c != "REST 0" }) {
		t.Errorf("the download started over: %q", server.Commands())
	}
}
