package inflate

import "math/bits"

// huffman is a canonical code as one table. The index is the next bits; an entry
// is the symbol times 16 plus the length of its code, 0 for none.
type huffman struct {
	table   []uint16
	mask    uint64
	longest uint
}

// build makes the table from the code lengths, 0 to 15, by symbol (RFC 1951
// 3.2.2). An oversubscribed code is an error; an incomplete one is an error only
// when a missing code is used.
func (h *huffman) build(lengths []byte) error {
	var count, next [16]int
	h.longest = 1
	for _, n := range lengths {
		count[n]++
		h.longest = max(h.longest, uint(n))
	}
	count[0] = 0
	code := 0
	for n := 1; n < 16; n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
		if code+count[n] > 1<<n {
			return errDamaged()
		}
	}
	size := 1 << h.longest
	if cap(h.table) < size {
		h.table = make([]uint16, size)
	}
	h.table = h.table[:size]
	clear(h.table)
	h.mask = uint64(size - 1)
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		for i := reversed; i < size; i += 1 << n {
			h.table[i] = uint16(symbol<<4) | uint16(n)
		}
	}
	return nil
}

// fixedCodes returns the fixed codes of RFC 1951 3.2.6.
func fixedCodes() (lit, dist huffman) {
	var lengths [288]byte
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	_ = lit.build(lengths[:])
	for i := range 30 {
		lengths[i] = 5
	}
	_ = dist.build(lengths[:30])
	return lit, dist
}

// extra is the base of a length or distance and the number of extra bits to add.
type extra struct {
	base int
	bits uint
}

// lengthOf returns the length of symbol 257+i (RFC 1951 3.2.5).
func lengthOf(i int) (extra, bool) {
	switch {
	case i < 8:
		return extra{i + 3, 0}, true
	case i < 28:
		n := uint(i/4 - 1)
		return extra{(4+i%4)<<n + 3, n}, true
	case i == 28:
		return extra{258, 0}, true
	}
	return extra{}, false
}

// distanceOf returns the distance of a symbol.
func distanceOf(i int) (extra, bool) {
	if i < 4 {
		return extra{i + 1, 0}, true
	}
	n := uint(i/2 - 1)
	return extra{(2+i%2)<<n + 1, n}, i < 30
}

// maxBits is the maximum size of one copy: two codes and their extra bits.
const maxBits = 15 + 5 + 15 + 13

// symbols decodes the content of a block. A symbol is consumed as a whole or not
// at all, so that waiting for bits loses nothing.
func (f *Reader) symbols() error {
	for cap(f.buf)-len(f.buf) >= roomNeeded {
		if f.n >= maxBits || f.refill() {
			f.literals()
		}
		symbol, used, err := f.symbol(&f.lit, f.bits, f.n)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			f.take(used)
			f.buf = append(f.buf, byte(symbol))
		case symbol == 256:
			f.take(used)
			f.state = (*Reader).header
			return nil
		default:
			if err := f.match(symbol-257, used); err != nil {
				return err
			}
		}
	}
	return nil
}

// literals decodes the literals before the next copy from the buffered bits. It
// only exists for speed.
func (f *Reader) literals() {
	table, mask, bits, n := f.lit.table, f.lit.mask, f.bits, f.n
	for n >= maxBits-15 {
		e := table[bits&mask]
		used := uint(e & 15)
		if used == 0 || e >= 256<<4 {
			break
		}
		f.buf = append(f.buf, byte(e>>4))
		bits >>= used
		n -= used
	}
	f.bits, f.n = bits, n
}

// match decodes the rest of a copy and performs it. used is the number of bits of
// the symbol.
func (f *Reader) match(symbol int, used uint) error {
	length, ok := lengthOf(symbol)
	if !ok {
		return errDamaged()
	}
	if err := f.fill(used + length.bits); err != nil {
		return err
	}
	size := length.base + int(f.bits>>used&(1<<length.bits-1))
	used += length.bits
	code, more, err := f.symbol(&f.dist, f.bits>>used, f.n-used)
	if err != nil {
		return err
	}
	used += more
	distance, ok := distanceOf(code)
	if !ok {
		return errDamaged()
	}
	if err := f.fill(used + distance.bits); err != nil {
		return err
	}
	back := distance.base + int(f.bits>>used&(1<<distance.bits-1))
	if back > len(f.buf) {
		return errDamaged()
	}
	f.take(used + distance.bits)
	for size > 0 { // a copy may overlap its own output
		from := f.buf[len(f.buf)-back:]
		n := min(size, back)
		f.buf = append(f.buf, from[:n]...)
		size -= n
	}
	return nil
}
