package shellcmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/mask"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		glob []bool
		open bool
	}{
		{"ls -l  pub", []string{"ls", "-l", "pub"}, []bool{false, false, false}, false},
		{`cat 'two words' "a \"b" c\ d`, []string{"cat", "two words", `a "b`, "c d"}, nil, false},
		{`rm *.txt '*.log' \*.x`, []string{"rm", "*.txt", "*.log", "*.x"}, []bool{false, true, false, false}, false},
		{"ls # all", []string{"ls"}, nil, false},
		{"cat a#b", []string{"cat", "a#b"}, nil, false},
		{"cat ''", []string{"cat", ""}, nil, false},
		{"cat 'x", []string{"cat", "x"}, nil, true},
		{`cat x\`, []string{"cat", "x"}, nil, true},
		{"  ", nil, nil, false},
	} {
		words, open, err := split(c.line)
		var texts []string
		for i, w := range words {
			texts = append(texts, w.text)
			if c.glob != nil && w.glob != c.glob[i] {
				t.Errorf("%q: word %d glob %v", c.line, i, w.glob)
			}
		}
		if !slices.Equal(texts, c.want) || open != c.open || (err != nil) != c.open {
			t.Errorf("%q: %q, open %v, %v", c.line, texts, open, err)
		}
	}
	for _, name := range []string{"plain", "two words", `a'b"c\d`, "*.txt", "#x", "[1]", "naïve ☕"} {
		words, _, err := split("cat " + quoted(name))
		if err != nil || len(words) != 2 || words[1].text != name || words[1].glob {
			t.Errorf("%q is quoted as %s: %v, %v", name, quoted(name), words, err)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct {
		name string
		glob bool
		want string
	}{
		{"a b/c", false, "a%20b/c"}, {"*.txt", true, "*.txt"}, {"*.txt", false, "%2A.txt"}, {"a?b[1]", true, "a?b[1]"},
		{"a?b[1];x#y%", false, "a%3Fb%5B1%5D%3Bx%23y%25"},
	} {
		if got := escape(c.name, c.glob); got != c.want {
			t.Errorf("%q: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestHistory: lines come back in a later shell, without those with secrets; the file is
// for its owner alone, and bounded.
func TestHistory(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	hidden := &mask.Mask{}
	hidden.Add("hunter22hunter")
	open := func() *history {
		h, err := openHistory(context.Background(), hidden)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := open()
	for _, line := range []string{"ls", "ls", " hidden by a blank", "cat ftp://bob:s3cret@host/x", "raw 'PASS abc'", "raw PASS abc", "put hunter22hunter", "raw 'a1 LOGIN bob pw'", "", "cd pub", "get a.txt"} {
		h.Add(line)
	}
	if h = open(); !slices.Equal(h.lines, []string{"ls", "cd pub", "get a.txt"}) {
		t.Errorf("kept %q", h.lines)
	}
	if h.At(0) != "get a.txt" || h.Len() != 3 {
		t.Errorf("newest is %q of %d", h.At(0), h.Len())
	}
	if line, at := h.before(0, "l"); line != "ls" || at != 2 {
		t.Errorf("found %q at %d", line, at)
	}
	path := filepath.Join(state, "netclients", "shell", "history")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for i := range 2*mostRemembered + 5 {
		h.Add(fmt.Sprint("cat ", i))
	}
	if h = open(); h.Len() != mostRemembered || h.At(0) != fmt.Sprint("cat ", 2*mostRemembered+4) {
		t.Errorf("%d lines, the newest %q", h.Len(), h.At(0))
	}
	if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), "\n") != mostRemembered {
		t.Errorf("%d lines in the file, %v", strings.Count(string(text), "\n"), err)
	}
}

func TestColumns(t *testing.T) {
	if got := columns([]string{"a", "b\x1b[31m"}); got != "a       b\ufffd[31m\r\n" {
		t.Errorf("%q", got)
	}
	var many []string
	for i := range mostOffered + 5 {
		many = append(many, fmt.Sprintf("name-%03d", i))
	}
	if got := columns(many); !strings.HasSuffix(got, "...\r\n") || strings.Contains(got, "name-101") {
		t.Errorf("%q", got)
	}
}
