package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// readLines reads lines until an error.
func readLines(lr *LineReader) (lines []string, err error) {
	for {
		line, err := lr.ReadLine()
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	tests := []struct {
		name, in string
		limit    int
		want     []string
		err      error
	}{
		{"nothing", "", 10, nil, io.EOF},
		{"crlf and lf", "a\r\nb\n\r\n\nc\r\n", 10, []string{"a", "b", "", "", "c"}, io.EOF},
		{"only the last CR goes", "a\r\r\nb\rc\r\n", 10, []string{"a\r", "b\rc"}, io.EOF},
		{"cut in a line", "a\r\nb", 10, []string{"a"}, io.ErrUnexpectedEOF},
		{"cut in a line end", "a\r\nb\r", 10, []string{"a"}, io.ErrUnexpectedEOF},
		{"just the limit", "0123456789\r\n0123456789\n", 10, []string{"0123456789", "0123456789"}, io.EOF},
		{"longer than the buffer", long + "\r\n" + long + "\nx\n", 200_000, []string{long, long, "x"}, io.EOF},
		{"default limit", long[:DefaultLine] + "\r\n", 0, []string{long[:DefaultLine]}, io.EOF},
	}
	for _, tt := range tests {
		for name, src := range deliveries([]byte(tt.in)) {
			got, err := readLines(NewLineReader(src, tt.limit))
			if !reflect.DeepEqual(got, tt.want) || err != tt.err {
				t.Errorf("%s by %s: got %d lines, %v", tt.name, name, len(got), err)
			}
		}
	}
}

func TestReadLineLimit(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	tests := []struct {
		in    string
		limit int
		lines int
	}{
		{"0123456789a\r\n", 10, 0},
		{"0123456789\ra", 10, 0},
		{"0123456789a", 10, 0},
		{"ok\r\n0123456789a\nok\n", 10, 1},
		{long[:blockSize] + "\r\n", blockSize - 1, 0},
		{long, 199_999, 0},
		{long + "\n", 199_999, 0},
	}
	for _, tt := range tests {
		for name, src := range deliveries([]byte(tt.in)) {
			lr := NewLineReader(src, tt.limit)
			got, err := readLines(lr)
			limit, ok := errors.AsType[*LimitError](err)
			if !ok || limit.Limit != int64(tt.limit) || len(got) != tt.lines {
				t.Errorf("%.20q by %s: got %d lines, %v", tt.in, name, len(got), err)
			}
			if _, again := lr.ReadLine(); again != err {
				t.Errorf("%.20q by %s: got %v after the limit", tt.in, name, again)
			}
			if len(lr.buf) > max(blockSize, tt.limit+2) {
				t.Errorf("%.20q by %s: the buffer grew to %d", tt.in, name, len(lr.buf))
			}
		}
	}
}

func TestReadLineContinuesAfterError(t *testing.T) {
	lr := NewLineReader(&hiccup{src: iotest.OneByteReader(strings.NewReader("first\r\nsecond\n"))}, 10)
	var got []string
	for range 100 {
		line, err := lr.ReadLine()
		if err == io.EOF {
			break
		}
		if err == nil {
			got = append(got, string(line))
		} else if err != errTemporary {
			t.Fatal(err)
		}
	}
	if want := []string{"first", "second"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestReadLineNoProgress(t *testing.T) {
	if _, err := NewLineReader(emptyReader{}, 10).ReadLine(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }

func TestReadLineErrorWithData(t *testing.T) {
	for _, in := range []string{"line\r\n", "line"} {
		lr := NewLineReader(&lastWords{text: in}, 10)
		if strings.HasSuffix(in, "\n") {
			if line, err := lr.ReadLine(); string(line) != "line" || err != nil {
				t.Errorf("got %q, %v", line, err)
			}
		}
		if _, err := lr.ReadLine(); err != errTemporary {
			t.Errorf("%q: got %v, want the error that came with the data", in, err)
		}
	}
}

// lastWords returns its text together with an error, once, and then only io.EOF.
type lastWords struct{ text string }

func (l *lastWords) Read(p []byte) (int, error) {
	if l.text == "" {
		return 0, io.EOF
	}
	n := copy(p, l.text)
	l.text = ""
	return n, errTemporary
}

func TestOnLine(t *testing.T) {
	lr := NewLineReader(strings.NewReader("220 hi\r\nbody\r\n.\r\n221 bye\n"), 100)
	var seen []string
	lr.OnLine = func(line []byte) { seen = append(seen, string(line)) }
	lr.ReadLine()
	if err := NewDotReader(lr).Drain(100); err != nil {
		t.Fatal(err)
	}
	lr.ReadLine()
	lr.ReadLine()
	if want := []string{"220 hi", "221 bye"}; !reflect.DeepEqual(seen, want) {
		t.Errorf("got %q", seen)
	}
}

func TestRawAfterLines(t *testing.T) {
	body := strings.Repeat("raw\x00\n", 50_000)
	for name, src := range deliveries([]byte("line\r\n" + body)) {
		lr := NewLineReader(src, 10)
		if line, err := lr.ReadLine(); string(line) != "line" || err != nil {
			t.Fatal(string(line), err)
		}
		half := make([]byte, 100)
		if _, err := io.ReadFull(lr, half); err != nil {
			t.Fatal(err)
		}
		var rest bytes.Buffer
		n, err := lr.WriteTo(&rest)
		if err != nil || n != int64(rest.Len()) || string(half)+rest.String() != body {
			t.Errorf("by %s: got %d bytes, %v", name, n, err)
		}
		if n, err := lr.Read(half); n != 0 || err != io.EOF {
			t.Errorf("by %s: got %d, %v at the end", name, n, err)
		}
	}
}

func TestBuffered(t *testing.T) {
	lr := NewLineReader(strings.NewReader("220 go\r\ninjected"), 100)
	lr.ReadLine()
	if lr.Buffered() != len("injected") {
		t.Errorf("got %d", lr.Buffered())
	}
	lr = NewLineReader(strings.NewReader("220 go\r\n"), 100)
	lr.ReadLine()
	if lr.Buffered() != 0 {
		t.Errorf("got %d", lr.Buffered())
	}
}

func TestReadLineAllocates(t *testing.T) {
	src := bytes.NewReader(bytes.Repeat([]byte("-rw-r--r-- 1 ftp ftp 1024 Jan 1 2020 name\r\n"), 10_000))
	lr := NewLineReader(src, 100)
	if n := testing.AllocsPerRun(5000, func() { lr.ReadLine() }); n != 0 {
		t.Errorf("got %v allocations a line", n)
	}
}

func TestReadLineRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 500 {
		in := randomBody(rnd, 60)
		want, wantErr := refLines(in, 1000)
		for size := 3; size < 100; size *= 2 {
			for name, src := range deliveries(in) {
				got, err := readLines(newLineReader(src, 1000, size))
				if !reflect.DeepEqual(got, want) || err != wantErr {
					t.Fatalf("%q by %s: got %q, %v, want %q, %v", in, name, got, err, want, wantErr)
				}
			}
		}
	}
}

func TestRawErrors(t *testing.T) {
	source := func(end error) *LineReader {
		src := iotest.DataErrReader(io.MultiReader(strings.NewReader("line\r\nraw"), iotest.ErrReader(end)))
		lr := NewLineReader(src, 10)
		lr.ReadLine()
		return lr
	}
	for _, tt := range []struct{ end, want error }{{io.EOF, nil}, {errTemporary, errTemporary}} {
		var got strings.Builder
		if n, err := source(tt.end).WriteTo(&got); n != 3 || err != tt.want || got.String() != "raw" {
			t.Errorf("WriteTo: got %d %q, %v, want %v", n, got.String(), err, tt.want)
		}
		if got, err := io.ReadAll(struct{ io.Reader }{source(tt.end)}); string(got) != "raw" || err != tt.want {
			t.Errorf("Read: got %q, %v, want %v", got, err, tt.want)
		}
	}
	if n, err := source(io.EOF).WriteTo(shortWriter{}); n != 1 || err != io.ErrShortWrite {
		t.Errorf("got %d, %v", n, err)
	}
}

// shortWriter accepts one byte and returns no error.
type shortWriter struct{}

func (shortWriter) Write([]byte) (int, error) { return 1, nil }

func FuzzLine(f *testing.F) {
	f.Add([]byte("220 a\r\n\nb\r\r\nend"), uint8(10))
	f.Add([]byte("0123456789\r\n"), uint8(10))
	f.Add([]byte("0123456789\rx\n"), uint8(10))
	f.Fuzz(func(t *testing.T, in []byte, limit8 uint8) {
		limit := int(limit8) + 1
		want, wantErr := refLines(in, limit)
		for name, src := range deliveries(in) {
			got, err := readLines(newLineReader(src, limit, 4))
			if !reflect.DeepEqual(got, want) || reflect.TypeOf(err) != reflect.TypeOf(wantErr) {
				t.Fatalf("by %s: got %q %v, want %q %v", name, got, err, want, wantErr)
			}
			if _, ok := err.(*LimitError); !ok && err != wantErr {
				t.Fatalf("by %s: got %v, want %v", name, err, wantErr)
			}
		}
	})
}
