package smtp

import (
	"errors"
	"io"
	"strconv"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
)

// chunkSize is the size of the chunks of a large message (BDAT).
const chunkSize = 512 << 10

// directWrite is what may be queued before the writer writes by itself.
const directWrite = 32 << 10

// content sends the content of a message. After a failure of its source the
// connection cannot be used any more; nothing of it was accepted.
func (k *courier) content(f *flight) error {
	if k.s.Out.Buffered()+len(f.body.head) > directWrite {
		if err := k.flush(); err != nil { // else the writer would, behind our back
			return err
		}
	}
	src := f.body.reader()
	n, err := int64(0), error(nil)
	if k.chunked(f) {
		n, err = k.chunks(f, src)
	} else {
		n, err = k.data(f, src)
	}
	f.receipt.Bytes = n
	f.bytes = min(n, peekSize)
	k.bytes += f.bytes
	if err == nil {
		transport.Sent(k.s.Conn, n)
		return nil
	}
	own := src.err
	if bad, ok := errors.AsType[*wire.LineEndError](err); ok {
		own = bad
	}
	if own != nil {
		f.err, f.complete, f.risky = own, false, false
		return k.s.Fail(&sourceError{own})
	}
	return k.lastWords(f, err)
}

// sourceError says that a message could not be read: the connection is out of
// step, but the message is to blame.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// data sends a message after 354, dots doubled.
func (k *courier) data(f *flight, src *sourceReader) (int64, error) {
	w := k.dots
	if w == nil {
		w = wire.NewDotWriter(k.s.Out, k.s.c.Settings.Newlines)
		k.dots = w
	} else {
		w.Reset(k.s.Out, k.s.c.Settings.Newlines)
	}
	n, err := w.ReadFrom(src)
	if err != nil {
		return n, err
	}
	f.complete, f.risky = true, n > directWrite
	k.s.Expect(1)
	return n, w.Close()
}

// lastWords looks for the reason that a server may have given before it closed
// the connection in the middle of a message.
func (k *courier) lastWords(f *flight, cause error) error {
	if f.complete || k.closing != nil { // which was the reason
		return k.s.Fail(cause)
	}
	if r, err := k.s.Reply(); err == nil && r.Code >= 400 {
		f.refuse(atMessage, r)
	}
	return k.s.Fail(cause)
}

// chunks sends a message by BDAT (RFC 3030). Of a large one the answer to a chunk
// is read when the next one is on its way.
func (k *courier) chunks(f *flight, src *sourceReader) (int64, error) {
	p := packer{src: src, ends: crlf{ends: k.s.c.Settings.Newlines, exact: f.m.Binary}, piece: k.room64(), buf: k.buf}
	defer func() { k.buf = p.buf }()
	for waiting := false; ; waiting = true {
		if err := p.fill(); err != nil {
			return p.total, err
		}
		if hasCommand(p.buf) && (waiting || f.m.Binary) {
			if err := k.consent(f, waiting); err != nil || f.err != nil {
				return p.total, err
			}
			waiting = false
		}
		if p.ended {
			f.complete, f.risky = true, len(p.buf) > directWrite
		}
		if err := k.chunk(p.buf, p.ended); err != nil || p.ended && !waiting {
			return p.total, err // all in one chunk: it goes with what comes after it
		}
		if err := k.flush(); err != nil {
			return p.total, err
		}
		if waiting {
			if err := k.chunkAnswer(f); err != nil || f.err != nil {
				return p.total, err
			}
		}
		if p.ended {
			return p.total, nil
		}
	}
}

// consent waits until the server has accepted a chunk: the one that is under way, or an
// empty one, which asks whether it takes any.
func (k *courier) consent(f *flight, waiting bool) error {
	if !waiting {
		if err := k.chunk(nil, false); err != nil {
			return err
		}
		if err := k.flush(); err != nil {
			return err
		}
	}
	return k.chunkAnswer(f)
}

// room64 returns a buffer to read a message into.
func (k *courier) room64() []byte {
	if k.piece == nil {
		k.piece = make([]byte, peekSize)
	}
	return k.piece
}

// chunk queues one chunk.
func (k *courier) chunk(data []byte, last bool) error {
	args := []string{strconv.Itoa(len(data)), "LAST"}
	if !last {
		args = args[:1]
	}
	if err := k.s.Queue("BDAT", args...); err != nil {
		return err
	}
	_, err := k.s.Out.Write(data)
	return err
}

// chunkAnswer reads the answer to a chunk that was not the last one.
func (k *courier) chunkAnswer(f *flight) error {
	r, err := k.s.Reply()
	switch {
	case err != nil:
		return err
	case r.Code == 421:
		return k.close(f, r)
	case outOfStep(r):
		return k.s.Fail(refusal(r))
	case r.Code >= 400:
		f.refuse(atMessage, r)
	}
	return nil
}

// packer makes chunks of a message, with the line ends of the wire.
type packer struct {
	src   *sourceReader
	ends  crlf
	piece []byte // room to read into
	buf   []byte // the chunk
	total int64  // bytes of the message
	ended bool
	last  byte
}

// fill makes the next chunk.
func (p *packer) fill() error {
	p.buf = p.buf[:0]
	for len(p.buf) < chunkSize {
		n, err := p.src.Read(p.piece)
		if n > 0 {
			p.total += int64(n)
			p.last = p.piece[n-1]
			var bad error
			if p.buf, bad = p.ends.add(p.buf, p.piece[:n]); bad != nil {
				return bad
			}
		}
		if err == io.EOF {
			p.ended = true
			p.buf, err = p.ends.end(p.buf, p.last)
			return err
		}
		if err != nil {
			return err
		}
	}
	return nil
}
