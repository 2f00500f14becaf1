package imapstore

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Upload is one message to store.
type Upload struct {
	Body  io.Reader
	Flags []string
	Date  time.Time // the internal date; zero: now, as the server thinks
}

// SpoolFile is a place for one large message on its way to the server. Whoever made
// it is not asked to close it.
type SpoolFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// spooled is a message with CRLF line ends, whose size is known.
type spooled struct {
	Upload
	size int64
	sum  digest
	mem  []byte
	file SpoolFile // in place of mem, when it is large
	seek io.Seeker // likewise: the body can be read once more
}

// The most that one message takes in memory: when there is another way, and when
// there is none.
const (
	spoolMemory = 256 << 10
	spoolMost   = 32 << 20
)

// spool reads a message, for its size must be announced before it. A body that can be
// read twice is read twice; else a large one goes to a spool file.
func spool(up Upload, create func() (SpoolFile, error)) (*spooled, error) {
	sp, sum := &spooled{Upload: up}, newDigest()
	var buf bytes.Buffer
	src := io.TeeReader(&crlfReader{src: up.Body}, sum)
	n, err := io.CopyN(&buf, src, spoolMemory)
	sp.mem, sp.size = buf.Bytes(), n
	if err == nil {
		err = sp.large(src, &buf, create)
	}
	if err != nil && err != io.EOF {
		sp.close()
		return nil, err
	}
	sp.sum = digestOf(sum)
	return sp, nil
}

// large reads the rest of a large message.
func (sp *spooled) large(rest io.Reader, buf *bytes.Buffer, create func() (SpoolFile, error)) (err error) {
	if s, ok := sp.Body.(io.Seeker); ok && seeks(s) {
		n, err := io.Copy(io.Discard, rest)
		sp.seek, sp.mem, sp.size = s, nil, sp.size+n
		return err
	}
	if create == nil {
		n, err := io.CopyN(buf, rest, spoolMost-spoolMemory)
		sp.mem, sp.size = buf.Bytes(), sp.size+n
		if err == nil {
			return protocols.UsageError(proto, "put", "a message of more than 32 MiB needs a reader that can seek, or a spool file")
		}
		return err
	}
	if sp.file, err = create(); err != nil {
		return err
	}
	n, err := io.Copy(sp.file, io.MultiReader(bytes.NewReader(sp.mem), rest))
	sp.mem, sp.size = nil, n
	return err
}

// seeks distinguishes a file from a pipe, which only has the method.
func seeks(s io.Seeker) bool {
	_, err := s.Seek(0, io.SeekCurrent)
	return err == nil
}

func (sp *spooled) close() {
	if sp.file != nil {
		sp.file.Close()
	}
}

// content returns the literal, from its start.
func (sp *spooled) content() (session.Literal, error) {
	switch {
	case sp.file != nil:
		return session.Literal{Reader: io.NewSectionReader(sp.file, 0, sp.size), Size: sp.size}, nil
	case sp.seek != nil:
		_, err := sp.seek.Seek(0, io.SeekStart)
		return session.Literal{Reader: &crlfReader{src: sp.Body}, Size: sp.size}, err
	}
	return session.Literal{Reader: bytes.NewReader(sp.mem), Size: sp.size}, nil
}

// params are flags, date and the literal. With utf8 the header may be UTF-8, which a
// server with UTF8=ACCEPT takes only in this form (RFC 6855 4).
func (sp *spooled) params(utf8, careful bool) (out []any, err error) {
	if len(sp.Flags) > 0 {
		out = append(out, "("+strings.Join(sp.Flags, " ")+")")
	}
	if y := sp.Date.Year(); !sp.Date.IsZero() && y > 0 && y < 10_000 { // others cannot be written
		out = append(out, `"`+sp.Date.Format(imapwire.InternalDate)+`"`)
	}
	c, err := sp.content()
	c.Careful = careful
	if utf8 {
		c.Binary = true
		return append(out, "UTF8", session.Open, c, session.Close), err
	}
	return append(out, c), err
}

// crlfReader makes every bare LF and bare CR a CRLF (RFC 3501 2.2).
type crlfReader struct {
	src  io.Reader
	buf  []byte // as read, not converted yet
	out  []byte // converted
	hold [32 << 10]byte
	cr   bool // the last byte was a CR
	err  error
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n int
		n, c.err = c.src.Read(c.hold[:])
		c.convert(c.hold[:n])
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *crlfReader) convert(in []byte) {
	out := c.buf[:0]
	for len(in) > 0 {
		k := bytes.IndexAny(in, "\r\n")
		if c.cr && k != 0 {
			out, c.cr = append(out, '\n'), false
			continue
		}
		if k < 0 {
			out = append(out, in...)
			break
		}
		out = append(out, in[:k]...)
		switch {
		case in[k] == '\r' && c.cr: // the first one was bare
			out = append(out, '\n', '\r')
		case in[k] == '\r':
			out, c.cr = append(out, '\r'), true
		case c.cr:
			out, c.cr = append(out, '\n'), false
		default:
			out = append(out, '\r', '\n')
		}
		in = in[k+1:]
	}
	if c.err != nil && c.cr {
		out, c.cr = append(out, '\n'), false
	}
	c.buf, c.out = out, out
}
