package nntp

import (
	"bufio"
	"errors"
	"io"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// inflater undoes DEFLATE (RFC 1951) on a conversation. It gives what can be
// known from the bytes that came as soon as they came. The standard library's
// reader holds content back until the next block begins, which on a connection
// whose server ends its answers with a partial flush is for ever; INN does so.
type inflater struct {
	src   *bufio.Reader
	bits  uint64 // the next bits of the stream, lowest first
	n     uint   // how many they are
	buf   []byte // output; buf[r:] is not read yet, the 32 KiB before are what copies refer to
	r     int
	state func(*inflater) error
	left  int  // bytes of a stored block still to come
	final bool // this block is the last
	lit   huffman
	dist  huffman
	err   error
	total int64 // bytes of output
	most  int64
}

const (
	windowSize  = 32 << 10 // how far back a copy may reach
	inflateSize = 4 * windowSize
	longestCopy = 258
)

// errBlocked says that the next bits are not there yet and that output waits.
var errBlocked = errors.New("blocked")

// errFinal says that the last block has ended.
var errFinal = errors.New("end of the compressed stream")

// inflateError says that the stream breaks RFC 1951.
func inflateError() error {
	return &protocols.Error{Kind: protocols.Protocol, Text: "compressed stream is damaged"}
}

func newInflater(r io.Reader, most int64) *inflater {
	return &inflater{src: bufio.NewReaderSize(r, 64<<10), buf: make([]byte, 0, inflateSize), state: (*inflater).header, most: most}
}

// Read gives what has been decoded, at least one byte.
func (f *inflater) Read(p []byte) (int, error) {
	for f.r == len(f.buf) {
		if f.err != nil {
			return 0, f.err
		}
		f.slide()
		before := len(f.buf)
		f.decode()
		if f.total += int64(len(f.buf) - before); f.total > f.most {
			f.err = &wire.LimitError{What: "decompressed content", Limit: f.most}
		}
	}
	n := copy(p, f.buf[f.r:])
	f.r += n
	return n, nil
}

// slide keeps the window only, so that there is room for more output.
func (f *inflater) slide() {
	if len(f.buf) > windowSize {
		keep := copy(f.buf, f.buf[len(f.buf)-windowSize:])
		f.buf = f.buf[:keep]
	}
	f.r = len(f.buf)
}

// decode works until the output is full, or the next bits have to be waited for
// while output waits to be read, or there is an error.
func (f *inflater) decode() {
	for f.err == nil && cap(f.buf)-len(f.buf) > longestCopy {
		err := f.state(f)
		if err == errBlocked {
			return
		}
		switch err {
		case io.EOF:
			err = io.ErrUnexpectedEOF
		case errFinal:
			err = io.EOF
		}
		f.err = err
	}
}

// fill makes n bits be there, n at most 56.
func (f *inflater) fill(n uint) error {
	for f.n < n {
		if f.r < len(f.buf) && f.src.Buffered() == 0 {
			return errBlocked
		}
		b, err := f.src.ReadByte()
		if err != nil {
			return err
		}
		f.bits |= uint64(b) << f.n
		f.n += 8
	}
	return nil
}

// take consumes n bits that are there.
func (f *inflater) take(n uint) int {
	v := int(f.bits & (1<<n - 1))
	f.bits >>= n
	f.n -= n
	return v
}

// need is fill and take.
func (f *inflater) need(n uint) (int, error) {
	if err := f.fill(n); err != nil {
		return 0, err
	}
	return f.take(n), nil
}

// header reads the start of a block.
func (f *inflater) header() error {
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
		f.state = (*inflater).storedHeader
	case 1:
		f.lit, f.dist = fixedCodes()
		f.state = (*inflater).symbols
	case 2:
		f.state = (*inflater).dynamicHeader
	default:
		return inflateError()
	}
	return nil
}

// storedHeader reads the length of a block that is not compressed.
func (f *inflater) storedHeader() error {
	f.take(f.n % 8)
	if err := f.fill(32); err != nil {
		return err
	}
	size, complement := f.take(16), f.take(16)
	if size != ^complement&0xffff {
		return inflateError()
	}
	f.left, f.state = size, (*inflater).stored
	return nil
}

func (f *inflater) stored() error {
	for f.left > 0 {
		if cap(f.buf)-len(f.buf) <= longestCopy {
			return nil
		}
		b, err := f.need(8)
		if err != nil {
			return err
		}
		f.buf = append(f.buf, byte(b))
		f.left--
	}
	f.state = (*inflater).header
	return nil
}

// codeOrder is the order in which the lengths of the code length code come.
var codeOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHeader reads the codes of a block. Half a header is never what an answer
// ends with, so that waiting for the rest is right.
func (f *inflater) dynamicHeader() error {
	unread := f.r
	f.r = len(f.buf) // nothing of the header may give errBlocked: it is read once
	defer func() { f.r = unread }()
	head, err := f.need(14)
	if err != nil {
		return err
	}
	literals, distances, codes := head&31+257, head>>5&31+1, head>>10&15+4
	if literals > 286 || distances > 30 {
		return inflateError()
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
	f.state = (*inflater).symbols
	return f.dist.build(lengths[literals : literals+distances])
}

// codeLengths reads run-length coded lengths of codes.
func (f *inflater) codeLengths(code *huffman, lengths []byte) error {
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
				return inflateError()
			}
			value = lengths[i-1]
		}
		n := run.base + extra
		if i+n > len(lengths) {
			return inflateError()
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	return nil
}

// symbol decodes one symbol from bits, of which n are there, without consuming
// them. More are read as they are needed; used counts those of the symbol.
func (f *inflater) symbol(code *huffman, bits uint64, n uint) (symbol int, used uint, err error) {
	skip := f.n - n // bits that the caller has looked at already
	for {
		e := code.table[bits&code.mask]
		if used = uint(e & 15); used > 0 && used <= n {
			return int(e >> 4), used, nil
		}
		if n >= code.longest {
			return 0, 0, inflateError()
		}
		if err := f.fill(f.n + 1); err != nil {
			return 0, 0, err
		}
		bits, n = f.bits>>skip, f.n-skip
	}
}
