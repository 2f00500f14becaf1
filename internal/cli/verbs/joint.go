package verbs

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// ReadAhead reads a stream in the background, a piece at a time. The channel is
// closed at the end. A read that never returns is left behind at the end of the
// program, as standard input is.
func ReadAhead(r io.Reader) <-chan []byte {
	ch := make(chan []byte)
	go func() {
		defer close(ch)
		for {
			buf := make([]byte, 32<<10)
			n, err := r.Read(buf)
			if n > 0 {
				ch <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return ch
}

// ReadLines is ReadAhead with a line in each piece, its end included. A line that is
// longer than longest comes in pieces of one byte more.
func ReadLines(r io.Reader, longest int) <-chan []byte {
	ch := make(chan []byte)
	go func() {
		defer close(ch)
		lines := bufio.NewReaderSize(r, longest+1)
		for {
			line, err := lines.ReadSlice('\n')
			if len(line) > 0 {
				ch <- bytes.Clone(line)
			}
			if err != nil && err != bufio.ErrBufferFull {
				return
			}
		}
	}()
	return ch
}

// Joint is a talk that is shown, or changed on its way.
type Joint struct {
	CRLF     bool                 // LF is sent as CR LF
	End      func(conn any) error // called at the end of the input; nil: nothing is
	Preamble string               // sent first
	E        *kit.Env
	V        *TalkView
	Stats    *protocols.Stats
	Idle     time.Duration // the longest silence; 0: any
	Input    <-chan []byte
	Over     bool // the input has ended
	last     byte // of what was sent, for --crlf
}

// Once talks over one connection, until the peer ends it.
func (t *Joint) Once(ctx context.Context, open func(context.Context) (io.ReadWriteCloser, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := t.V.Tell(connected(conn), "connected"); err != nil {
		return err
	}
	if t.Idle > 0 {
		go func() { cancel(expect.Silence(ctx, t.Idle, t.moved)) }()
	}
	err = t.Both(ctx, conn, t.Stats.Written.Load)
	if told := t.V.Tell(Event{Event: "closed", Sent: t.Stats.Written.Load(), Got: t.Stats.Read.Load(), Error: ErrorText(err)}, "closed"); told != nil {
		return told
	}
	return err
}

// Both reads and writes at the same time, until the peer has ended its stream and
// got the input that moves. It closes the connection.
func (t *Joint) Both(ctx context.Context, conn io.ReadWriteCloser, written func() int64) error {
	ctx, stop := context.WithCancel(ctx)
	sent := make(chan error, 1)
	var refused error // what was to be sent cannot be, and the peer knows nothing of it
	go func() {
		defer close(sent)
		err := t.write(ctx, conn)
		if protocols.KindOf(err) == protocols.KindUsage && !errors.Is(err, protocols.ErrClosed) { // closed by the end of the reading
			refused = err
			conn.Close()
		}
		sent <- err
	}()
	err := t.read(conn)
	if err == nil {
		err = expect.Rest(sent, written)
	}
	stop()
	conn.Close() // which ends a write
	for range sent {
	}
	return cmp.Or(refused, err)
}

func connected(conn io.ReadWriteCloser) Event {
	x := Event{Event: "connected"}
	if n, ok := conn.(addressed); ok {
		x.Local, x.Remote = n.LocalAddr().String(), n.RemoteAddr().String()
	}
	return x
}

func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// read shows what comes, to the end.
func (t *Joint) read(conn io.Reader) error {
	buf := make([]byte, 64<<10)
	budget := t.E.Budget()
	for {
		n, err := conn.Read(buf)
		n, over := budget.Take(n)
		if n > 0 {
			if err := t.V.received(buf[:n]); err != nil {
				return err
			}
		}
		if over != nil {
			return over
		}
		if err == io.EOF {
			return t.V.end()
		}
		if err != nil {
			return err
		}
	}
}

// write sends the input until it or the connection ends.
func (t *Joint) write(ctx context.Context, conn io.ReadWriteCloser) error {
	if err := t.send(conn, []byte(t.Preamble)); err != nil {
		return err
	}
	for {
		select {
		case p, ok := <-t.Input:
			if !ok {
				t.Over = true
				if t.End == nil {
					return nil
				}
				return t.End(conn)
			}
			if err := t.send(conn, p); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *Joint) send(conn io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if t.CRLF {
		p = t.lineEnds(p)
	}
	if err := t.V.sent(p); err != nil { // first, so that no answer is shown before
		return err
	}
	_, err := conn.Write(p)
	return err
}

// lineEnds puts CR before each LF that has none.
func (t *Joint) lineEnds(p []byte) []byte {
	var b bytes.Buffer
	for _, c := range p {
		if c == '\n' && t.last != '\r' {
			b.WriteByte('\r')
		}
		b.WriteByte(c)
		t.last = c
	}
	return b.Bytes()
}

// moved counts the bytes of both directions.
func (t *Joint) moved() int64 { return t.Stats.Read.Load() + t.Stats.Written.Load() }

// addressed is anything with two ends.
type addressed interface {
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Conversing makes a client for a talk of any length with a target:
// silence is not a failure unless --idle-timeout was set, and the bytes are counted
// for this client alone. The caller closes it.
func Conversing[T any](e *kit.Env, at *protocols.Target) (c T, o *protocols.Options, err error) {
	opts := *e.OptionsFor(at)
	opts.IdleTimeout, opts.Stats = -1, new(protocols.Stats)
	made, err := e.DialWith(at, &opts)
	if err != nil {
		return c, nil, err
	}
	c, _ = protocols.As[T](made)
	return c, &opts, nil
}
