package wire

import (
	"bytes"
	"cmp"
	"io"
)

const (
	// DefaultLine is the default line limit in bytes.
	DefaultLine = 64 << 10

	// blockSize is the size of read and write buffers: large enough to make the cost of system calls negligible.
	blockSize = 64 << 10

	// maxEmptyReads is how many consecutive reads may return neither bytes nor an error.
	maxEmptyReads = 100
)

// LineReader reads lines that end in CRLF or a bare LF, and bodies between them, from one buffer. It reads from its
// source only when its buffer holds too little, and never with more than one Read at a time.
type LineReader struct {
	// OnLine, if set, is called with each line that ReadLine returns, without its end. It must neither retain nor modify the line.
	OnLine func(line []byte)
	// OnBody, if set, is called with the content of bodies in pieces, as they are read; OnBodyEnd after the terminator, with the
	// number of bytes.
	OnBody    func(piece []byte)
	OnBodyEnd func(n int64)
	// What names the lines in a LimitError; "" means "reply line".
	What string

	src     io.Reader
	limit   int
	buf     []byte
	r, w    int   // buf[r:w] has been read but not returned
	pending error // returned by the source together with the last bytes
	bareLF  bool  // the last line that ReadLine returned ended in LF alone
	broken  error // a line exceeded the limit: nothing after it can be trusted
}

// BareLF reports whether the line that ReadLine returned last ended in LF alone, as those of some servers do, which then
// end bodies so too.
func (lr *LineReader) BareLF() bool { return lr.bareLF }

// NewLineReader returns a reader of lines of at most limit bytes, not counting their ends. A limit below 1 means
// DefaultLine. The caller closes src.
func NewLineReader(src io.Reader, limit int) *LineReader {
	if limit < 1 {
		limit = DefaultLine
	}
	return newLineReader(src, limit, blockSize)
}

// newLineReader lets tests choose the buffer size, at least 3.
func newLineReader(src io.Reader, limit, size int) *LineReader {
	return &LineReader{src: src, limit: limit, buf: make([]byte, size)}
}

// ReadLine returns the next line without its end. The slice is valid until the next call on lr and must not be modified.
//
// The error is io.EOF if the stream ended exactly between two lines, io.ErrUnexpectedEOF if it ended inside one, a
// *LimitError (on each later call too) if the line is too long, else the error of the source. After an error of the
// source nothing is lost: a later call continues the same line.
func (lr *LineReader) ReadLine() ([]byte, error) {
	line, crlf, err := lr.readLine()
	if err == nil {
		lr.bareLF = !crlf
	}
	if err == nil && lr.OnLine != nil {
		lr.OnLine(line)
	}
	return line, err
}

// readLine is ReadLine without the hook; crlf reports whether the line ended in CRLF.
func (lr *LineReader) readLine() (line []byte, crlf bool, err error) {
	scanned := 0
	for lr.broken == nil {
		part := lr.buf[lr.r:lr.w]
		if i := bytes.IndexByte(part[scanned:], '\n'); i >= 0 {
			return lr.takeLine(part[:scanned+i])
		}
		scanned = len(part)
		if body, _ := bytes.CutSuffix(part, cr); len(body) > lr.limit {
			return nil, false, lr.tooLong()
		}
		if err := lr.fill(); err != nil {
			if err == io.EOF && len(part) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, false, err
		}
	}
	return nil, false, lr.broken
}

// takeLine consumes part, which lies at the start of the buffer, and the LF after it.
func (lr *LineReader) takeLine(part []byte) (line []byte, crlf bool, err error) {
	line, crlf = bytes.CutSuffix(part, cr)
	if len(line) > lr.limit {
		return nil, false, lr.tooLong()
	}
	lr.r += len(part) + 1
	return line, crlf, nil
}

func (lr *LineReader) tooLong() error {
	lr.broken = &LimitError{What: cmp.Or(lr.What, "reply line"), Limit: int64(lr.limit)}
	return lr.broken
}

// Buffered returns the number of bytes read from the source but not yet returned. It must be 0 before a plain
// connection is upgraded to TLS: anything more may have been injected by a man-in-the-middle (RFC 3207 6,
// CVE-2011-0411).
func (lr *LineReader) Buffered() int { return lr.w - lr.r }

// Fill reads once from the source into the buffer: see Buffered. If the source does not block, neither does Fill.
func (lr *LineReader) Fill() error { return lr.fill() }

// Peek returns the next n bytes, n being small, without consuming them. It waits for them.
func (lr *LineReader) Peek(n int) ([]byte, error) {
	if _, err := lr.have(n, true); err != nil {
		return nil, err
	}
	return lr.buf[lr.r : lr.r+n], nil
}

// Read returns raw bytes: first those in the buffer, then those of the source, without copying.
func (lr *LineReader) Read(p []byte) (int, error) {
	if lr.r < lr.w || len(p) == 0 {
		n := copy(p, lr.buf[lr.r:lr.w])
		lr.r += n
		return n, nil
	}
	if err := lr.takePending(); err != nil {
		return 0, err
	}
	return lr.src.Read(p)
}

// WriteTo writes all raw bytes until the source ends: first those in the buffer, then with io.Copy from the source
// itself, so that the fast paths of both sides remain available.
func (lr *LineReader) WriteTo(w io.Writer) (int64, error) {
	n, err := writeAll(w, lr.buf[lr.r:lr.w])
	lr.r += n
	if err != nil {
		return int64(n), err
	}
	switch err := lr.takePending(); err {
	case nil:
	case io.EOF:
		return int64(n), nil
	default:
		return int64(n), err
	}
	rest, err := io.Copy(w, lr.src)
	return int64(n) + rest, err
}

// fill reads once from the source, at least one byte.
func (lr *LineReader) fill() error {
	if err := lr.takePending(); err != nil {
		return err
	}
	lr.makeRoom()
	for range maxEmptyReads {
		n, err := lr.src.Read(lr.buf[lr.w:])
		lr.w += n
		if n > 0 {
			lr.pending = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom makes free space after w. The buffer grows only when a single line fills it, so never beyond the limit.
func (lr *LineReader) makeRoom() {
	switch {
	case lr.r == lr.w:
		lr.r, lr.w = 0, 0
	case lr.w < len(lr.buf):
	case lr.r > 0:
		lr.w = copy(lr.buf, lr.buf[lr.r:lr.w])
		lr.r = 0
	default:
		grown := make([]byte, min(2*len(lr.buf), lr.limit+len(crlf)))
		copy(grown, lr.buf)
		lr.buf = grown
	}
}

func (lr *LineReader) takePending() error {
	err := lr.pending
	lr.pending = nil
	return err
}

// have buffers at least n bytes, n being small. If they are not there and wait is false it returns false.
func (lr *LineReader) have(n int, wait bool) (bool, error) {
	for lr.w-lr.r < n {
		if !wait {
			return false, nil
		}
		if err := lr.fill(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// writeAll is w.Write, with io.ErrShortWrite for a short count without an error.
func writeAll(w io.Writer, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
