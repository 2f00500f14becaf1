package ftp

import (
	"context"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// stream is the content of one transfer under way on a data connection.
type stream struct {
	s     *session
	conn  *transport.Conn
	begun *protocols.Reply
}

// announced returns the size in the 1xx reply, such as "(1234 bytes)", or -1.
// RFC 959 does not define it, but most servers send it.
func announced(r *protocols.Reply) int64 {
	text := r.Text()
	i := strings.LastIndexByte(text, '(')
	if i < 0 {
		return -1
	}
	digits, unit, _ := strings.Cut(text[i+1:], " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || !strings.HasPrefix(unit, "byte") {
		return -1
	}
	return n
}

// end closes the data connection and reads the reply that ends the transfer:
// without its 2xx nothing was transferred (RFC 959 5.4). Some servers answer 226 to a
// transfer that they broke off, and only say so.
func (t *stream) end() error {
	t.conn.Close()
	r, err := t.s.outcome()
	if err != nil {
		return err
	}
	if text := r.Text(); r.Code/100 == 2 && strings.Contains(" "+strings.ToLower(text), " aborted") {
		return &protocols.Error{Kind: protocols.KindProtocol, Code: r.Code, Retryable: true, Text: "the server broke the transfer off: " + wire.Clip(text)}
	}
	return want(r, 2)
}

// broken returns the error of a data connection that failed: the server's reason,
// when it soon sends one (disk full, quota, aborted), else the local error. The
// final reply is read in any case, so that the session can go on; one that was cut
// off is not used again.
func (t *stream) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil || t.s.Failed() != nil {
		t.s.farewell()
		t.conn.Close()
		return err
	}
	short, cancel := context.WithTimeout(ctx, abortWithin)
	defer cancel()
	done := t.s.Conn.Use(short)
	defer done()
	if e, ok := errors.AsType[*protocols.Error](t.end()); ok && e.Code != 0 {
		return e
	}
	return cutShort(err)
}

// cutShort: an answer that ends with a reset is cut short as one that ends in order
// is, and no failure to connect.
func cutShort(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || e.Kind != protocols.KindConnect {
		return err
	}
	c := *e
	c.Kind = protocols.KindProtocol
	return &c
}

// finishSending says that all has been sent. Under TLS that is close_notify, and
// then what the server has sent, its session tickets, is read to the end: closing
// a socket that has unread bytes would reset the connection and lose the upload.
func (t *stream) finishSending() error {
	if t.conn.TLS() == nil {
		return t.conn.CloseWrite()
	}
	if err := t.conn.CloseWrite(); err != nil {
		return err
	}
	if raw, ok := t.conn.NetConn().(interface{ CloseWrite() error }); ok {
		raw.CloseWrite()
	}
	_, _ = io.CopyN(io.Discard, t.conn, 64<<10) // ends with the server's own end; the final reply reports the outcome
	return nil
}

// download is the body of an Object: the bytes of a data connection, checked for
// being all of them. It keeps the client busy until it is closed.
type download struct {
	*stream
	ctx     context.Context
	name    string
	offset  int64
	want    int64 // total size of the object; -1: not known
	left    int64 // of a part that was asked for; -1: to the end
	got     int64
	err     error // io.EOF after a complete transfer; sticky
	ended   bool  // end or abort has been done
	obj     *protocols.Object
	release func() error // leaves the client; called once
	ascii   *converter
	next    func() // if set, called when the data has ended in order, ahead of the server's word
}

// download makes the body of a whole object, or of its rest from an offset.
func (t *stream) download(ctx context.Context, name string, e *protocols.Entry, offset int64) *download {
	return &download{stream: t, ctx: ctx, name: name, offset: offset, want: e.Size, left: -1}
}

// Read reads content. It returns io.EOF only when the server has confirmed the
// transfer and the size is right.
func (d *download) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if err := context.Cause(d.ctx); err != nil { // also when the rest has come already
		return 0, d.s.c.line.Wrap(err, "get", d.name)
	}
	if d.left >= 0 && int64(len(p)) > d.left {
		p = p[:d.left]
		if d.left == 0 {
			return 0, d.fail(d.stop())
		}
	}
	if room := d.room(); int64(len(p)) > room {
		p = p[:room]
	}
	n, err := d.read(p)
	d.count(int64(n))
	switch {
	case err != nil:
		return n, d.fail(d.finish(err))
	case d.room() == 0:
		return n, d.fail(d.tooMuch())
	}
	return n, nil
}

// room is how much more may come. A file that grows is read to its end; but from an
// offset, one byte more than the size leaves room for may mean that the server has
// started from the beginning.
func (d *download) room() int64 {
	if d.want < 0 || d.ascii != nil || d.offset == 0 {
		return math.MaxInt64
	}
	return max(d.want-d.offset, 0) + 1 - d.got
}

// tooMuch ends a transfer from an offset that goes on after the size of the file.
func (d *download) tooMuch() error {
	d.ended = true
	d.abort()
	return d.s.c.line.Wrap(&protocols.Error{Kind: protocols.KindProtocol, Retryable: true,
		Text: "more data than the " + strconv.FormatInt(d.want, 10) + " bytes that the server announced"}, "get", d.name)
}

func (d *download) read(p []byte) (int, error) {
	if d.ascii != nil {
		return d.ascii.Read(p)
	}
	return d.conn.Read(p)
}

// WriteTo copies the rest to w. A plain connection is spliced to a file.
func (d *download) WriteTo(w io.Writer) (int64, error) {
	if d.left >= 0 || d.ascii != nil || d.err != nil {
		return io.Copy(w, struct{ io.Reader }{d})
	}
	n, err := d.conn.WriteToN(w, d.room())
	d.count(n)
	switch {
	case err != nil && !remote(err):
		d.ended = true
		d.abort()
	case err != nil:
		err = d.finish(err)
	case d.room() == 0:
		err = d.tooMuch()
	default:
		err = d.finish(io.EOF)
	}
	if d.fail(err) == io.EOF {
		err = nil
	}
	return n, err
}

// remote distinguishes an error of the connection from one of the writer. An error of
// the writer stands, whatever the server replies to the aborted transfer.
func remote(err error) bool {
	_, ours := errors.AsType[*protocols.Error](err)
	return ours || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)
}

func (d *download) count(n int64) {
	d.got += n
	if d.left >= 0 {
		d.left -= n
	}
}

func (d *download) fail(err error) error {
	d.err = err
	return err
}

// finish settles the end of the data: the server's word, then the size.
func (d *download) finish(err error) error {
	d.ended = true
	// A TLS connection without its closing alert is whole only when the size says so.
	cut := errors.Is(err, io.ErrUnexpectedEOF)
	if err != io.EOF && !cut {
		return d.s.c.line.Wrap(d.broken(d.ctx, err), "get", d.name)
	}
	if !cut && d.next != nil {
		d.next()
	}
	if err := d.end(); err != nil {
		return d.s.c.line.Wrap(err, "get", d.name)
	}
	if err := d.complete(cut); err != nil {
		return d.s.c.line.Wrap(err, "get", d.name)
	}
	return io.EOF
}

// complete compares the received size with the announced one. The size in the 1xx
// reply may be that of the object or of the rest.
func (d *download) complete(cut bool) error {
	if d.ascii != nil {
		return nil // sizes are those of the server's representation
	}
	told := announced(d.begun)
	total := d.offset + d.got
	switch {
	case d.offset == 0 && d.want >= 0 && total > d.want:
		d.grew(d.want, total)
	case d.offset == 0 && d.want < 0 && told >= 0 && total > told:
		d.grew(told, total)
	case d.want >= 0 && total != d.want:
		return truncated(total, d.want)
	case d.want < 0 && told >= 0 && told != total && told != d.got:
		return truncated(total, told)
	case cut && d.want < 0 && told < 0:
		return truncated(total, -1)
	}
	return nil
}

// grew corrects the size of a file that grew while it was read.
func (d *download) grew(from, to int64) {
	d.s.Conn.Event(protocols.EventNote, "the file grew from "+strconv.FormatInt(from, 10)+" to "+strconv.FormatInt(to, 10)+" bytes while it was read", 0)
	d.obj.Size = to
}

func truncated(got, size int64) error {
	text := "the data connection ended after " + strconv.FormatInt(got, 10) + " bytes"
	if size >= 0 {
		text += ", the server announced " + strconv.FormatInt(size, 10)
	}
	return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: text}
}

// stop ends a part that has come in full: the server has more to send.
func (d *download) stop() error {
	d.ended = true
	if d.want >= 0 && d.offset+d.got == d.want {
		// All there is was asked for: the data ends by itself.
		var one [1]byte
		if n, err := d.conn.Read(one[:]); n == 0 && err == io.EOF {
			if err := d.end(); err != nil {
				return d.s.c.line.Wrap(err, "get", d.name)
			}
			return io.EOF
		}
	}
	d.abort()
	return io.EOF
}

// Close ends the transfer, by ABOR when it is not complete, and frees the client.
// Its error is that of the commands that the user wants after a transfer.
func (d *download) Close() error {
	if d.release == nil {
		return nil
	}
	if !d.ended {
		d.ended = true
		if d.ctx.Err() == nil {
			d.abort()
		} else {
			d.s.farewell()
		}
	}
	d.conn.Close()
	d.err = protocols.ErrClosed
	release := d.release
	d.release = nil
	return release()
}

// farewell asks a server to stop before its connection is closed for good. It
// is for a session that was cut off; nothing waits for a reply.
func (s *session) farewell() {
	s.Conn.Farewell([]byte("ABOR\r\nQUIT\r\n"))
}
