// Package inflate decompresses DEFLATE (RFC 1951) on an interactive connection,
// for COMPRESS in IMAP (RFC 4978) and NNTP (RFC 8054).
package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Reader decompresses DEFLATE. It returns everything that the bytes received so
// far determine, as soon as they arrive. The reader of the standard library holds
// content back until the next block begins. On a connection whose server ends its
// replies with a partial flush, as INN does, that is for ever.
type Reader struct {
	src   *bufio.Reader
	bits  uint64 // the next bits of the stream, lowest first
	n     uint   // the number of bits in bits
	buf   []byte // output; buf[r:] is unread, the 32 KiB before it are the window
	r     int
	state func(*Reader) error
	left  int  // remaining bytes of a stored block
	final bool // this block is the last
	lit   huffman
	dist  huffman
	err   error
	total int64 // bytes of output
	most  int64
}

const (
	windowSize  = 32 << 10 // how far back a copy may reach
	bufferSize  = 4 * windowSize
	longestCopy = 258
	roomNeeded  = longestCopy + 64 // for one step of symbols: the literals of 63 bits, and a copy
)

// errBlocked means that the next bits have not arrived and that output is waiting
// to be read.
var errBlocked = errors.New("blocked")

// waiting wraps the error of a non-blocking source at a point where nothing is
// lost, and a later call continues.
type waiting struct{ error }

func (w *waiting) Unwrap() error { return w.error }

// errFinal means that the last block has ended.
var errFinal = errors.New("end of the compressed stream")

// errDamaged returns the error for a stream that violates RFC 1951.
func errDamaged() error {
	return &protocols.Error{Kind: protocols.KindProtocol, Text: "compressed stream is damaged"}
}

// NewReader returns a reader of the decompressed content of r, a DEFLATE stream.
// After more than most bytes Read returns a [wire.LimitError], because a small
// input can expand enormously. A damaged stream is an error of kind protocol, a
// truncated one io.ErrUnexpectedEOF. Reader may read more of r than it needs.
func NewReader(r io.Reader, most int64) *Reader {
	return &Reader{src: bufio.NewReaderSize(r, 64<<10), buf: make([]byte, 0, bufferSize), state: (*Reader).header, most: most}
}

// Read returns decoded bytes, at least one.
func (f *Reader) Read(p []byte) (int, error) {
	for f.r == len(f.buf) {
		if f.err != nil {
			return 0, f.err
		}
		f.slide()
		before := len(f.buf)
		if w := f.decode(); w != nil {
			return 0, w.error
		}
		if f.total += int64(len(f.buf) - before); f.total > f.most {
			f.err = &wire.LimitError{What: "decompressed content", Limit: f.most}
		}
	}
	n := copy(p, f.buf[f.r:])
	f.r += n
	return n, nil
}

// slide discards everything but the window, to make room for more output.
func (f *Reader) slide() {
	if len(f.buf) > windowSize {
		keep := copy(f.buf, f.buf[len(f.buf)-windowSize:])
		f.buf = f.buf[:keep]
	}
	f.r = len(f.buf)
}

// decode runs until the output is full, an error occurs, or it would have to
// block for the next bits while output is waiting to be read.
func (f *Reader) decode() *waiting {
	for f.err == nil && cap(f.buf)-len(f.buf) >= roomNeeded {
		err := f.state(f)
		if err == errBlocked {
			return nil
		}
		if w, ok := errors.AsType[*waiting](err); ok {
			return w
		}
		switch err {
		case io.EOF:
			err = io.ErrUnexpectedEOF
		case errFinal:
			err = io.EOF
		}
		f.err = err
	}
	return nil
}

// fill ensures that n bits are available; n is at most 56.
func (f *Reader) fill(n uint) error {
	for f.n < n {
		if f.r < len(f.buf) && f.src.Buffered() == 0 {
			return errBlocked
		}
		b, err := f.src.ReadByte()
		if t, ok := err.(interface{ Temporary() bool }); ok && t.Temporary() {
			return &waiting{err}
		}
		if err != nil {
			return err
		}
		f.bits |= uint64(b) << f.n
		f.n += 8
	}
	return nil
}

// refill takes several buffered bytes at once, if enough have arrived: then at
// least 56 bits are available. The bits above them are the next bits of the
// stream, too.
func (f *Reader) refill() bool {
	if f.src.Buffered() < 8 {
		return false
	}
	next, err := f.src.Peek(8)
	if err != nil {
		return false
	}
	f.bits |= binary.LittleEndian.Uint64(next) << f.n
	n := (63 - f.n) / 8
	_, _ = f.src.Discard(int(n))
	f.n += 8 * n
	return true
}

// take consumes n available bits.
func (f *Reader) take(n uint) int {
	v := int(f.bits & (1<<n - 1))
	f.bits >>= n
	f.n -= n
	return v
}

// need is fill and take.
func (f *Reader) need(n uint) (int, error) {
	if err := f.fill(n); err != nil {
		return 0, err
	}
	return f.take(n), nil
}

// header reads the start of a block.
func (f *Reader) header() error {
	if f.final {
		return errFinal
	}
	head, err := f.need(3)
	if err != nil {
		return err
	}
	f.final = head&1 == 1
	switch head >> 1 {
	case 0:
		f.state = (*Reader).storedHeader
	case 1:
		f.lit, f.dist = fixedCodes()
		f.state = (*Reader).symbols
	case 2:
		f.state = (*Reader).dynamicHeader
	default:
		return errDamaged()
	}
	return nil
}

// storedHeader reads the length of a block that is not compressed.
func (f *Reader) storedHeader() error {
	f.take(f.n % 8)
	if err := f.fill(32); err != nil {
		return err
	}
	size, complement := f.take(16), f.take(16)
	if size != ^complement&0xffff {
		return errDamaged()
	}
	f.left, f.state = size, (*Reader).stored
	return nil
}

func (f *Reader) stored() error {
	for f.left > 0 {
		if cap(f.buf)-len(f.buf) < roomNeeded {
			return nil
		}
		b, err := f.need(8)
		if err != nil {
			return err
		}
		f.buf = append(f.buf, byte(b))
		f.left--
	}
	f.state = (*Reader).header
	return nil
}

// codeOrder is the order of the code lengths for the code length alphabet.
var codeOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHeader reads the codes of a block. A reply never ends within a header,
// so blocking for the rest is right.
func (f *Reader) dynamicHeader() error {
	err := f.dynamicCodes()
	if w, ok := errors.AsType[*waiting](err); ok {
		return w.error
	}
	return err
}

func (f *Reader) dynamicCodes() error {
	unread := f.r
	f.r = len(f.buf) // no part of the header may return errBlocked: it is read only once
	defer func() { f.r = unread }()
	head, err := f.need(14)
	if err != nil {
		return err
	}
	literals, distances, codes := head&31+257, head>>5&31+1, head>>10&15+4
	if literals > 286 || distances > 30 {
		return errDamaged()
	}
	var lengths [286 + 30]byte
	for _, i := range codeOrder[:codes] {
		n, err := f.need(3)
		if err != nil {
			return err
		}
		lengths[i] = byte(n)
	}
	var code huffman
	if err := code.build(lengths[:19]); err != nil {
		return err
	}
	clear(lengths[:19])
	if err := f.codeLengths(&code, lengths[:literals+distances]); err != nil {
		return err
	}
	if err := f.lit.build(lengths[:literals]); err != nil {
		return err
	}
	f.state = (*Reader).symbols
	return f.dist.build(lengths[literals : literals+distances])
}

// codeLengths reads run-length coded code lengths.
func (f *Reader) codeLengths(code *huffman, lengths []byte) error {
	for i := 0; i < len(lengths); {
		symbol, used, err := f.symbol(code, f.bits, f.n)
		if err != nil {
			return err
		}
		f.take(used)
		if symbol < 16 {
			lengths[i] = byte(symbol)
			i++
			continue
		}
		run := [3]struct{ bits, base int }{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
		extra, err := f.need(uint(run.bits))
		if err != nil {
			return err
		}
		var value byte
		if symbol == 16 {
			if i == 0 {
				return errDamaged()
			}
			value = lengths[i-1]
		}
		n := run.base + extra
		if i+n > len(lengths) {
			return errDamaged()
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	return nil
}

// symbol decodes one symbol from bits, of which n are available, without
// consuming them. It reads more as needed; used is the number of bits of the
// symbol.
func (f *Reader) symbol(code *huffman, bits uint64, n uint) (symbol int, used uint, err error) {
	skip := f.n - n // bits that the caller has already used
	for {
		e := code.table[bits&code.mask]
		if used = uint(e & 15); used > 0 && used <= n {
			return int(e >> 4), used, nil
		}
		if n >= code.longest {
			return 0, 0, errDamaged()
		}
		if err := f.fill(f.n + 1); err != nil {
			return 0, 0, err
		}
		bits, n = f.bits>>skip, f.n-skip
	}
}
