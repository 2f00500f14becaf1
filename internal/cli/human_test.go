package cli

import (
	"strings"
	"testing"
)

// TestListHuman: -h is for sizes as people read them.
func TestListHuman(t *testing.T) {
	l := newLabLine(t)
	for _, line := range []string{"ls -lh FTP/pub/large.bin", "ls -lh HTTP/pub/large.b*", "ls -h FTP/pub/"} {
		if out, words, code := l.run(t, line); code != 0 || !strings.Contains(out, "  3 MiB  ") {
			t.Errorf("%s: exit code %d, %s%s", line, code, out, words)
		}
	}
	if out, _, code := l.run(t, "ls --help"); code != 0 || !strings.Contains(out, "--human") {
		t.Errorf("ls --help: exit code %d, %s", code, out)
	}
}

// TestRawUntagged: untagged lines of IMAP are shown with their star.
func TestRawUntagged(t *testing.T) {
	l := newLabLine(t)
	out, words, code := l.run(t, "raw IMAP/ CAPABILITY")
	if code != 0 || !strings.HasPrefix(out, "* CAPABILITY IMAP4rev1") || !strings.Contains(out, "\nOK ") {
		t.Errorf("exit code %d, %s%s", code, out, words)
	}
}
