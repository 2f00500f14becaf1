package telnet

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// Conn is an open session. Its methods for reading are those of [expect.Stream]:
// Read, ReadUntil, Expect, ReadSome, ReadAvailable and ReadAll give data without
// the protocol's commands, which are answered on the way. One goroutine may read
// while another writes. Its owner closes it.
type Conn struct {
	*expect.Stream
	w       *wire
	release func()
}

// Close ends the session and frees the client. It may be called many times.
func (c *Conn) Close() error {
	err := c.w.raw.Close()
	c.release()
	return err
}

// Event sends a trace event of the connection, see [transport.Conn.Event].
func (c *Conn) Event(kind protocols.EventKind, text string, n int64) { c.w.raw.Event(kind, text, n) }

// CloseWrite signals the server the end of the data.
func (c *Conn) CloseWrite() error { return c.w.CloseWrite() }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.w.raw.LocalAddr() }

// RemoteAddr returns the address of the server, or of a proxy in between.
func (c *Conn) RemoteAddr() net.Addr { return c.w.raw.RemoteAddr() }

// SetReadDeadline sets the time at which a Read times out; zero takes it away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.w.raw.SetReadDeadline(t) }

// TLS returns what TLS agreed on, or nil without TLS. START_TLS happens while the
// session is read.
func (c *Conn) TLS() *tls.ConnectionState { return c.w.raw.TLS() }

// AllowSecret reports whether a password may be sent over the session as it stands.
func (c *Conn) AllowSecret() error { return c.w.raw.AllowSecret() }

// Signal is Command by name: "AYT", "IP", "BREAK", "SYNCH", ...
func (c *Conn) Signal(name string) error { return c.w.Signal(name) }

// Command sends a command that stands alone: [AYT], [IP], [AO], [EC], [EL],
// [BRK], [NOP], [GA], [EOR] and so on. [DM] goes as a Synch: as urgent data, on
// which the server throws away what it has not read yet.
func (c *Conn) Command(command byte) error { return c.w.command(command) }

// Ask asks for an option to be on or off, on our side (WILL, WONT) or on the
// server's (DO, DONT). The answer comes while the session is read.
func (c *Conn) Ask(option byte, ours, on bool) error {
	c.w.locked(func(e *engine) { e.freely(func() { e.ask(option, ours, on) }) })
	return c.w.flush()
}

// Option reports whether an option is in force on our side and on the server's.
func (c *Conn) Option(option byte) (ours, theirs bool) {
	c.w.locked(func(e *engine) { ours, theirs = e.ours[option].on(), e.theirs[option].on() })
	return ours, theirs
}

// Subnegotiate sends a subnegotiation: option, and the data after it, in which
// 255 is doubled here.
func (c *Conn) Subnegotiate(option byte, data []byte) error {
	c.w.locked(func(e *engine) { e.freely(func() { e.sendSub(option, data) }) })
	return c.w.flush()
}

// LastSubnegotiation returns the last one that came: the option, and its data.
func (c *Conn) LastSubnegotiation() (option byte, data []byte) {
	c.w.locked(func(e *engine) {
		if len(e.lastSB) > 0 {
			option, data = e.lastSB[0], bytes.Clone(e.lastSB[1:])
		}
	})
	return option, data
}

// SetWindow sends the server a new size of the window, if it wants to know.
func (c *Conn) SetWindow(width, height int) error {
	c.w.locked(func(e *engine) {
		size := [2]int{min(max(width, 0), 65535), min(max(height, 0), 65535)}
		if size == e.window {
			return
		}
		e.window = size
		if e.ours[NAWS].on() {
			e.freely(e.tellWindow)
		}
	})
	return c.w.flush()
}

// Charset returns the character set that was agreed on, or nothing.
func (c *Conn) Charset() (name string) {
	c.w.locked(func(e *engine) { name = e.charset })
	return name
}

// LineEnd returns what ends a line that is sent: CR LF, which a server makes one key of, or
// where BINARY is on, CR, which is that key (RFC 856: nothing is translated).
func (c *Conn) LineEnd() string {
	if ours, _ := c.Option(BINARY); ours {
		return "\r"
	}
	return "\r\n"
}

// Echoes reports whether the server echoes what it gets: then a terminal must
// not. Servers that turn it on for a moment hide a password.
func (c *Conn) Echoes() bool {
	_, theirs := c.Option(ECHO)
	return theirs
}

// begin asks for what the settings want, and waits for TLS where it must be.
func (c *Conn) begin() error {
	c.w.locked(func(e *engine) {
		if e.set.Binary {
			e.ask(BINARY, true, true)
			e.ask(BINARY, false, true)
		}
		if c.w.needTLS {
			e.ask(STARTTLS, true, true)
		}
	})
	if err := c.w.flush(); err != nil || !c.w.needTLS {
		return err
	}
	return c.w.awaitTLS()
}

// wire is the session below the buffer of patterns.
type wire struct {
	ctx     context.Context // of the session
	raw     *transport.Conn
	trace   bool
	needTLS bool

	mu sync.Mutex
	e  engine

	wmu  sync.Mutex // held while something is written
	wbuf []byte
	late []byte // written while START_TLS was under way: goes out after it
}

func errStarting() error {
	return &protocols.Error{Kind: protocols.KindTLS, Text: "TLS is still being started"}
}

// maxLate bounds what is kept while START_TLS is under way.
const maxLate = 64 << 10

// locked works on the engine.
func (w *wire) locked(f func(e *engine)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.e)
}

// Read returns data, and answers the commands in between.
func (w *wire) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		w.raw.QuickAck() // a server that writes in small pieces waits for it
		n, err := w.raw.Read(p)
		if n == 0 && err != nil {
			return 0, w.ended(err)
		}
		data, err := w.take(p[:n])
		if data > 0 || err != nil {
			return data, err
		}
	}
}

// ended makes the end of the stream in the middle of a command an error.
func (w *wire) ended(err error) error {
	whole := true
	w.locked(func(e *engine) { whole = e.whole() })
	if err == io.EOF && !whole {
		return protocols.ProtocolError(proto, "", "the connection ended inside of a command")
	}
	return err
}

// take feeds the engine, and does what it asks for.
func (w *wire) take(p []byte) (data int, err error) {
	synch := w.raw.TLS() == nil && urgent.Ahead(w.raw)
	w.mu.Lock()
	if synch { // a Synch is on its way: data in front of it is void, RFC 854
		w.e.mute = true
	}
	var rest []byte
	data, rest, err = w.e.feed(p)
	secure := w.e.tls == tlsFollows
	w.mu.Unlock()
	if ferr := w.flush(); err == nil {
		err = ferr
	}
	if err == nil && secure {
		if err = w.upgrade(rest); err == nil {
			err = w.flush() // what was asked for meanwhile
		}
	}
	return data, err
}

// upgrade does the handshake after START_TLS. Options start anew after it.
func (w *wire) upgrade(rest []byte) error {
	if len(rest) > 0 {
		return protocols.ProtocolError(proto, "", "the server sent data before the TLS handshake")
	}
	if err := w.raw.StartTLS(w.ctx); err != nil {
		return err
	}
	w.locked(func(e *engine) {
		e.ours, e.theirs = [256]side{}, [256]side{}
		e.tls, e.startTLS, e.hush, e.ttype = tlsNone, false, false, 0
	})
	w.wmu.Lock()
	defer w.wmu.Unlock()
	late := w.late
	w.late = nil
	if len(late) == 0 {
		return nil
	}
	_, err := w.send(late, true)
	return err
}

// awaitTLS reads until TLS stands. Data before it is not wanted.
func (w *wire) awaitTLS() error {
	buf := make([]byte, 512)
	for w.raw.TLS() == nil {
		n, err := w.raw.Read(buf)
		if err != nil {
			return err
		}
		data, err := w.take(buf[:n])
		if err != nil {
			return err
		}
		refused := false
		w.locked(func(e *engine) { refused = e.ours[STARTTLS].state == no })
		if w.raw.TLS() == nil && (data > 0 || refused) {
			return &protocols.Error{Kind: protocols.KindTLS, Text: "the server does not offer TLS"}
		}
	}
	return nil
}

// flush writes the answers that wait. While somebody else is writing it leaves
// them to that one: a reader that waited for a writer could wait for ever.
func (w *wire) flush() error {
	for {
		w.mu.Lock()
		waiting := len(w.e.out)
		w.mu.Unlock()
		if waiting == 0 || !w.wmu.TryLock() {
			return nil
		}
		w.mu.Lock()
		out := w.e.out
		w.e.out = nil
		w.mu.Unlock()
		_, err := w.raw.Write(out)
		w.wmu.Unlock()
		if err != nil {
			return err
		}
	}
}

// Write sends data.
func (w *wire) Write(p []byte) (int, error) {
	text, hush := true, false
	w.wmu.Lock()
	w.locked(func(e *engine) { text, hush = !e.ours[BINARY].on(), e.hush })
	n, err := 0, error(nil)
	switch {
	case !hush:
		n, err = w.send(p, text)
	case len(w.late)+len(p) > maxLate:
		err = errStarting()
	default:
		w.late = append(w.late, p...)
		n = len(p)
	}
	w.wmu.Unlock()
	if ferr := w.flush(); err == nil {
		err = ferr
	}
	return n, err
}

// sendPiece is how much is escaped at once.
const sendPiece = 32 << 10

func (w *wire) send(p []byte, text bool) (n int, err error) {
	if plain(p, text) {
		return w.raw.Write(p)
	}
	for n < len(p) {
		piece := p[n:min(n+sendPiece, len(p))]
		w.wbuf = escape(w.wbuf[:0], piece, p[n+len(piece):], text)
		if _, err := w.raw.Write(w.wbuf); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// plain reports whether data goes out as it is.
func plain(p []byte, text bool) bool {
	return bytes.IndexByte(p, IAC) < 0 && (!text || bytes.IndexByte(p, '\r') < 0)
}

// escape doubles 255, and in text mode puts NUL after a CR that no LF follows.
// next is what comes after p.
func escape(dst, p, next []byte, text bool) []byte {
	for i, b := range p {
		dst = append(dst, b)
		switch {
		case b == IAC:
			dst = append(dst, IAC)
		case b != '\r' || !text:
		case i+1 < len(p) && p[i+1] == '\n', i+1 == len(p) && len(next) > 0 && next[0] == '\n':
		default:
			dst = append(dst, 0)
		}
	}
	return dst
}

// command sends a command.
func (w *wire) command(b byte) error {
	w.wmu.Lock()
	hush := false
	w.locked(func(e *engine) { hush = e.hush })
	var err error
	switch {
	case hush: // it would stand in the handshake
		err = errStarting()
	case b == DM && w.raw.TLS() == nil:
		err = urgent.Send(w.raw, []byte{IAC, DM})
	default:
		_, err = w.raw.Write([]byte{IAC, b})
	}
	w.wmu.Unlock()
	if err == nil {
		w.locked(func(e *engine) { e.note(true, b) })
		err = w.flush()
	}
	return err
}

// Signal sends a command by its name.
func (w *wire) Signal(name string) error {
	b, ok := CommandByName(name)
	if !ok {
		return protocols.UsageError(proto, "", "no command "+name)
	}
	return w.command(b)
}

// CloseWrite ends our direction.
func (w *wire) CloseWrite() error { return w.raw.CloseWrite() }

// SetReadDeadline bounds reads.
func (w *wire) SetReadDeadline(t time.Time) error { return w.raw.SetReadDeadline(t) }

// AllowSecret reports whether a secret may be sent.
func (w *wire) AllowSecret() error { return w.raw.AllowSecret() }

// observe returns what sees the events: the caller's function, and the trace.
func (w *wire) observe(user func(Event)) func(Event) {
	if !w.trace {
		return user
	}
	return func(v Event) {
		kind := protocols.EventRecv
		if v.Sent {
			kind = protocols.EventSend
		}
		_, text, _ := bytes.Cut([]byte(v.String()), []byte(" "))
		w.raw.Event(kind, "IAC "+string(text), 0)
		if user != nil {
			user(v)
		}
	}
}
