package smtp

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// peekSize is how much of a message is looked at before its envelope goes out.
// What is not longer can travel with the envelope.
const peekSize = 64 << 10

// body is the content of a message under way: the beginning, and the rest.
type body struct {
	head       []byte    // valid until the next message is opened
	rest       io.Reader // nil: head is all
	source     io.Closer
	eightBit   bool // head holds bytes above 127
	utf8Header bool // the header does, in UTF-8; of others nothing can be declared
}

// open reads the beginning of a message into the session's room for it.
func (s *session) open(m *Mail) (*body, error) {
	if s.peek == nil {
		s.peek = make([]byte, peekSize)
	}
	r, err := m.Open()
	if err != nil {
		return nil, localError(err)
	}
	n, err := io.ReadFull(r, s.peek)
	b := &body{head: s.peek[:n], source: r}
	switch {
	case err == nil:
		b.rest = r
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrUnexpectedEOF) && n == len(s.peek):
		r.Close()
		return nil, localError(err)
	}
	b.eightBit = !isASCIIBytes(b.head)
	if b.eightBit && !m.AsIs {
		header := headerOf(b.head)
		b.utf8Header = !isASCIIBytes(header) && utf8.Valid(header)
	}
	if !s.has("8BITMIME") && b.rest != nil {
		b.rest = &sevenBit{b.rest}
	}
	return b, nil
}

func (b *body) close() { b.source.Close() }

// localError marks an error of the message's own source.
func localError(err error) error {
	if _, ok := errors.AsType[*protocols.Error](err); ok {
		return err
	}
	return &protocols.Error{Kind: protocols.KindLocal, Text: "reading the message", Err: err}
}

func isASCIIBytes(p []byte) bool {
	for len(p) >= 8 {
		if (p[0]|p[1]|p[2]|p[3]|p[4]|p[5]|p[6]|p[7])&utf8.RuneSelf != 0 {
			return false
		}
		p = p[8:]
	}
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// headerOf returns the header of a message, as far as it is there.
func headerOf(p []byte) []byte {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(p, []byte(end)); i >= 0 {
			p = p[:i]
		}
	}
	return p
}

// sevenBit guards a server without 8BITMIME, where the first bytes could not tell.
type sevenBit struct{ r io.Reader }

func (s *sevenBit) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if !isASCIIBytes(p[:n]) {
		return 0, lacks("8BITMIME", "take messages that are not ASCII")
	}
	return n, err
}

// sourceReader remembers an error of the message's source, to tell it from one of
// the connection.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = localError(err)
	}
	return n, err
}

// reader returns the whole of a body.
func (b *body) reader() *sourceReader {
	if b.rest == nil {
		return &sourceReader{r: bytes.NewReader(b.head)}
	}
	return &sourceReader{r: io.MultiReader(bytes.NewReader(b.head), b.rest)}
}

// crlf writes line ends as the wire wants them, for BDAT, which knows no dots.
type crlf struct {
	ends  wire.LineEnds
	exact bool // BINARYMIME: nothing is changed
	cr    bool // the last byte of the block before was a CR, not written yet
	seen  int64
}

// add appends block to dst. A CR at its end waits for the next block.
func (c *crlf) add(dst, block []byte) ([]byte, error) {
	if c.exact {
		return append(dst, block...), nil
	}
	if c.cr && len(block) > 0 && block[0] == '\n' { // a CRLF that two blocks share
		dst, block = append(dst, '\r', '\n'), block[1:]
		c.cr = false
		c.seen++
	}
	cut := bytes.TrimSuffix(block, []byte{'\r'})
	if !c.cr && clean(cut) {
		c.seen += int64(len(block))
		c.cr = len(cut) < len(block)
		return append(dst, cut...), nil
	}
	return c.slow(dst, block)
}

// slow does the same byte by byte.
func (c *crlf) slow(dst, block []byte) ([]byte, error) {
	for _, b := range block {
		if (b == '\n') != c.cr { // one of the two without the other
			if bad := c.bare(b); bad != nil {
				return dst, bad
			}
		}
		if b == '\n' || c.cr {
			dst = append(dst, '\r', '\n')
		}
		if b != '\n' && b != '\r' {
			dst = append(dst, b)
		}
		c.cr = b == '\r'
		c.seen++
	}
	return dst, nil
}

// bare is the refusal of a bare LF now, or of a bare CR just before.
func (c *crlf) bare(b byte) error {
	switch {
	case c.ends != wire.Refuse:
		return nil
	case b == '\n':
		return &wire.LineEndError{Byte: '\n', Offset: c.seen}
	case c.cr:
		return &wire.LineEndError{Byte: '\r', Offset: c.seen - 1}
	}
	return nil
}

// end appends what a message lacks at its end: every line has one.
func (c *crlf) end(dst []byte, last byte) ([]byte, error) {
	if c.exact {
		return dst, nil
	}
	if c.cr {
		if c.ends == wire.Refuse {
			return dst, &wire.LineEndError{Byte: '\r', Offset: c.seen - 1}
		}
		return append(dst, '\r', '\n'), nil
	}
	if last != '\n' && c.seen > 0 {
		dst = append(dst, '\r', '\n')
	}
	return dst, nil
}

// clean reports whether each CR has its LF and the other way round. Three counts
// are many times faster than one look at each byte.
func clean(p []byte) bool {
	lf := bytes.Count(p, []byte{'\n'})
	return lf == bytes.Count(p, []byte{'\r'}) && lf == bytes.Count(p, []byte("\r\n"))
}
