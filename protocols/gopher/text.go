package gopher

import (
	"bytes"
	"io"
)

// text reads a text as RFC 1436 3.8 has it: a line of one dot ends it, and a dot
// at the start of a line is doubled. Servers leave out either, or both, so:
//
//   - the end of the stream is an end too;
//   - a lone dot is the end only when nothing follows it, since what goes on did
//     not end there;
//   - once a line begins with one dot and something else, this server does not
//     double dots, and no more of them are taken out.
type text struct {
	src   io.Reader
	dot   func(bool)  // called with true at a lone dot, before it is read on, and with false when more has come
	over  func() bool // whether an error after a lone dot is an end as good as any
	buf   []byte
	r, w  int
	start bool // buf[r] begins a line
	keep  int  // bytes at r that are content whatever they are
	plain bool // dots are not doubled
	err   error
}

// textBuffer is large enough for the kernel's usual pieces.
const textBuffer = 64 << 10

func newText(src io.Reader) *text {
	return &text{src: src, buf: make([]byte, textBuffer), start: true, dot: func(bool) {}, over: func() bool { return false }}
}

// Read reads content.
func (t *text) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if t.r == t.w && !t.fill() {
			return 0, t.err
		}
		if t.start && t.keep == 0 && t.buf[t.r] == '.' {
			if end := t.leadingDot(); end {
				t.r, t.w, t.err = 0, 0, io.EOF
				return 0, io.EOF
			}
			continue
		}
		n := copy(p, t.buf[t.r:t.r+t.span()])
		t.start = t.buf[t.r+n-1] == '\n'
		t.r += n
		t.keep = max(t.keep-n, 0)
		return n, nil
	}
}

// span returns how many bytes from r on need no look: up to the next line that
// begins with a dot.
func (t *text) span() int {
	from := min(t.keep, t.w-t.r)
	if i := bytes.Index(t.buf[t.r+max(from-1, 0):t.w], []byte("\n.")); i >= 0 {
		return max(from-1, 0) + i + 1
	}
	return t.w - t.r
}

// leadingDot settles a line that begins with a dot: what of it is content.
func (t *text) leadingDot() (end bool) {
	n := t.lone()
	switch {
	case n > 0:
		if !t.more(n) {
			return true
		}
		t.plain, t.keep = true, n
	case !t.plain && t.w-t.r > 1 && t.buf[t.r+1] == '.':
		t.r++
		t.keep = 1
	default:
		t.plain, t.keep = true, 1
	}
	return false
}

// lone returns the length of a line that is one dot, its end included; 0 when the
// line goes on.
func (t *text) lone() int {
	for i := 1; ; i++ {
		for t.r+i >= t.w {
			if !t.fill() {
				return i // at the end of the stream no line end is needed
			}
		}
		switch ch := t.buf[t.r+i]; {
		case ch == '\n':
			return i + 1
		case ch != '\r' || i > 1:
			return 0
		}
	}
}

// more reports whether anything stands after the n bytes of a lone dot.
func (t *text) more(n int) bool {
	if t.w-t.r > n {
		return true
	}
	if t.err != nil {
		return t.err != io.EOF
	}
	t.dot(true)
	if t.fill() {
		t.dot(false)
		return true
	}
	return t.err != io.EOF && !t.over()
}

// fill reads more after what is there. It reports false when nothing came.
func (t *text) fill() bool {
	if t.err != nil {
		return false
	}
	if t.r > 0 {
		t.w = copy(t.buf, t.buf[t.r:t.w])
		t.r = 0
	}
	for range 100 {
		n, err := t.src.Read(t.buf[t.w:])
		t.w += n
		t.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	t.err = io.ErrNoProgress
	return false
}
