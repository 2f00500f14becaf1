package show

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"naïve ☕ 日本":         "naïve ☕ 日本",
		"a\x1b[31mb":         "a\uFFFD[31mb",
		"a\tb\nc\r":          "a b\uFFFDc\uFFFD",
		"\x7f\u009b\u0085":   "\uFFFD\uFFFD\uFFFD",
		"a\u202eb\u2066c":    "a\uFFFDb\uFFFDc",
		"bad\xff\xfeutf":     "bad\uFFFDutf",
		"\u200e\u2028\ufeff": "\uFFFD\uFFFD\uFFFD",
	} {
		if got := Safe(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b]0;x\x07\u202e")
	f.Fuzz(func(t *testing.T, in string) {
		out := Safe(in)
		if !utf8.ValidString(out) || Safe(out) != out || strings.ContainsAny(out, "\x1b\r\n\x00\x7f\u009b\u202e") {
			t.Errorf("%q gave %q", in, out)
		}
		// JSON keeps the text, and has nothing in it that safe would replace.
		line, err := Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(line, &back); err != nil || back != strings.ToValidUTF8(in, "\uFFFD") && utf8.ValidString(in) {
			t.Errorf("%q came back as %q (%v)", in, back, err)
		}
		if text := strings.TrimSuffix(string(line), "\n"); Safe(text) != text {
			t.Errorf("%q in JSON is %q", in, text)
		}
	})
}

func TestTableWidths(t *testing.T) {
	var b strings.Builder
	o, err := New(&b, &b, Options{Colour: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	o.Paint = true
	tab := o.NewTable("NAME", "> SIZE", "X")
	tab.Row(o.Paint.As(blue, "日本"), "7", "é")
	tab.Row("four", "1234567", "b")
	if err := tab.End(); err != nil {
		t.Fatal(err)
	}
	tab.Row("much too long", "1", "c")
	o.Flush()
	want := "\x1b[1mNAME\x1b[0m     \x1b[1mSIZE\x1b[0m  \x1b[1mX\x1b[0m\n\x1b[1;34m日本\x1b[0m        7  é\nfour  1234567  b\nmuch too long        1  c\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func TestTableStreams(t *testing.T) {
	var b strings.Builder
	o, err := New(&b, &b, Options{Colour: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	tab := o.NewTable("", "")
	for range 100_000 {
		if err := tab.Row("name", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if len(tab.held) != 0 {
		t.Errorf("%d rows are held", len(tab.held))
	}
}

func TestColourful(t *testing.T) {
	for _, c := range []struct {
		flag string
		tty  bool
		env  map[string]string
		want bool
	}{
		{"auto", true, nil, true},
		{"auto", false, nil, false},
		{"auto", true, map[string]string{"NO_COLOR": "1"}, false},
		{"always", false, map[string]string{"NO_COLOR": "1"}, true},
		{"never", true, map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{"auto", false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"auto", true, map[string]string{"TERM": "dumb"}, false},
		{"auto", true, map[string]string{"CLICOLOR": "0"}, false},
	} {
		if got := colourful(c.flag, c.tty, func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
