package wire

import (
	"io"
	"math"
)

// DotReader reads one dot-stuffed body from a LineReader up to its terminator, byte-exact: it removes stuffed dots and
// leaves everything else, line ends included, unchanged. After the terminator the LineReader is positioned at the next
// reply.
//
// A line starts only after CRLF, and only CRLF "." CRLF ends the body, unless LenientLF is set. The lines of a body are
// never passed to LineReader.OnLine, and its limit applies only to ReadLine.
//
// If the stream ends before the terminator the error is io.ErrUnexpectedEOF, after all received bytes. After an error
// of the connection nothing is lost: a later call continues from there.
type DotReader struct {
	// LenientLF lets a bare LF end a line as CRLF does, for servers that send such bodies and terminators. With it,
	// "\n.\n" inside a body ends the body. Set it before the first read.
	LenientLF bool

	// Count is the number of bytes of the body that were read so far.
	Count int64

	lr        *LineReader
	lineStart bool // the next byte starts a line
	afterCR   bool // the byte before was a CR
	done      bool // the terminator was read
}

// NewDotReader returns a reader of the body that follows in lr. Read it to io.EOF, or Drain it, before using lr again.
func NewDotReader(lr *LineReader) *DotReader {
	return &DotReader{lr: lr, lineStart: true}
}

// Ended reports whether the terminator was read.
func (d *DotReader) Ended() bool { return d.done }

// lineEnd is what a body has after each line.
var lineEnd = []byte("\r\n")

// Read reads body bytes into p and returns io.EOF after the terminator.
func (d *DotReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	run, err := d.run(len(p), true)
	n := copy(p, run)
	for err == nil && len(run) > 0 && n < len(p) {
		if run, err = d.run(len(p)-n, false); err == nil {
			n += copy(p[n:], run)
		}
	}
	if n > 0 {
		err = nil // the next call returns it
	}
	return n, err
}

// WriteTo writes the rest of the body to w, one buffer at a time. Bytes that w does not accept are lost.
func (d *DotReader) WriteTo(w io.Writer) (int64, error) {
	return d.each(func(block []byte) error {
		_, err := writeAll(w, block)
		return err
	})
}

// Drain reads and discards the rest of the body, so that the connection can be reused. If the rest exceeds limit bytes,
// Drain stops near the limit with a *LimitError, and the connection should be closed.
func (d *DotReader) Drain(limit int64) error {
	left := limit
	_, err := d.each(func(block []byte) error {
		if left -= int64(len(block)); left < 0 {
			return &LimitError{What: "rest of the body", Limit: limit}
		}
		return nil
	})
	return err
}

// each calls take with the rest of the body, block by block, and returns the number of bytes it accepted.
func (d *DotReader) each(take func(block []byte) error) (int64, error) {
	for total := int64(0); ; {
		block, err := d.block()
		if err == io.EOF {
			return total, nil
		}
		if err == nil {
			err = take(block)
		}
		if err != nil {
			return total, err
		}
		total += int64(len(block))
	}
}

// block returns all body bytes that are buffered, at least one, as one slice of the LineReader's buffer. Runs after a
// stuffed dot move down over it, so that one write covers many runs. It never moves over unread bytes.
func (d *DotReader) block() ([]byte, error) {
	block, err := d.run(math.MaxInt, true)
	for err == nil {
		run, end := d.run(math.MaxInt, false)
		if len(run) == 0 || end != nil {
			break
		}
		block = append(block, run...)
	}
	return block, err
}

// ReadLine returns the next line of the body without its end, or the rest of the line that Read began. It returns
// io.EOF after the terminator. Limit and validity of the slice are those of LineReader.ReadLine.
func (d *DotReader) ReadLine() ([]byte, error) {
	if _, err := d.skipDot(true); err != nil {
		return nil, err
	}
	line, crlf, err := d.lr.readLine()
	if err != nil {
		return nil, insideReply(err)
	}
	d.Count += int64(len(line)) + 2
	if d.lr.OnBody != nil {
		d.lr.OnBody(line)
		d.lr.OnBody(lineEnd)
	}
	d.lineStart = crlf || d.LenientLF || d.afterCR && len(line) == 0
	d.afterCR = false
	return line, nil
}

// run consumes and returns the longest run of at most most body bytes that lies unchanged in the buffer. If
// nothing is buffered and wait is false it returns nothing and no error.
func (d *DotReader) run(most int, wait bool) ([]byte, error) {
	if ok, err := d.skipDot(wait); !ok {
		return nil, err
	}
	if ok, err := d.have(1, wait); !ok {
		return nil, err
	}
	p := d.lr.buf[d.lr.r:d.lr.w]
	p = p[:min(len(p), most)]
	if i := beforeDot(p, d.afterCR, d.LenientLF); i >= 0 {
		p = p[:i]
	}
	d.lr.r += len(p)
	d.Count += int64(len(p))
	if d.lr.OnBody != nil {
		d.lr.OnBody(p)
	}
	d.lineStart = endsLine(p, d.afterCR, d.LenientLF)
	d.afterCR = p[len(p)-1] == '\r'
	return p, nil
}

// skipDot consumes the special bytes at the start of a line: the stuffed dot, or the terminator, for which it returns
// io.EOF. It reads no more bytes than it needs to decide. False without an error means that it would have to block.
func (d *DotReader) skipDot(wait bool) (bool, error) {
	if d.done {
		return false, io.EOF
	}
	if !d.lineStart {
		return true, nil
	}
	if ok, err := d.have(1, wait); !ok || d.lr.buf[d.lr.r] != '.' {
		return ok, err
	}
	size, ok, err := d.terminator(wait)
	if !ok {
		return false, err
	}
	if size > 0 {
		d.lr.r += size
		d.done = true
		if d.lr.OnBodyEnd != nil {
			d.lr.OnBodyEnd(d.Count)
		}
		return false, io.EOF
	}
	d.lr.r++
	d.lineStart = false
	return true, nil
}

// terminator returns the length of the terminator if the line that starts with a dot is one, else 0.
func (d *DotReader) terminator(wait bool) (size int, ok bool, err error) {
	if ok, err = d.have(2, wait); !ok {
		return 0, false, err
	}
	switch second := d.lr.buf[d.lr.r+1]; {
	case second == '\n' && d.LenientLF:
		return 2, true, nil
	case second != '\r':
		return 0, true, nil
	}
	if ok, err = d.have(3, wait); !ok {
		return 0, false, err
	}
	if d.lr.buf[d.lr.r+2] == '\n' {
		size = 3
	}
	return size, true, nil
}

// have is LineReader.have for places where the stream must not end.
func (d *DotReader) have(n int, wait bool) (bool, error) {
	ok, err := d.lr.have(n, wait)
	return ok, insideReply(err)
}
