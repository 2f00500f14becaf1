package shellcmd

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// mostRemembered is how many lines the history keeps.
const mostRemembered = 1000

// history is the lines of this and earlier shells, newest last. A line with a secret is
// not kept.
type history struct {
	lines  []string
	path   string // empty: nothing is written
	hidden *mask.Mask
}

// openHistory reads the file of the history, which only its owner can read, and writes it
// anew when it has grown.
func openHistory(ctx context.Context, hidden *mask.Mask) (*history, error) {
	h := &history{hidden: hidden}
	dir, err := kit.StateDir("shell")
	if err != nil || dir == "" {
		return h, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return h, err
	}
	h.path = filepath.Join(dir, "history")
	f, err := file.Open(ctx, h.path, file.RulePrivate, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		h.path = ""
		return h, err
	}
	defer f.Close()
	n := 0
	in := bufio.NewScanner(f)
	for in.Scan() {
		h.lines = append(h.lines, in.Text())
		if n++; len(h.lines) > 2*mostRemembered {
			h.lines = append([]string(nil), h.lines[mostRemembered:]...)
		}
	}
	h.lines = h.lines[max(0, len(h.lines)-mostRemembered):]
	if n <= 2*mostRemembered {
		return h, f.Chmod(0o600)
	}
	if err := f.Truncate(0); err != nil {
		return h, err
	}
	_, err = f.WriteAt([]byte(strings.Join(h.lines, "\n")+"\n"), 0)
	return h, err
}

// Add keeps a line, and appends it to the file.
func (h *history) Add(line string) {
	if !h.keeps(line) {
		return
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-mostRemembered):]
	if h.path == "" {
		return
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return // it is a convenience
	}
	_, _ = f.WriteString(line + "\n")
	_ = f.Close()
}

// keeps reports whether a line may be kept: none that begins with a blank, is the last one
// again, or holds a secret.
func (h *history) keeps(line string) bool {
	if line == "" || line[0] == ' ' || strings.ContainsAny(line, "\n\r") || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return false
	}
	words, _, _ := split(line)
	var parts []string
	for _, w := range words {
		if protocols.RedactText(w.text) != w.text {
			return false
		}
		parts = append(parts, strings.Fields(w.text)...)
	}
	for i := range parts { // a command of the protocol may begin anywhere, after a verb or a tag
		if mask.CommandOf(strings.Join(parts[i:], " ")).Secret {
			return false
		}
	}
	return h.hidden.Text(line) == line
}

// Len and At are what a terminal asks for; 0 is the newest.
func (h *history) Len() int            { return len(h.lines) }
func (h *history) At(index int) string { return h.lines[len(h.lines)-1-index] }

// before returns the newest line before index that holds a text, and its index.
func (h *history) before(index int, text string) (line string, at int) {
	for i := index; i < h.Len(); i++ {
		if strings.Contains(h.At(i), text) {
			return h.At(i), i
		}
	}
	return "", -1
}
