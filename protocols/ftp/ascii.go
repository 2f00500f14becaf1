package ftp

import "io"

// converter reads from r and converts line ends, a block at a time.
type converter struct {
	r       io.Reader
	convert func(c *converter, dst, src []byte) []byte
	pending bool // a CR at the end of the last block (fromNet), or the last byte was one (toNet)
	buf     [32 << 10]byte
	room    []byte
	out     []byte // converted and not read yet
	err     error
}

// fromNet turns the line ends of a TYPE A transfer, CRLF, into LF; other CRs
// stay (RFC 959 3.1.1.1).
func fromNet(r io.Reader) *converter { return &converter{r: r, convert: dropCR} }

// toNet turns bare LFs into CRLFs; what is CRLF already stays.
func toNet(r io.Reader) *converter { return &converter{r: r, convert: addCR} }

// Read reads converted text.
func (c *converter) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n int
		n, c.err = c.r.Read(c.buf[:])
		c.room = c.convert(c, c.room[:0], c.buf[:n])
		c.out = c.room
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func dropCR(c *converter, dst, src []byte) []byte {
	for _, b := range src {
		if c.pending && b != '\n' {
			dst = append(dst, '\r')
		}
		c.pending = b == '\r'
		if !c.pending {
			dst = append(dst, b)
		}
	}
	if c.pending && c.err != nil {
		c.pending = false
		dst = append(dst, '\r')
	}
	return dst
}

func addCR(c *converter, dst, src []byte) []byte {
	for _, b := range src {
		if b == '\n' && !c.pending {
			dst = append(dst, '\r')
		}
		c.pending = b == '\r'
		dst = append(dst, b)
	}
	return dst
}
