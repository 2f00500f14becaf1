package expect

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// PlainWriter makes plain text of what a terminal would show: it leaves out ANSI escape
// sequences and control characters, carries out backspaces, carriage returns and erasing
// within a line, and drops the marks of pagers ("--More--"). A line is written once its
// end has come; [PlainWriter.Flush] writes the rest.
type PlainWriter struct {
	W io.Writer

	rest    []byte   // an escape sequence or a character that is not whole yet
	line    [][]byte // its characters
	at      int      // of the cursor in the line
	changed bool     // something of the line was overwritten or erased
}

// PlainText returns a whole text as [PlainWriter] writes it.
func PlainText(text string) string {
	var b bytes.Buffer
	w := PlainWriter{W: &b}
	_, _ = w.Write([]byte(text)) // memory takes everything
	_ = w.Flush()
	return b.String()
}

const (
	maxPlainLine = 64 << 10 // characters held back for the end of their line
	maxSequence  = 4 << 10  // bytes of an escape sequence
)

// pagerMark is the mark of a pager at the beginning of a line, which some leave there.
var pagerMark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[ \t]*<?-{1,4} ?\(?(?i:more)\b[^\n]{0,80}?-{1,4}>? ?`)
})

// Write takes text. The count of an error is not exact.
func (p *PlainWriter) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for len(p.rest) > 0 {
		n, err := p.take(p.rest)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		p.rest = p.rest[:copy(p.rest, p.rest[n:])]
	}
	return len(b), nil
}

// take does what the first bytes say and returns how many those are; 0: not all are there.
func (p *PlainWriter) take(b []byte) (n int, err error) {
	switch c := b[0]; {
	case c == 0x1b:
		return p.sequence(b), nil
	case c == '\n':
		return 1, p.end("\n")
	case c == '\r':
		p.at = 0
	case c == '\b':
		p.at = max(p.at-1, 0)
	case c == '\t' || c >= 0x20 && c < 0x7f:
		p.put(b[:1])
	case c < 0x20 || c == 0x7f:
	case !utf8.FullRune(b):
		return 0, nil
	default:
		_, n := utf8.DecodeRune(b)
		p.put(b[:n])
		return n, p.long()
	}
	return 1, p.long()
}

func (p *PlainWriter) put(char []byte) {
	for len(p.line) < p.at {
		p.line = append(p.line, []byte{' '})
	}
	if p.at < len(p.line) {
		p.changed = true
		p.line[p.at] = bytes.Clone(char)
	} else {
		p.line = append(p.line, bytes.Clone(char))
	}
	p.at++
}

// long writes a line that is too long to be held.
func (p *PlainWriter) long() error {
	if len(p.line) < maxPlainLine {
		return nil
	}
	return p.end("")
}

// end writes the line.
func (p *PlainWriter) end(with string) error {
	text := bytes.Join(p.line, nil)
	if p.changed {
		text = bytes.TrimRight(text, " ")
	}
	mark := pagerMark().Find(text)
	text = text[len(mark):]
	p.line, p.at, p.changed = p.line[:0], 0, false
	if len(mark) > 0 && len(text) == 0 { // the line is the pager's alone
		return nil
	}
	_, err := p.W.Write(append(text, with...))
	return err
}

// Flush writes what is left of a line.
func (p *PlainWriter) Flush() error {
	for _, c := range p.rest { // not whole, and no more will come
		if c >= 0x80 {
			p.put([]byte{c})
		}
	}
	p.rest = nil
	if len(p.line) == 0 {
		return nil
	}
	return p.end("")
}

// sequence skips an escape sequence (ECMA-48), or does what it says within the line, and
// returns its length; 0: its end has not come.
func (p *PlainWriter) sequence(b []byte) int {
	n := sequenceLength(b)
	if n == 0 && len(b) >= maxSequence {
		return 1
	}
	if n < 3 || b[1] != '[' {
		return n
	}
	arg, err := strconv.Atoi(string(b[2 : n-1]))
	move := min(max(arg, 1), maxPlainLine)
	switch final := b[n-1]; {
	case final == 'K' && (err != nil || arg == 0): // to the end
		p.line, p.changed = p.line[:min(p.at, len(p.line))], true
	case final == 'K' && arg == 2:
		p.line, p.changed = p.line[:0], true
	case final == 'K':
		for i := range min(p.at+1, len(p.line)) {
			p.line[i], p.changed = []byte{' '}, true
		}
	case final == 'D':
		p.at = max(p.at-move, 0)
	case final == 'C':
		p.at = min(p.at+move, maxPlainLine-1)
	case final == 'G':
		p.at = move - 1
	}
	return n
}

// sequenceLength returns the length of the sequence at the start of b, or 0 when it is not
// whole.
func sequenceLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '[':
		if i := slices.IndexFunc(b[2:], func(c byte) bool { return c < 0x20 || c > 0x3f }); i >= 0 {
			return 2 + i + 1
		}
	case ']', 'P', 'X', '^', '_': // a string, up to BEL or ST
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1
			}
			if b[i] == 0x1b && i+1 < len(b) {
				return i + 2
			}
		}
	default:
		if i := slices.IndexFunc(b[1:], func(c byte) bool { return c < 0x20 || c > 0x2f }); i >= 0 {
			return 1 + i + 1
		}
	}
	return 0
}
