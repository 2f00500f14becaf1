package show

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for in, want := range map[string]string{
		"short": "short",
		"one two three four five six seven eight nine ten":   "one two three four five six seven eight\nnine ten",
		"  -a, --all    print all that there is to be found": "  -a, --all    print all that there is\n               to be found",
		"  a-very-long-first-column-here  text that follows": "  a-very-long-first-column-here\n        text that follows",
		strings.Repeat("x", 50):                              strings.Repeat("x", 50),
		"é é é é é é é é é é é é é é é é é é é é é é":        "é é é é é é é é é é é é é é é é é é é é\né é",
	} {
		if got := Wrap(in, 40); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", in, got, want)
		}
	}
	if long := strings.Repeat("word ", 30); Wrap(long, 0) != long {
		t.Error("wrapped without a width")
	}
	text := strings.Repeat("a sentence of words ", 4) + "\nthat goes on here.\n\n  netclients ls\n"
	if got := Wrap(text, 110); !strings.Contains(got, "words that goes on here.\n\n  netclients ls\n") {
		t.Errorf("%q", got)
	}
}
