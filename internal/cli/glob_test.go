package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMaildirGlobs: patterns match the files of messages, in new and cur or in one of them.
func TestMaildirGlobs(t *testing.T) {
	l := newLabLine(t)
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(l.dir, "mail", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, subject := range map[string]string{"new/a1.host": "one", "new/b1.host": "two", "cur/a2.host:2,S": "three"} {
		l.write(t, "mail/"+name, "Subject: "+subject+"\n\n"+subject+"\n")
	}
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"cat maildir:DIR/mail/a*", "Subject: one\n\none\nSubject: three\n\nthree\n", 0},
		{"cat maildir:DIR/mail/new/*", "Subject: one\n\none\nSubject: two\n\ntwo\n", 0},
		{"cat maildir:DIR/mail/cur/b*", "", 6},
		{"cat --no-glob maildir:DIR/mail/new/a*", "", 6},
		{"rm --yes maildir:DIR/mail/new/a*", "", 0},
		{"cat maildir:DIR/mail/*", "Subject: two\n\ntwo\nSubject: three\n\nthree\n", 0},
	} {
		t.Run(c.line, func(t *testing.T) {
			out, words, code := l.run(t, c.line)
			if code != c.code || out != c.want {
				t.Errorf("exit code %d, %q, %s", code, out, words)
			}
		})
	}
	out, words, code := l.run(t, "ls maildir:DIR/mail/b*")
	if code != 0 || !strings.HasPrefix(out, "b1.host") || strings.Contains(out, "a2") {
		t.Errorf("ls: exit code %d, %q, %s", code, out, words)
	}
}

// TestGlobs: a pattern in the last component of a URL matches the listing; a name that is
// there literally wins.
func TestGlobs(t *testing.T) {
	l := newLabLine(t)
	for _, name := range []string{"a1.txt", "a2.txt", "b1.txt", ".a3.txt", "x[1].log", "x1.log"} {
		l.write(t, name, "content of "+name)
	}
	for _, server := range []string{"FTP/", "HTTP/"} {
		for _, name := range []string{"a1.txt", "a2.txt", "b1.txt", ".a3.txt", "x[1].log", "x1.log"} {
			if _, words, code := l.run(t, "put DIR/"+name+" "+server+"incoming/"); code != 0 {
				t.Fatal(words)
			}
		}
	}
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"ls FTP/incoming/a*", "a1.txt\na2.txt\n", 0},
		{"ls FTP/incoming/?1.txt", "a1.txt\nb1.txt\n", 0},
		{"ls HTTP/incoming/[ab]1.txt", "a1.txt\nb1.txt\n", 0},
		{"ls FTP/incoming/[!a]*.txt", "b1.txt\n", 0},
		{"ls FTP/incoming/.a*", ".a3.txt\n", 0},
		{"ls --no-glob FTP/incoming/a*", "", 6},
		{"ls FTP/incoming/z*", "", 6},
		{"ls HTTP/incoming/z*", "", 6},
		{"ls FTP/in*", "incoming/\n", 0},
		{"ls IMAP/INB*", "INBOX\n", 0},
		{"ls NNTP/local.emp*", "local.empty\n", 0},
		{"cat FTP/incoming/a?.txt", "content of a1.txtcontent of a2.txt", 0},
		{"cat HTTP/incoming/a*.txt", "content of a1.txtcontent of a2.txt", 0},
		{"cat FTP/incoming/x[1].log", "content of x[1].log", 0},
		{"cat HTTP/incoming/x[1].log", "content of x[1].log", 0},
		{"cat FTP/incoming/z*", "", 6},
		{"cat FTP/in*", "", 2},
		{"get FTP/incoming/a* -o DIR/got/", "", 0},
		{"get -r FTP/in* -o DIR/tree/", "", 0},
		{"rm --yes FTP/incoming/a*", "", 0},
		{"ls FTP/incoming/*.txt", "b1.txt\n", 0},
		{"rm --yes --no-glob FTP/incoming/b*", "", 6},
		{"rm --yes FTP/incoming/x[1].log", "", 0},
		{"ls FTP/incoming/x*", "x1.log\n", 0},
	} {
		out, words, code := l.run(t, c.line)
		if code != c.code || out != c.want {
			t.Errorf("%s: exit code %d, %q, %s", c.line, code, out, words)
		}
		if strings.Contains(words, "secret") {
			t.Errorf("%s: a password in %s", c.line, words)
		}
	}
	for _, name := range []string{"got/a1.txt", "got/a2.txt", "tree/incoming/b1.txt"} {
		if _, err := os.Stat(filepath.Join(l.dir, name)); err != nil {
			t.Error(err)
		}
	}
}
