package protocoltest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is how many bytes wait in one direction of a connection before a
// writer has to wait, as in a system's socket.
const pipeBuffer = 256 << 10

// Delivery says how many bytes one Read of a client returns.
type Delivery int

// The ways to deliver.
const (
	BySegment Delivery = iota // what the server wrote at once
	ByByte                    // one byte
	AtOnce                    // all there is; lines of a server that follow each other are written at once
)

// switchboard holds the lock of all connections of one player: it is small, and
// a waiter is woken by whatever happens.
type switchboard struct {
	mu   sync.Mutex
	cond sync.Cond
}

func newSwitchboard() *switchboard {
	s := &switchboard{}
	s.cond.L = &s.mu
	return s
}

// half is one direction of a connection.
type half struct {
	*switchboard
	segments [][]byte
	size     int
	total    int64 // bytes ever written
	end      error // what a reader gets after the last byte; nil while open
	deaf     error // what a writer gets; nil while somebody reads
	delivery Delivery
}

// deadline is one of a connection.
type deadline struct {
	t     time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.t.IsZero() && !time.Now().Before(d.t) }

func (h *half) set(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.t, d.timer = t, nil
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.cond.Broadcast()
		})
	}
	h.cond.Broadcast()
}

func (h *half) read(p []byte, d *deadline) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case d.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case h.size > 0:
			return h.take(p), nil
		case h.end != nil:
			return 0, h.end
		}
		h.cond.Wait()
	}
}

// take returns bytes as the delivery wants it.
func (h *half) take(p []byte) (n int) {
	if h.delivery == ByByte {
		p = p[:1]
	}
	for n < len(p) && len(h.segments) > 0 {
		m := copy(p[n:], h.segments[0])
		n += m
		if h.segments[0] = h.segments[0][m:]; len(h.segments[0]) == 0 {
			h.segments = h.segments[1:]
		}
		if h.delivery != AtOnce {
			break
		}
	}
	h.size -= n
	h.cond.Broadcast()
	return n
}

func (h *half) write(p []byte, d *deadline) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case d.passed():
			return 0, os.ErrDeadlineExceeded
		case h.deaf != nil:
			return 0, h.deaf
		case h.end != nil:
			return 0, io.ErrClosedPipe
		case h.size == 0 || h.size+len(p) <= pipeBuffer:
			h.segments = append(h.segments, append([]byte(nil), p...))
			h.size += len(p)
			h.total += int64(len(p))
			h.cond.Broadcast()
			return len(p), nil
		}
		h.cond.Wait()
	}
}

// finish ends one direction: with io.EOF after what was written, or at once.
func (h *half) finish(end, deaf error, drop bool) {
	if h.end == nil {
		h.end = end
	}
	if h.deaf == nil {
		h.deaf = deaf
	}
	if drop {
		h.segments, h.size = nil, 0
	}
	h.cond.Broadcast()
}

// conn is one end of a connection in memory.
type conn struct {
	in, out       *half
	local, remote net.Addr
	rd, wd        deadline
}

// pipeAddr is the address of an end that stands on no network.
type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// newPipe makes a connection. The client's end reads as delivery says.
func newPipe(s *switchboard, d Delivery, clientAddr, serverAddr net.Addr) (client, server *conn) {
	toClient, toServer := &half{switchboard: s, delivery: d}, &half{switchboard: s, delivery: AtOnce}
	client = &conn{in: toClient, out: toServer, local: clientAddr, remote: serverAddr}
	server = &conn{in: toServer, out: toClient, local: serverAddr, remote: clientAddr}
	return client, server
}

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p, &c.rd) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p, &c.wd) }

// CloseWrite ends what this end sends.
func (c *conn) CloseWrite() error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.finish(io.EOF, nil, false)
	return nil
}

// Close ends both directions; what was written still arrives.
func (c *conn) Close() error {
	c.in.set(&c.rd, time.Time{})
	c.out.set(&c.wd, time.Time{})
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.out.finish(io.EOF, nil, false)
	c.in.finish(net.ErrClosed, syscall.EPIPE, true)
	return nil
}

// reset breaks the connection at once, in both directions.
func (c *conn) reset() {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	gone := &net.OpError{Op: "read", Net: "pipe", Err: syscall.ECONNRESET}
	c.out.finish(gone, net.ErrClosed, true)
	c.in.finish(net.ErrClosed, gone, true)
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.set(&c.rd, t)
	c.out.set(&c.wd, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.rd, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.wd, t)
	return nil
}
