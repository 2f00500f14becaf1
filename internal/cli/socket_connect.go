package cli

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket"
)

// connector is `connect`.
type connector struct {
	halfClose, crlf, reconnect bool
	preamble                   string
	view                       viewOptions
}

func (c *connector) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.halfClose, "half-close", true, "close for writing at the end of standard input, and go on reading")
	fs.BoolVar(&c.reconnect, "reconnect", false, "connect again when the peer closes, until standard input ends")
	fs.StringVar(&c.preamble, "preamble", "", "send `TEXT` first on each connection")
	c.viewFlags(fs)
}

func (c *connector) viewFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.crlf, "crlf", false, "send each LF as CR LF")
	fs.BoolVar(&c.view.hex, "hex", false, "show both directions as a hex dump")
	fs.BoolVar(&c.view.times, "timestamps", false, "print received lines with the time")
}

func (c *connector) run(ctx context.Context, e *env, _ *socket.Client, _ string, _ []string) error {
	client, opts, err := conversing[*socket.Client](e)
	if err != nil {
		return err
	}
	defer client.Close()
	v := newView(e, c.view)
	if v.plain() && !c.crlf && !c.reconnect {
		return c.join(ctx, e, client)
	}
	t := &joint{c: c, e: e, v: v, stats: opts.Stats, idle: e.silence(), input: readAhead(e.stdin)}
	for {
		err := t.once(ctx, client.Talk)
		if !c.reconnect || t.over || ctx.Err() != nil || isStdout(err) {
			return err
		}
		if err != nil {
			e.tell(err)
		}
		if !sleep(ctx, time.Duration(e.flags.retryWait)) {
			return ctx.Err()
		}
	}
}

// join is the plain way, on which the kernel copies.
func (c *connector) join(ctx context.Context, e *env, client *socket.Client) error {
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	e.out.detail("connected to " + conn.RemoteAddr().String() + " from " + conn.LocalAddr().String())
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, c.preamble); err != nil {
		return err
	}
	return e.out.copied(conn.Join(ctx, e.stdin, w, &socket.JoinOptions{KeepOpen: !c.halfClose, Idle: e.silence()}))
}

func (c *connector) runDatagram(ctx context.Context, e *env, _ *socket.Datagram, _ string, _ []string) error {
	client, opts, err := conversing[*socket.Datagram](e)
	if err != nil {
		return err
	}
	t := &joint{c: c, e: e, v: newView(e, c.view), stats: opts.Stats, idle: e.silence(), input: readAhead(e.stdin)}
	return t.once(ctx, client.Talk)
}

// readAhead reads a stream in the background, a piece at a time. The channel is
// closed at the end. A read that never returns is left behind at the end of the
// program, as standard input is.
func readAhead(r io.Reader) <-chan []byte {
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

// joint is a talk that is shown, or changed on its way.
type joint struct {
	c     *connector
	e     *env
	v     *talkView
	stats *protocols.Stats
	idle  time.Duration // the longest silence; 0: any
	input <-chan []byte
	over  bool // the input has ended
	last  byte // of what was sent, for --crlf
}

// once talks over one connection, until the peer ends it.
func (t *joint) once(ctx context.Context, open func(context.Context) (io.ReadWriteCloser, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := t.v.tell(connected(conn), "connected"); err != nil {
		return err
	}
	if t.idle > 0 {
		go func() { cancel(expect.Silence(ctx, t.idle, t.moved)) }()
	}
	err = t.both(ctx, conn, t.stats.Written.Load)
	if told := t.v.tell(event{Event: "closed", Sent: t.stats.Written.Load(), Got: t.stats.Read.Load(), Error: errorText(err)}, "closed"); told != nil {
		return told
	}
	return err
}

// both reads and writes at the same time, until the peer has ended its stream and
// got the input that moves. It closes the connection.
func (t *joint) both(ctx context.Context, conn io.ReadWriteCloser, written func() int64) error {
	ctx, stop := context.WithCancel(ctx)
	sent := make(chan error, 1)
	go func() {
		defer close(sent)
		sent <- t.write(ctx, conn)
	}()
	err := t.read(conn)
	if err == nil {
		err = expect.Rest(sent, written)
	}
	stop()
	conn.Close() // which ends a write
	<-sent
	return err
}

func connected(conn io.ReadWriteCloser) event {
	x := event{Event: "connected"}
	if n, ok := conn.(addressed); ok {
		x.Local, x.Remote = n.LocalAddr().String(), n.RemoteAddr().String()
	}
	return x
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// read shows what comes, to the end.
func (t *joint) read(conn io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if err := t.v.received(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return t.v.end()
		}
		if err != nil {
			return err
		}
	}
}

// write sends the input until it or the connection ends.
func (t *joint) write(ctx context.Context, conn io.ReadWriteCloser) error {
	if err := t.send(conn, []byte(t.c.preamble)); err != nil {
		return err
	}
	for {
		select {
		case p, ok := <-t.input:
			if !ok {
				t.over = true
				return t.finish(conn)
			}
			if err := t.send(conn, p); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// finish tells the peer that nothing more comes.
func (t *joint) finish(conn io.ReadWriteCloser) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || !t.c.halfClose {
		return nil
	}
	return half.CloseWrite()
}

func (t *joint) send(conn io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if t.c.crlf {
		p = t.lineEnds(p)
	}
	if err := t.v.sent(p); err != nil { // first, so that no answer is shown before
		return err
	}
	_, err := conn.Write(p)
	return err
}

// lineEnds puts CR before each LF that has none.
func (t *joint) lineEnds(p []byte) []byte {
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
func (t *joint) moved() int64 { return t.stats.Read.Load() + t.stats.Written.Load() }
