package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 20)
	var seen []string
	w.OnCmd = func(line string) { seen = append(seen, line) }
	steps := []error{
		w.Cmd("USER", "anna"),
		w.Secret("PASS", "***", "geheim"),
		w.Secret("", "***", "AGFubmE="),
		w.Cmd("MAIL", "FROM:<>", "SIZE=10"),
		w.Cmd("", "selector"),
		w.Cmd("CWD", ""),
		w.Raw("20 bytes exactly: ok"),
		w.Raw(""),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	if len(out.writes) != 0 {
		t.Errorf("wrote %q before the flush", out.writes)
	}
	want := "USER anna\r\nPASS geheim\r\nAGFubmE=\r\nMAIL FROM:<> SIZE=10\r\nselector\r\nCWD \r\n20 bytes exactly: ok\r\n\r\n"
	if w.Buffered() != len(want) {
		t.Errorf("%d bytes buffered, want %d", w.Buffered(), len(want))
	}
	if err := errors.Join(w.Flush(), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(out.writes, []string{want}) {
		t.Errorf("got %q", out.writes)
	}
	traced := []string{"USER anna", "PASS ***", "***", "MAIL FROM:<> SIZE=10", "selector", "CWD ", "20 bytes exactly: ok", ""}
	if !reflect.DeepEqual(seen, traced) {
		t.Errorf("traced %q", seen)
	}
}

func TestWriterRefuses(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 10)
	w.OnCmd = func(line string) {
		if line != "NOOP" {
			t.Errorf("traced %q", line)
		}
	}
	tests := []struct {
		err  error
		want string
	}{
		{w.Cmd("A\r", "b"), `CR is not allowed in "A\r"`},
		{w.Cmd("A", "b", "c\nDELE 1"), `LF is not allowed in "c\nDELE 1"`},
		{w.Raw("A\x00"), `NUL is not allowed in "A\x00"`},
		{w.Secret("P", "***", "geheim\r"), `CR is not allowed in "***"`},
		{w.Secret("P\n", "***", "geheim"), `LF is not allowed in "P\n"`},
		{w.Cmd("12345", "78901"), "command line longer than 10 bytes"},
		{w.Secret("12345", "***", "78901"), "command line longer than 10 bytes"},
		{w.Cmd("NOOP"), ""},
	}
	for _, tt := range tests {
		if tt.want == "" && tt.err == nil {
			continue
		}
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("got %v, want %s", tt.err, tt.want)
		}
	}
	if err := w.Flush(); err != nil || out.all() != "NOOP\r\n" {
		t.Errorf("wrote %q, %v", out.all(), err)
	}
}

func TestWriterBoundsWhatWaits(t *testing.T) {
	w := NewWriter(&recorder{after: -1}, 0)
	line := strings.Repeat("x", 1022)
	for range maxPending / 1024 {
		if err := w.Raw(line); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := errors.AsType[*LimitError](w.Raw("")); !ok || w.Buffered() != maxPending {
		t.Errorf("%d bytes buffered", w.Buffered())
	}
	if err := errors.Join(w.Flush(), w.Raw(line)); err != nil {
		t.Error(err)
	}
}

func TestWriterKeepsWriteError(t *testing.T) {
	for name, use := range map[string]func(*Writer) error{
		"Flush":    func(w *Writer) error { w.Cmd("NOOP"); return w.Flush() },
		"Write":    func(w *Writer) error { _, err := w.Write(make([]byte, blockSize+1)); return err },
		"ReadFrom": func(w *Writer) error { _, err := w.ReadFrom(strings.NewReader("x")); return err },
	} {
		out := &recorder{after: 0}
		w := NewWriter(out, 0)
		if err := use(w); err != errTemporary {
			t.Errorf("%s: got %v", name, err)
		}
		out.after = -1
		for _, err := range []error{w.Cmd("A"), w.Secret("A", "*", "b"), w.Flush(), use(w)} {
			if err != errTemporary {
				t.Errorf("%s: a later call got %v", name, err)
			}
		}
		if len(out.writes) != 0 {
			t.Errorf("%s: wrote %q", name, out.writes)
		}
	}
}

func TestWriterBodies(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 0)
	big := strings.Repeat("b", blockSize+1)
	w.Cmd("BDAT 5")
	w.Write([]byte("small"))
	w.Cmd("BDAT 65537")
	w.Write([]byte(big))
	w.Cmd("BDAT 4 LAST")
	if n, err := w.ReadFrom(strings.NewReader("file")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	want := []string{"BDAT 5\r\nsmallBDAT 65537\r\n", big, "BDAT 4 LAST\r\n", "file"}
	if !reflect.DeepEqual(out.writes, want) {
		t.Errorf("got %.60q", out.writes)
	}
}

func TestWriterAllocates(t *testing.T) {
	w := NewWriter(&discard{}, 0)
	w.Cmd("RETR", "123456789")
	w.Flush()
	n := testing.AllocsPerRun(1000, func() {
		w.Cmd("RETR", "1")
		w.Flush()
	})
	if n != 0 {
		t.Errorf("got %v allocations a command", n)
	}
}

// discard counts what it drops; unlike io.Discard it has no ReadFrom.
type discard struct{ n int64 }

func (d *discard) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	return len(p), nil
}
