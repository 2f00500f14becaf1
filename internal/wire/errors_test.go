package wire

import (
	"strings"
	"testing"
)

// TestClip: text of a server is shortened for a message, and no character is cut in two.
func TestClip(t *testing.T) {
	x := strings.Repeat("x", mostClipped-1)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"short", "short"},
		{x + "y", x + "y"},
		{x + "yz", x + "y…"},
		{x + "é", x + "…"},
		{x + "😀", x + "…"},
		{x[1:] + "é", x[1:] + "é"},
		{x[1:] + "é.", x[1:] + "é…"},
		{strings.Repeat("\x80", mostClipped+1), strings.Repeat("\x80", mostClipped) + "…"},
	} {
		if got := Clip(c.text); got != c.want {
			t.Errorf("Clip(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// TestQuoteKeepsCharacters: a line that is cut for a message has no half character at its end.
func TestQuoteKeepsCharacters(t *testing.T) {
	head := strings.Repeat("x", clipAt-1)
	err := syntaxError([]byte(head+"😀 and more"), "a reply code")
	if want := "got \"" + head + "\"…, want a reply code"; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
}
