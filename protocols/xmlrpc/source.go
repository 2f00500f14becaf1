package xmlrpc

import (
	"bufio"
	"io"
)

// source returns a document to the parser byte by byte, as that takes them where it
// can, so that nothing of it is held elsewhere. Tags are bounded: the parser keeps
// the attributes of one in many times their size.
type source struct {
	*bufio.Reader
	before, last byte // of what was taken
	tag          int  // bytes of the tag that last is in; 0: none
	quote        byte // around last, in a tag
	text         int  // bytes of the text that last is in
}

func newSource() *source { return &source{Reader: bufio.NewReader(nil)} }

// Reset begins another document.
func (s *source) Reset(r io.Reader) {
	s.Reader.Reset(r)
	*s = source{Reader: s.Reader}
}

// maxTag bounds a tag, which XML-RPC has no use for attributes in.
const maxTag = 16 << 10

// maxText bounds one text: the parser holds all of it, several times. It stays below a
// power of two, where the parser's buffer would double. Base64 is read past the parser.
const maxText = 8<<20 - 64<<10

// ReadByte returns the next byte.
func (s *source) ReadByte() (byte, error) {
	b, err := s.Reader.ReadByte()
	s.before, s.last = s.last, b
	switch {
	case s.tag == 0:
		if s.text++; b == '<' {
			s.tag, s.text = 1, 0
		}
		if s.text > maxText && err == nil {
			err = bad("a text of more than %d bytes", maxText)
		}
		return b, err
	case s.quote != 0:
		if b == s.quote {
			s.quote = 0
		}
	case b == '>', s.tag == 1 && (b == '!' || b == '?'): // a comment, or text, may be long
		s.tag = 0
		return b, err
	case b == '"' || b == '\'':
		s.quote = b
	}
	if s.tag++; s.tag > maxTag && err == nil {
		err = bad("a tag of more than %d bytes", maxTag)
	}
	return b, err
}
