package http

import (
	"errors"
	"io"
	nethttp "net/http"
	"net/textproto"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// noBody: RFC 9112 6.3.
func noBody(method string, status int) bool {
	return method == nethttp.MethodHead || status == nethttp.StatusNoContent || status == nethttp.StatusNotModified
}

// body1 is the body of an HTTP/1.1 answer.
type body1 struct {
	l    *http1
	resp *Response
	left int64  // of a known length; -1: not known
	err  error  // sticky; io.EOF: all of it came
	done func() // nil after Close
	got  int64  // bytes so far

	chunks io.Reader // of a body in chunks; nil: it has a length, or ends with the connection
}

func (b *body1) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, b.end(io.EOF)
	}
	var n int
	var err error
	switch {
	case b.chunks != nil:
		if n, err = b.chunks.Read(p); err == io.EOF {
			if terr := b.trailer(); terr != nil {
				err = terr
			}
		}
	case b.left < 0:
		n, err = b.l.in.Read(p)
	default:
		n, err = b.l.in.Read(p[:min(int64(len(p)), b.left)])
		b.left -= int64(n)
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	b.got += int64(n)
	transport.Sample(b.l.conn, p[:n])
	if err != nil {
		err = b.end(err)
	}
	return n, err
}

// trailer reads the fields after the last chunk, up to the empty line.
func (b *body1) trailer() error {
	b.l.bound.left = b.l.headLimit
	fields, err := textproto.NewReader(b.l.in).ReadMIMEHeader()
	long := b.l.bound.left == 0
	b.l.bound.left = -1
	switch {
	case err == nil && len(fields) > 0:
		b.resp.Trailer = Header(fields)
		return nil
	case err == nil:
		return nil
	case long:
		return protocolError("the trailer of the answer is longer than the limit")
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteTo copies the rest to w. A plain connection is spliced to a file.
func (b *body1) WriteTo(w io.Writer) (int64, error) {
	if b.left < 0 || b.err != nil || transport.Traced(b.l.conn) {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	total := int64(0)
	if n := int(min(int64(b.l.in.Buffered()), b.left)); n > 0 {
		p, _ := b.l.in.Peek(n)
		k, err := w.Write(p)
		_, _ = b.l.in.Discard(k)
		total, b.left, b.got = int64(k), b.left-int64(k), b.got+int64(k)
		if err != nil {
			return total, err
		}
	}
	n, err := b.l.conn.WriteToN(w, b.left)
	total, b.left, b.got = total+n, b.left-n, b.got+n
	if err == nil && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return total, b.end(err)
	}
	_ = b.end(io.EOF)
	return total, nil
}

// end settles how the body ended.
func (b *body1) end(err error) error {
	if err != io.EOF {
		b.l.spent = true
		if b.l.bound.err != nil {
			err = b.l.bound.err
		}
		err = cutError(err)
	}
	b.err = err
	return err
}

// cutError says what is wrong with a body that is not whole.
func cutError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the connection ended before the end of the content"}
	case protocols.KindOf(err) == protocols.KindInternal:
		return protocolError("the content is not framed as HTTP: " + err.Error())
	}
	return err
}

const (
	// drainWithin is how much of a body that nobody reads is read to save a connection.
	drainWithin = 64 << 10
	// drainFor is how long that may take: a body that does not come is not waited for.
	drainFor = 100 * time.Millisecond
)

// Close ends the answer and lets go of the connection.
func (b *body1) Close() error {
	if b.done == nil {
		return nil
	}
	if b.err == nil && b.left != 0 && (b.left < 0 || b.left > drainWithin || !b.drain()) {
		b.l.spent = true
	}
	b.err = protocols.ErrClosed
	b.l.conn.SetReadDeadline(time.Time{})
	transport.Received(b.l.conn, b.got)
	b.done()
	b.done = nil
	return nil
}

// drain reads the short rest of a body.
func (b *body1) drain() bool {
	b.l.conn.SetReadDeadline(time.Now().Add(drainFor))
	_, err := io.Copy(io.Discard, struct{ io.Reader }{b})
	return err == nil
}
