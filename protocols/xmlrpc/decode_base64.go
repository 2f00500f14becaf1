package xmlrpc

import (
	"encoding/base64"
	"io"
	"strings"
)

// base64 reads the rest of such an element. The parser would hold all of the text
// before it returns any, which is many times the value.
func (d *decoder) base64() (any, error) {
	r := &base64Reader{d: d, direct: !d.recoded && d.src.before != '/'} // not of <base64/>
	b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, r))
	switch {
	case r.err != nil && r.err != io.EOF:
		return nil, r.err
	case err != nil:
		return nil, bad("broken base64")
	}
	return b, nil
}

// base64Reader reads the text of the element without its blanks: directly up to what
// only the parser understands, the end of the element too, and the rest from that.
type base64Reader struct {
	d      *decoder
	direct bool
	rest   *strings.Reader
	err    error // sticky
}

// Read reads text. Its end is the end of the element.
func (r *base64Reader) Read(p []byte) (n int, err error) {
	for n == 0 && r.err == nil && len(p) > 0 {
		switch {
		case r.direct:
			n, r.err = r.ahead(p)
		case r.rest == nil:
			var text string
			text, r.err = r.d.text("base64")
			r.rest = strings.NewReader(withoutBlanks(text))
		default:
			n, r.err = r.rest.Read(p)
		}
	}
	return n, r.err
}

// ahead takes what is plain text of the bytes that are there.
func (r *base64Reader) ahead(p []byte) (n int, err error) {
	src := r.d.src
	if _, err := src.Peek(1); err != nil {
		return 0, bad("it ends in the middle")
	}
	b, _ := src.Peek(src.Buffered())
	taken := 0
	for taken < len(b) && n < len(p) {
		ch := b[taken]
		if ch == '<' || ch == '&' {
			r.direct = false
			break
		}
		if taken++; ch > ' ' {
			p[n] = ch
			n++
		}
	}
	_, _ = src.Discard(taken)
	return n, nil
}
