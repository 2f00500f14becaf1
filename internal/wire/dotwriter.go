package wire

import (
	"bytes"
	"fmt"
	"io"
)

// LineEnds selects how a DotWriter treats the line ends of a body.
type LineEnds int

// The treatments of line ends.
const (
	// Normalize turns every bare CR, bare LF and CRLF into CRLF. No body can then contain a line end that one server
	// recognises and another does not (the SMTP smuggling of CVE-2023-51764 to 51766).
	Normalize LineEnds = iota
	// Refuse fails with a *LineEndError at a bare CR or LF.
	Refuse
	// Exact passes all bytes and stuffs dots after CRLF only. The sequence LF "." LF passes too: use it only
	// with peers known to end a body only at CRLF "." CRLF.
	Exact
)

// LineEndError reports that a body under Refuse contains a CR or LF that is not part of a CRLF.
type LineEndError struct {
	Byte   byte  // '\r' or '\n'
	Offset int64 // its offset in the body, from 0
}

// Error names the byte and its offset.
func (e *LineEndError) Error() string {
	return fmt.Sprintf("bare %s at byte %d of the body", byteNames[e.Byte], e.Offset)
}

// DotWriter writes one body dot-stuffed, block by block: a dot at the start of a line is doubled, and Close adds the
// terminator. The first error of any kind is kept and returned by all later calls. After it nothing more is written, in
// particular no terminator, so that a truncated body is never taken for a complete one; the connection must then be
// closed. Likewise, a caller whose own source failed must not call Close.
type DotWriter struct {
	dst       io.Writer
	ends      LineEnds
	buf       []byte
	block     []byte // for ReadFrom
	taken     int64  // body bytes in blocks before this one
	lineStart bool   // the next byte starts a line
	afterCR   bool   // the byte before was a CR, not written yet unless ends is Exact
	closed    bool
	err       error
}

// NewDotWriter returns a writer of one body to dst, which it never closes. It writes to dst once 64 KiB have
// accumulated and at Close. If dst is a *Writer the caller must still flush it.
func NewDotWriter(dst io.Writer, ends LineEnds) *DotWriter {
	return newDotWriter(dst, ends, blockSize)
}

// newDotWriter lets tests choose the buffer size.
func newDotWriter(dst io.Writer, ends LineEnds, size int) *DotWriter {
	d := &DotWriter{buf: make([]byte, 0, size)}
	d.Reset(dst, ends)
	return d
}

// Reset prepares d for another body, keeping its buffers and clearing everything else.
func (d *DotWriter) Reset(dst io.Writer, ends LineEnds) {
	*d = DotWriter{dst: dst, ends: ends, buf: d.buf[:0], block: d.block, lineStart: true}
}

// Write adds body bytes. On a *LineEndError it returns the number of bytes before the bad byte, on any other error 0.
func (d *DotWriter) Write(p []byte) (int, error) {
	if d.err == nil && d.closed {
		d.err = io.ErrClosedPipe
	}
	if d.err != nil || len(p) == 0 {
		return 0, d.err
	}
	if d.ends == Exact {
		d.writeExact(p)
	} else {
		d.writeLines(p)
	}
	if d.err != nil {
		return d.countBeforeError(), d.err
	}
	d.taken += int64(len(p))
	return len(p), nil
}

func (d *DotWriter) countBeforeError() int {
	if bad, ok := d.err.(*LineEndError); ok {
		return int(max(bad.Offset-d.taken, 0))
	}
	return 0
}

// ReadFrom adds all of r. An error of r is kept as an error of d.
func (d *DotWriter) ReadFrom(r io.Reader) (total int64, err error) {
	if d.block == nil {
		d.block = make([]byte, blockSize)
	}
	for empty := 0; empty < maxEmptyReads; empty++ {
		n, err := r.Read(d.block)
		taken, werr := d.Write(d.block[:n])
		total += int64(taken)
		switch {
		case werr != nil:
			return total, werr
		case err == io.EOF:
			return total, nil
		case err != nil:
			d.err = err
			return total, err
		case n > 0:
			empty = 0
		}
	}
	d.err = io.ErrNoProgress
	return total, d.err
}

// Close ends the last line if it has no end, and writes everything buffered and the terminator. After an error it
// writes nothing and returns that error. A second Close does nothing.
func (d *DotWriter) Close() error {
	if d.closed || d.err != nil {
		return d.err
	}
	d.closed = true
	if d.afterCR && d.ends != Exact {
		d.bareEnd('\r', d.taken-1)
	}
	if !d.lineStart {
		d.put(crlf)
	}
	d.put(dotEnd)
	d.flush()
	return d.err
}

func (d *DotWriter) writeExact(p []byte) {
	if d.lineStart && p[0] == '.' {
		d.put(dot)
	}
	rest, afterCR := p, d.afterCR
	for i := beforeDot(rest, afterCR, false); i >= 0; i = beforeDot(rest, afterCR, false) {
		d.put(rest[:i])
		d.put(dot)
		rest, afterCR = rest[i:], false
	}
	d.put(rest)
	d.lineStart = endsLine(p, d.afterCR, false)
	d.afterCR = p[len(p)-1] == '\r'
}

// writeLines writes p for Normalize and Refuse. Bytes that need no change are written in runs as long as possible.
func (d *DotWriter) writeLines(p []byte) {
	pos := d.finishCR(p)
	run := pos               // p[run:pos] has been scanned but not written
	nextCR, nextLF := -1, -1 // the first of each at or after pos, len(p) if none
	for pos < len(p) && d.err == nil {
		if d.lineStart && p[pos] == '.' {
			d.put(p[run:pos])
			d.put(dot)
			run = pos
		}
		nextCR, nextLF = indexFrom(p, pos, nextCR, '\r'), indexFrom(p, pos, nextLF, '\n')
		end := min(nextCR, nextLF)
		d.lineStart = end < len(p)
		switch {
		case end == len(p):
			pos = end
		case end == len(p)-1 && end == nextCR: // its meaning depends on the next block
			d.put(p[run:end])
			d.lineStart, d.afterCR = false, true
			return
		case nextCR+1 == nextLF:
			pos = nextLF + 1
		default:
			d.put(p[run:end])
			d.bareEnd(p[end], d.taken+int64(end))
			pos = end + 1
			run = pos
		}
	}
	d.put(p[run:])
}

// finishCR handles a CR at the end of the previous block, and returns how many bytes of p belong to that line end.
func (d *DotWriter) finishCR(p []byte) int {
	if !d.afterCR {
		return 0
	}
	if p[0] != '\n' {
		d.bareEnd('\r', d.taken-1)
		return 0
	}
	d.put(crlf)
	d.lineStart, d.afterCR = true, false
	return 1
}

// bareEnd handles a bare CR or LF.
func (d *DotWriter) bareEnd(b byte, offset int64) {
	if d.ends == Refuse {
		d.fail(&LineEndError{Byte: b, Offset: offset})
		return
	}
	d.put(crlf)
	d.lineStart, d.afterCR = true, false
}

// indexFrom returns the index of the first b in p at or after pos, or len(p); known is the result for an earlier pos.
func indexFrom(p []byte, pos, known int, b byte) int {
	if known >= pos {
		return known
	}
	if i := bytes.IndexByte(p[pos:], b); i >= 0 {
		return pos + i
	}
	return len(p)
}

// put adds bytes to the buffer and writes the buffer when it is full. A large piece is not copied if the buffer is empty.
func (d *DotWriter) put(p []byte) {
	for d.err == nil && len(p) > 0 {
		if len(d.buf) == 0 && len(p) >= cap(d.buf) {
			_, d.err = writeAll(d.dst, p)
			return
		}
		n := min(len(p), cap(d.buf)-len(d.buf))
		d.buf = append(d.buf, p[:n]...)
		p = p[n:]
		if len(d.buf) == cap(d.buf) {
			d.flush()
		}
	}
}

func (d *DotWriter) flush() {
	if d.err == nil {
		_, d.err = writeAll(d.dst, d.buf)
		d.buf = d.buf[:0]
	}
}

func (d *DotWriter) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}
