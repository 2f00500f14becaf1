package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// stuff writes the pieces and closes, with a buffer of a few KiB.
func stuff(ends LineEnds, pieces ...[]byte) (string, error) {
	return stuffBy(4096, ends, pieces...)
}

// stuffBy is stuff with another buffer size.
func stuffBy(size int, ends LineEnds, pieces ...[]byte) (string, error) {
	out := &recorder{after: -1}
	d := newDotWriter(out, ends, size)
	for _, p := range pieces {
		if _, err := d.Write(p); err != nil {
			break
		}
	}
	err := d.Close()
	return out.all(), err
}

func TestDotWriter(t *testing.T) {
	tests := []struct {
		name, in                 string
		normalize, refuse, exact string // "" means an error
	}{
		{"empty", "", ".\r\n", ".\r\n", ".\r\n"},
		{"one line", "a\r\n", "a\r\n.\r\n", "a\r\n.\r\n", "a\r\n.\r\n"},
		{"no end", "a", "a\r\n.\r\n", "a\r\n.\r\n", "a\r\n.\r\n"},
		{"only an end", "\r\n", "\r\n.\r\n", "\r\n.\r\n", "\r\n.\r\n"},
		{"dots", ".\r\n..\r\na.\r\n.b", "..\r\n...\r\na.\r\n..b\r\n.\r\n", "..\r\n...\r\na.\r\n..b\r\n.\r\n", "..\r\n...\r\na.\r\n..b\r\n.\r\n"},
		{"bare LF", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n", "", "a\n.\nb\n\r\n.\r\n"},
		{"bare CR", "a\r.\rb\r", "a\r\n..\r\nb\r\n.\r\n", "", "a\r.\rb\r\r\n.\r\n"},
		{"mixed", "a\r\n.\rb", "a\r\n..\r\nb\r\n.\r\n", "", "a\r\n..\rb\r\n.\r\n"},
		{"reversed", "a\n\r.\r\n", "a\r\n\r\n..\r\n.\r\n", "", "a\n\r.\r\n.\r\n"},
		{"double CR", "a\r\r\n.", "a\r\n\r\n..\r\n.\r\n", "", "a\r\r\n..\r\n.\r\n"},
		{"binary", "\x00\xff.\r\n.\x00", "\x00\xff.\r\n..\x00\r\n.\r\n", "\x00\xff.\r\n..\x00\r\n.\r\n", "\x00\xff.\r\n..\x00\r\n.\r\n"},
	}
	for _, tt := range tests {
		for ends, want := range map[LineEnds]string{Normalize: tt.normalize, Refuse: tt.refuse, Exact: tt.exact} {
			got, err := stuff(ends, []byte(tt.in))
			if _, bare := errors.AsType[*LineEndError](err); bare != (want == "") || !bare && err != nil {
				t.Errorf("%s, mode %d: got %v", tt.name, ends, err)
			}
			if got != want {
				t.Errorf("%s, mode %d: got %q, want %q", tt.name, ends, got, want)
			}
		}
	}
}

// checkStuffed compares the output for pieces of body with the references.
func checkStuffed(t *testing.T, body []byte, pieces ...[]byte) {
	t.Helper()
	exact, normalized := string(refStuff(body)), string(refStuff(refNormalize(body)))
	for _, size := range []int{1, 5, 4096} {
		if got, err := stuffBy(size, Exact, pieces...); err != nil || got != exact {
			t.Fatalf("exact %q: got %q, %v", body, got, err)
		}
		if got, err := stuffBy(size, Normalize, pieces...); err != nil || got != normalized {
			t.Fatalf("normalize %q: got %q, %v", body, got, err)
		}
	}
	got, err := stuff(Refuse, pieces...)
	bare := refBare(body)
	if bad, ok := errors.AsType[*LineEndError](err); ok {
		if int(bad.Offset) != bare || bad.Byte != body[bare] || got != "" {
			t.Fatalf("refuse %q: got %q, %v, want offset %d", body, got, err, bare)
		}
	} else if bare >= 0 || err != nil || got != string(refStuff(body)) {
		t.Fatalf("refuse %q: got %q, %v", body, got, err)
	}
}

// checkUnstuffed reads in with every delivery and every method of reading, and compares with the reference.
func checkUnstuffed(t *testing.T, in []byte, lenient bool) {
	t.Helper()
	want, rest, ok := refUnstuff(in, lenient)
	size := 3
	for how, read := range readings {
		for name, src := range deliveries(in) {
			lr := newLineReader(src, 1<<20, size)
			size += max(3, size/3) // 3 to some hundred bytes
			d := NewDotReader(lr)
			d.LenientLF = lenient
			got, err := read(d)
			if string(got) != string(want) || ok && err != nil || !ok && err != io.ErrUnexpectedEOF {
				t.Fatalf("%q (lenient %v) by %s with %s: got %q, %v, want %q, ended %v", in, lenient, name, how, got, err, want, ok)
			}
			if n, err := d.Read(make([]byte, 9)); ok && (n != 0 || err != io.EOF) {
				t.Fatalf("%q by %s with %s: got %d, %v after the end", in, name, how, n, err)
			}
			if left, _ := io.ReadAll(lr); ok && string(left) != string(rest) {
				t.Fatalf("%q by %s with %s: left %q, want %q", in, name, how, left, rest)
			}
		}
	}
}

// readings are the ways to read a whole body.
var readings = map[string]func(*DotReader) ([]byte, error){
	"Read":    func(d *DotReader) ([]byte, error) { return io.ReadAll(struct{ io.Reader }{d}) },
	"OneByte": func(d *DotReader) ([]byte, error) { return io.ReadAll(iotest.OneByteReader(d)) },
	"WriteTo": func(d *DotReader) ([]byte, error) {
		var b bytes.Buffer
		_, err := d.WriteTo(&b)
		return b.Bytes(), err
	},
}

func TestDotWriterAtAllSplits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		body := randomBody(rnd, 24)
		checkStuffed(t, body, body)
		checkStuffed(t, body, bytes.SplitAfter(body, nil)...)
		for i := range body {
			checkStuffed(t, body, body[:i], nil, body[i:])
		}
	}
}

func TestDotWriterOverBlocks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 2 {
		body := randomBody(rnd, 4*blockSize)
		var pieces [][]byte
		for rest := body; len(rest) > 0; {
			n := min(len(rest), rnd.IntN(2*blockSize))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if got, err := stuffBy(blockSize, Exact, pieces...); err != nil || got != string(refStuff(body)) {
			t.Fatalf("exact: %d bytes, %v", len(got), err)
		}
		if got, err := stuffBy(blockSize, Normalize, pieces...); err != nil || got != string(refStuff(refNormalize(body))) {
			t.Fatalf("normalize: %d bytes, %v", len(got), err)
		}
		whole := refNormalize(body)
		if got, err := stuffBy(blockSize, Refuse, whole[:len(whole)/2], whole[len(whole)/2:]); err != nil || got != string(refStuff(whole)) {
			t.Fatalf("refuse: %d bytes, %v", len(got), err)
		}
	}
}

func TestDotWriterReadFrom(t *testing.T) {
	body := bytes.Repeat([]byte(".line\r\nother\n"), 12_000)
	for name, src := range deliveries(body) {
		out := &recorder{after: -1}
		d := NewDotWriter(out, Normalize)
		n, err := d.ReadFrom(src)
		if n != int64(len(body)) || err != nil || d.Close() != nil || out.all() != string(refStuff(refNormalize(body))) {
			t.Errorf("by %s: got %d, %v", name, n, err)
		}
	}
}

func TestDotWriterNeverEndsABrokenBody(t *testing.T) {
	cut := func(d *DotWriter) error {
		_, err := d.ReadFrom(io.MultiReader(strings.NewReader("half\r\n"), iotest.ErrReader(errTemporary)))
		return err
	}
	full := func(d *DotWriter) error {
		_, err := d.Write(make([]byte, 3*blockSize))
		return err
	}
	bare := func(d *DotWriter) error {
		n, err := d.Write([]byte("half\nrest\r\n"))
		if n != len("half") {
			t.Errorf("a bare LF: got %d", n)
		}
		return err
	}
	stuck := func(d *DotWriter) error {
		_, err := d.ReadFrom(emptyReader{})
		return err
	}
	tests := []struct {
		name  string
		after int
		fail  func(*DotWriter) error
	}{{"source fails", -1, cut}, {"write fails", 0, full}, {"bare LF", -1, bare}, {"no progress", -1, stuck}}
	for _, tt := range tests {
		out := &recorder{after: tt.after}
		d := NewDotWriter(out, Refuse)
		failed := tt.fail(d)
		if failed == nil {
			t.Errorf("%s: no error", tt.name)
		}
		out.after = -1
		if _, err := d.Write([]byte("more\r\n")); err != failed {
			t.Errorf("%s: a later Write got %v", tt.name, err)
		}
		if err := errors.Join(d.Close(), d.Close()); !errors.Is(err, failed) {
			t.Errorf("%s: Close got %v", tt.name, err)
		}
		if len(out.writes) != 0 {
			t.Errorf("%s: wrote %q", tt.name, out.writes)
		}
	}
}

func TestDotWriterClose(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 0)
	d := NewDotWriter(w, Normalize)
	for _, body := range []string{"first", ".second\n"} {
		d.Reset(w, Normalize)
		d.Write([]byte(body))
		if err := errors.Join(d.Close(), d.Close(), w.Cmd("MAIL FROM:<>")); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	want := "first\r\n.\r\nMAIL FROM:<>\r\n..second\r\n.\r\nMAIL FROM:<>\r\n"
	if len(out.writes) != 1 || out.writes[0] != want {
		t.Errorf("got %q", out.writes)
	}
	if _, err := d.Write([]byte("late")); err != io.ErrClosedPipe {
		t.Errorf("Write after Close: %v", err)
	}
	out.after = 1
	d = NewDotWriter(out, Normalize)
	if err := d.Close(); err != errTemporary {
		t.Errorf("a Close that cannot write: %v", err)
	}
}

func TestDotReader(t *testing.T) {
	tests := []struct {
		name, in     string
		body, rest   string
		lenient      bool
		endsTooEarly bool
	}{
		{"empty", ".\r\n+OK", "", "+OK", false, false},
		{"one line", "a\r\n.\r\n+OK", "a\r\n", "+OK", false, false},
		{"dots", "..\r\n...\r\n.a\r\na.\r\n.\r\n.\r\n", ".\r\n..\r\na\r\na.\r\n", ".\r\n", false, false},
		{"bare LF is data", "a\n.\nb\n..\r\n.\r\nx", "a\n.\nb\n..\r\n", "x", false, false},
		{"dot and bare LF", "a\r\n.\n.\r\n..\r\n.\r\nx", "a\r\n\n.\r\n.\r\n", "x", false, false},
		{"dot and bare CR", ".\ra\r\n.\r\n", "\ra\r\n", "", false, false},
		{"CR CR LF", "a\r\r\n.\r\n", "a\r\r\n", "", false, false},
		{"lenient end", "a\n.\nb", "a\n", "b", true, false},
		{"lenient dots", "a\n..b\r\n..\n.\r\nb", "a\n.b\r\n.\n", "b", true, false},
		{"lenient empty", ".\nb", "", "b", true, false},
		{"nothing", "", "", "", false, true},
		{"cut", "a\r\nb", "a\r\nb", "", false, true},
		{"cut before the end", "a\r\n", "a\r\n", "", false, true},
		{"cut in the end", "a\r\n.\r", "a\r\n", "", false, true},
	}
	for _, tt := range tests {
		body, rest, ok := refUnstuff([]byte(tt.in), tt.lenient)
		if string(body) != tt.body || string(rest) != tt.rest || ok == tt.endsTooEarly {
			t.Errorf("%s: the reference got %q, %q, %v", tt.name, body, rest, ok)
		}
		checkUnstuffed(t, []byte(tt.in), tt.lenient)
	}
}

func TestDotReaderRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		in := randomBody(rnd, 40)
		checkUnstuffed(t, in, false)
		checkUnstuffed(t, in, true)
	}
	for range 20 {
		in := append(refStuff(randomBody(rnd, 2000)), "250 ok\r\n"...)
		checkUnstuffed(t, in, false)
		checkUnstuffed(t, in, true)
	}
}

func TestDotReaderOverBlocks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 2 {
		in := refStuff(randomBody(rnd, 4*blockSize))
		want, _, _ := refUnstuff(in, false)
		for how, read := range readings {
			got, err := read(NewDotReader(NewLineReader(bytes.NewReader(in), 0)))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: got %d bytes, %v, want %d", how, len(got), err, len(want))
			}
		}
	}
}

func TestDotReaderContinuesAfterError(t *testing.T) {
	in := "..a\r\n.\rb\r\n.\r\n"
	d := NewDotReader(NewLineReader(&hiccup{src: iotest.OneByteReader(strings.NewReader(in))}, 100))
	var got bytes.Buffer
	for range 100 {
		_, err := d.WriteTo(&got)
		if err == nil {
			break
		}
		if err != errTemporary {
			t.Fatal(err)
		}
	}
	if got.String() != ".a\r\n\rb\r\n" {
		t.Errorf("got %q", got.String())
	}
}

func TestDotReaderWriteToFails(t *testing.T) {
	d := NewDotReader(NewLineReader(strings.NewReader("a\r\n.\r\n"), 100))
	if n, err := d.WriteTo(&recorder{after: 0}); n != 0 || err != errTemporary {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestDotReaderReadLine(t *testing.T) {
	in := "..a\r\n\r\nb\n.c\r\n..\n.\r\n.\r\n+OK\r\n"
	for _, tt := range []struct {
		lenient bool
		want    string
	}{
		{false, ".a||b|.c|.|.|"},
		{true, ".a||b|c|.|"},
	} {
		for name, src := range deliveries([]byte(in)) {
			d := NewDotReader(NewLineReader(src, 10))
			d.LenientLF = tt.lenient
			var got strings.Builder
			line, err := d.ReadLine()
			for ; err == nil; line, err = d.ReadLine() {
				got.WriteString(string(line) + "|")
			}
			if err != io.EOF || got.String() != tt.want {
				t.Errorf("lenient %v by %s: got %s, %v", tt.lenient, name, got.String(), err)
			}
		}
	}
}

func TestDotReaderReadLineErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "unexpected EOF",
		".":                "unexpected EOF",
		"abc":              "unexpected EOF",
		"0123456789a\r\n.": "reply line longer than 10 bytes",
	} {
		_, err := NewDotReader(NewLineReader(strings.NewReader(in), 10)).ReadLine()
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

// TestDotReaderMixed reads k bytes with Read, then lines: line ends are treated as in the body.
func TestDotReaderMixed(t *testing.T) {
	in := "..a\r\n\r\nb\r\n..\r\n.\r\n"
	body, _, _ := refUnstuff([]byte(in), false)
	for k := range len(body) + 1 {
		d := NewDotReader(NewLineReader(strings.NewReader(in), 100))
		if _, err := io.ReadFull(d, make([]byte, k)); err != nil {
			t.Fatal(err)
		}
		want, _ := refLines(body[k:], 100)
		var got []string
		line, err := d.ReadLine()
		for ; err == nil; line, err = d.ReadLine() {
			got = append(got, string(line))
		}
		if err != io.EOF || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("from byte %d: got %q, %v, want %q", k, got, err, want)
		}
	}
}

func TestDrain(t *testing.T) {
	in := strings.Repeat("..line\r\n", 30_000) + ".\r\n250 ok\r\n"
	lr := NewLineReader(strings.NewReader(in), 100)
	if err := NewDotReader(lr).Drain(210_000); err != nil {
		t.Error(err)
	}
	if line, err := lr.ReadLine(); string(line) != "250 ok" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
	err := NewDotReader(NewLineReader(strings.NewReader(in), 100)).Drain(209_999)
	if err == nil || err.Error() != "rest of the body longer than 209999 bytes" {
		t.Errorf("got %v", err)
	}
}

func FuzzDotRoundTrip(f *testing.F) {
	f.Add([]byte("a\r\n.b\r\n"), uint16(4))
	f.Add([]byte("a\n.\nb\r.\r"), uint16(2))
	f.Add([]byte(".\r\n"), uint16(1))
	f.Add([]byte("\r\n.\r\nMAIL FROM:<>\r\n"), uint16(3))
	f.Add([]byte(""), uint16(0))
	f.Fuzz(func(t *testing.T, body []byte, split uint16) {
		at := min(int(split), len(body))
		checkStuffed(t, body, body[:at], body[at:])
		checkUnstuffed(t, body, false)
		checkUnstuffed(t, body, true)
		for ends, same := range map[LineEnds][]byte{Exact: body, Normalize: refNormalize(body)} {
			wire, _ := stuff(ends, body[:at], body[at:])
			if n := len(same); n > 0 && !bytes.HasSuffix(same, []byte("\r\n")) {
				same = append(same[:n:n], "\r\n"...)
			}
			got, rest, ok := refUnstuff([]byte(wire), ends == Normalize)
			if !ok || len(rest) > 0 || !bytes.Equal(got, same) {
				t.Fatalf("mode %d: %q came back as %q, rest %q", ends, same, got, rest)
			}
			checkUnstuffed(t, []byte(wire+"250 ok\r\n"), false)
		}
	})
}
