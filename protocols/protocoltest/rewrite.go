package protocoltest

import (
	"os"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/pattern"
)

// resultLine matches what [Rewrite] replaces.
var resultLine = pattern.Lazy{Text: `(?m)^[RE]: .*\n`}

// Rewrite plays a script and puts the result of the call in the place of its R: and
// E: lines, also in the dialogue's file when that is there. It is for the test
// that has a flag for it: what changes is for a person to read.
func Rewrite(t *testing.T, h Harness, d Dialog, s *Script) error {
	d.script = s
	play := func(t *testing.T) {
		tr := h.try(t, &d, "new", s)
		o, _ := tr.call(t.Context(), d.Call)
		s.Result, s.Error = o.results, o.err
		tr.end()
	}
	if s.has("D!", "dial") {
		play(t)
	} else {
		bubble(t, play)
	}
	text, err := os.ReadFile(d.File)
	if err != nil {
		return nil // a new one
	}
	lines := (outcome{s.Result, s.Error}).String()
	if lines != "" {
		lines += "\n"
	}
	kept := strings.TrimRight(resultLine.Re().ReplaceAllString(string(text), ""), "\n") + "\n"
	return os.WriteFile(d.File, []byte(kept+lines), 0o644)
}
