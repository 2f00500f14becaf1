package coding

import (
	"bufio"
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
)

const (
	mostRatio    = 200      // decoded bytes for one that came, where deflate can make 1032...
	ratioMatters = 64 << 20 // ...once that many were decoded: an empty disk image of that size is fine
	drainWithin  = 64 << 10 // bytes that are looked for after the end
)

// NewBody returns the decoded form of a body with layers of codings, the outermost
// first. most bounds what may come out; beyond trusted bytes (or the default) not too many
// may come out of few. Closing it closes raw.
func NewBody(raw io.ReadCloser, layers []string, most, trusted int64) *Body {
	return &Body{raw: raw, layers: layers, most: most, trusted: max(ratioMatters, trusted)}
}

func refused(text string) error { return protocols.ProtocolError("", "", text) }

// Body is a decoded body. Its limits hold for the sum of what comes out. The
// decoders are made by the first Read: they read at once.
type Body struct {
	raw     io.ReadCloser
	layers  []string
	most    int64
	trusted int64 // so many may come out, however few come in

	in      tally
	stack   []io.ReadCloser
	out     int64
	err     error
	started bool
}

// tally counts what comes from the wire.
type tally struct {
	r io.Reader
	n int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	return n, err
}

// Read reads decoded bytes.
func (u *Body) Read(p []byte) (int, error) {
	if !u.started {
		u.started = true
		u.err = u.open()
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.stack[len(u.stack)-1].Read(p)
	u.out += int64(n)
	switch {
	case u.out > u.most:
		err = refused("the content decodes to more bytes than the limit")
	case u.out > u.trusted && u.out/mostRatio > u.in.n:
		err = &protocols.Error{
			Kind: protocols.KindProtocol, Text: fmt.Sprintf("suspicious content: %d bytes decode to more than %d", u.in.n, u.trusted),
			Hint: "--max-size SIZE takes up to that much",
		}
	case err == io.EOF:
		err = u.rest()
	case err != nil:
		err = badCoding(err)
	}
	u.err = err
	if err != nil && err != io.EOF {
		return 0, err
	}
	return n, err
}

// open builds the decoders, one on top of the other. An empty body is empty in
// every coding.
func (u *Body) open() error {
	first := bufio.NewReaderSize(u.raw, 32<<10)
	if _, err := first.Peek(1); err == io.EOF {
		return io.EOF
	}
	u.in.r = first
	var from io.Reader = &u.in
	for _, name := range u.layers {
		d, err := NewReader(name, from)
		if err != nil {
			return badCoding(err)
		}
		u.stack = append(u.stack, d)
		from = d
	}
	return nil
}

// rest reads what lies after the coded content: its end must be the body's.
func (u *Body) rest() error {
	n, err := io.Copy(io.Discard, io.LimitReader(&u.in, drainWithin))
	switch {
	case err != nil:
		return err
	case n > 0:
		return refused("data after the end of the encoded content")
	}
	return io.EOF
}

// badCoding keeps errors of the connection, and calls all else what it is.
func badCoding(err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the coded content ended early"}
	}
	if protocols.KindOf(err) != protocols.KindInternal {
		return err
	}
	return refused("the content cannot be decoded: " + err.Error())
}

// Close frees the decoders and the body.
func (u *Body) Close() error {
	for _, d := range u.stack {
		d.Close()
	}
	u.started, u.err = true, protocols.ErrClosed
	return u.raw.Close()
}
