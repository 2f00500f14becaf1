package expect

import (
	"bytes"
	"strings"
	"testing"
)

// TestPlainText: what a terminal would show remains, however the text is cut on its way.
func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"one\r\ntwo\r\n": "one\ntwo\n", "no end": "no end", "": "", "tab\there": "tab\there", "Grüße\x00\a": "Grüße",
		"a\r\n--More--\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\binterface eth0\r\n": "a\ninterface eth0\n",
		"---(more 45%)---\r                \rset system\n":                        "set system\n",
		"-- MORE --, next page: Space\x1b[80D\x1b[Khostname x\n":                  "hostname x\n",
		" --More-- interface eth1\n":                                              "interface eth1\n",
		"<--- More --->\r\n":                                                      "",
		"\x1b[1;32mhost\x1b[0m$ \x1b]0;title\x07ls\x1b(B\n":                       "host$ ls\n",
		"wrong\x1b[2K\rright\n":                                                   "right\n",
		"abc\x1b[2Dx\n":                                                           "axc\n",
		"-- a comment --\n--more or less\n":                                       "-- a comment --\n--more or less\n",
		"a  \n\n":                                                                 "a  \n\n",
		"cut \x1b[":                                                               "cut ",
		"bad \xff\xfe bytes":                                                      "bad \xff\xfe bytes",
	} {
		if got := PlainText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		var b bytes.Buffer
		w := PlainWriter{W: &b}
		for i := 0; i < len(in); i++ {
			w.Write([]byte{in[i]})
		}
		if w.Flush(); b.String() != want {
			t.Errorf("%q by bytes: %q", in, b.String())
		}
	}
	var b bytes.Buffer
	w := PlainWriter{W: &b}
	for range 10 {
		w.Write(bytes.Repeat([]byte("x"), maxPlainLine/2))
		w.Write([]byte("\x1b]" + strings.Repeat("y", maxSequence)))
		w.Write([]byte("\x07"))
	}
	if len(w.line) > maxPlainLine || len(w.rest) > 2*maxSequence {
		t.Errorf("%d characters and %d bytes are held", len(w.line), len(w.rest))
	}
}
