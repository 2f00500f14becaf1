package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/labcmd"
)

// labLine runs command lines against the embedded servers: FTP, HTTP, ... in a line
// stand for the URL of that server, DIR for a folder of the test.
type labLine struct {
	replacer *strings.Replacer
	dir      string
}

func newLabLine(t *testing.T) *labLine {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	list, stop, err := labcmd.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	l := &labLine{dir: t.TempDir()}
	pairs := []string{"DIR", l.dir}
	for _, protocol := range []string{"ftp", "http", "imap", "nntp", "pop3", "gopher", "tcp"} {
		pairs = append(pairs, strings.ToUpper(protocol)+"/", labcmd.ServerOf(list, protocol).Full())
	}
	l.replacer = strings.NewReplacer(pairs...)
	return l
}

func (l *labLine) run(t *testing.T, line string) (stdout, stderr string, code int) {
	t.Helper()
	var out, words bytes.Buffer
	code = Main(t.Context(), strings.Fields(l.replacer.Replace(line)), strings.NewReader("text"), &out, &words)
	return out.String(), words.String(), code
}

func (l *labLine) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCopyDryRun: a dry run of get, put and cp says what would be done, and does nothing.
func TestCopyDryRun(t *testing.T) {
	l := newLabLine(t)
	l.write(t, "old/README.txt", "old")
	l.write(t, "a.eml", "Subject: a\r\n\r\nbody\r\n")
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"get -n FTP/README.txt -o DIR/new/", `would copy README.txt to DIR/new/README.txt`, 0},
		{"get -n FTP/README.txt -o DIR/old/", `would replace DIR/old/README.txt`, 0},
		{"get -n HTTP/README.txt FTP/pub/dos.txt -o DIR/new/", `would copy dos.txt to DIR/new/dos.txt`, 0},
		{"get -n FTP/none.txt -o DIR/new/", ``, 6},
		{"get -n FTP/none.txt FTP/pub/dos.txt -o DIR/new/", `would copy dos.txt`, 10},
		{"get -n --json FTP/README.txt -o DIR/old/", `"status":"planned","would":"replace"`, 0},
		{"get -n --json -r FTP/pub -o DIR/new/", `"dry_run":true`, 0},
		{"put -n DIR/old/README.txt FTP/incoming/", `would copy README.txt to ftp://`, 0},
		{"put -n DIR/old/README.txt FTP/", `would replace ftp://`, 0},
		{"put -n --append --json DIR/old/README.txt FTP/", `"would":"update"`, 0},
		{"put -n - FTP/incoming/stdin.txt", `would copy - to ftp://`, 0},
		{"put -n DIR/missing FTP/incoming/", ``, 11},
		{"put -n -r DIR/old FTP/incoming/", `would copy README.txt`, 0},
		{"put -n DIR/a.eml IMAP/INBOX", `would copy a.eml to imap://`, 0},
		{"put -n DIR/a.eml IMAP/NoSuchBox", ``, 6},
		{"cp -n FTP/README.txt HTTP/incoming/", `would copy README.txt to http://`, 0},
		{"cp -n IMAP/INBOX;UID=1 IMAP/Archive", `would copy`, 0},
		{"cp -n FTP/pub DIR/new", ``, 2},
		{"ls FTP/incoming/", ``, 0},
		{"ls HTTP/incoming/", ``, 0},
		{"ls IMAP/", `INBOX`, 0},
	} {
		out, words, code := l.run(t, c.line)
		if want := strings.ReplaceAll(c.want, "DIR", l.dir); code != c.code || !strings.Contains(out, want) || c.want == "" && out != "" {
			t.Errorf("%s: exit code %d, %q, %s", c.line, code, out, words)
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "new")); !os.IsNotExist(err) {
		t.Errorf("a dry run made a folder: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(l.dir, "old/README.txt")); err != nil || string(b) != "old" {
		t.Errorf("a dry run changed a file to %q, %v", b, err)
	}
}

// TestCopyRecursive: -r copies folders as cp -r does, and deletes nothing.
func TestCopyRecursive(t *testing.T) {
	l := newLabLine(t)
	l.write(t, "up/a/one.txt", "1")
	l.write(t, "up/two.txt", "22")
	l.write(t, "kept/nested/mine.txt", "mine")
	for _, c := range []struct {
		line string
		code int
		has  string // a file below the folder of the test afterwards, or on the server
	}{
		{"get -r FTP/pub/nested -o DIR/kept", 0, "kept/nested/a/one.txt"},
		{"get -r FTP/pub/nested -o DIR/fresh", 0, "fresh/a/one.txt"},
		{"get -r HTTP/pub/nested/ -o DIR/web/", 0, "web/nested/a/one.txt"},
		{"get -r FTP/README.txt FTP/pub/nested -o DIR/both/", 0, "both/README.txt"},
		{"get -r FTP/none FTP/pub/nested -o DIR/some/", 10, "some/nested/a/one.txt"},
		{"get -r FTP/none -o DIR/some/", 6, ""},
		{"put -r DIR/up FTP/incoming", 0, ""},
		{"cat FTP/incoming/up/a/one.txt", 0, ""},
		{"put -r DIR/up FTP/incoming/other", 0, ""},
		{"cat FTP/incoming/other/two.txt", 0, ""},
		{"cp -r FTP/incoming/up HTTP/incoming/", 0, ""},
		{"cat HTTP/incoming/up/a/one.txt", 0, ""},
		{"cp -r IMAP/INBOX maildir:DIR/mail", 0, "mail/new"},
	} {
		if out, words, code := l.run(t, c.line); code != c.code {
			t.Errorf("%s: exit code %d, %s%s", c.line, code, out, words)
		}
		if _, err := os.Stat(filepath.Join(l.dir, c.has)); err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "kept/nested/mine.txt")); err != nil {
		t.Errorf("deleted: %v", err)
	}
}

// TestGetMakesFolder: the folder that -o names with a slash is made, with those above it.
func TestGetMakesFolder(t *testing.T) {
	l := newLabLine(t)
	if _, words, code := l.run(t, "get FTP/README.txt -o DIR/new/below/"); code != 0 {
		t.Fatalf("exit code %d, %s", code, words)
	}
	if info, err := os.Stat(filepath.Join(l.dir, "new/below/README.txt")); err != nil || info.Size() == 0 {
		t.Error(info, err)
	}
}

// TestGetUnwritable: a folder in which no file can be made is reported once, and the
// other URLs are not tried.
func TestGetUnwritable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	l := newLabLine(t)
	if err := os.Mkdir(filepath.Join(l.dir, "locked"), 0o555); err != nil {
		t.Fatal(err)
	}
	_, words, code := l.run(t, "get --parallel 1 FTP/README.txt HTTP/pub/dos.txt HTTP/pub/none.txt -o DIR/locked/")
	if code != 11 || strings.Count(words, "permission denied") != 1 {
		t.Errorf("exit code %d, %s", code, words)
	}
}

// TestManyAreSummed: of many URLs the single ones are named with -v or --json only; what
// failed is always named.
func TestManyAreSummed(t *testing.T) {
	l := newLabLine(t)
	for _, c := range []struct {
		line      string
		words, no string
		code      int
	}{
		{"get FTP/README.txt FTP/pub/dos.txt -o DIR/a/", "2 done, 86 B", "README.txt", 0},
		{"get HTTP/README.txt FTP/pub/dos.txt -o DIR/b/", "2 done, 86 B", "README.txt", 0},
		{"get FTP/README.txt FTP/pub/dos.txt FTP/none -o DIR/c/", "2 done, 1 failed, 86 B", "README.txt", 10},
		{"get FTP/none FTP/pub/dos.txt -o DIR/c/", "none", "dos.txt", 10},
		{"get -v FTP/README.txt FTP/pub/dos.txt -o DIR/d/", "README.txt", "", 0},
		{"get -q FTP/README.txt FTP/pub/dos.txt -o DIR/e/", "", "done", 0},
		{"get --continue FTP/README.txt HTTP/README.txt FTP/pub/dos.txt -o DIR/e/", "", "", 2},
		{"get FTP/README.txt -o DIR/f.txt", "f.txt", "", 0},
		{"put DIR/a/README.txt DIR/a/dos.txt FTP/incoming/", "2 done, 86 B", "README.txt", 0},
	} {
		out, words, code := l.run(t, c.line)
		if code != c.code || out != "" || !strings.Contains(words, c.words) || c.no != "" && strings.Contains(words, c.no) {
			t.Errorf("%s: exit code %d, %q, %s", c.line, code, out, words)
		}
	}
	if out, _, _ := l.run(t, "get --json FTP/README.txt FTP/pub/dos.txt -o DIR/g/"); strings.Count(out, `"status":"done"`) != 2 {
		t.Errorf("with --json: %s", out)
	}
	if _, words, code := l.run(t, "get --stats 5ms --limit-rate 1k FTP/pub/large.bin -o DIR/h.bin --max-size 1G --timeout 400ms --retries 0"); !strings.Contains(words, "progress: ") {
		t.Errorf("with --stats: exit code %d, %s", code, words)
	}
}
