package frame

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// ErrCut is what the server itself sees of a scripted cut.
var ErrCut = errors.New("connection cut by a scripted fault")

// maxEndless bounds an endless reply, in case the client reads it all.
const maxEndless = 64 << 20

// faultConn applies the faults of byte streams to a connection.
type faultConn struct {
	net.Conn
	in        *faultSet
	rules     []int // faults of this connection, as indices
	data      bool  // reads count too
	everyTime bool  // delay before each write, not only the first

	mu      sync.Mutex // held for bookkeeping, never while sleeping
	passed  int64
	spent   map[int]bool // rules that are done with in this connection
	started bool

	once sync.Once
	gone chan struct{} // closed by Close
	stop <-chan struct{}
}

// Wrap applies the stream faults of the scope. A connection without any is
// returned as it is, so that fast paths of the net package remain.
func (in *Injector) Wrap(c net.Conn, scope base.Scope, stop <-chan struct{}) net.Conn {
	stream := []base.FaultKind{base.FaultCut, base.FaultClose, base.FaultStall, base.FaultSlow, base.FaultSplit, base.FaultDelay}
	set := in.now()
	var rules []int
	for i, f := range set.list {
		applies := f.Scope == base.ScopeBoth || f.Scope == scope || scope == base.ScopeBoth
		if f.Kind == base.FaultDelay && scope == base.ScopeData {
			applies = f.Scope == base.ScopeData
		}
		if applies && slices.Contains(stream, f.Kind) {
			rules = append(rules, i)
		}
	}
	if rules == nil {
		return c
	}
	return &faultConn{
		Conn: c, in: set, rules: rules, data: scope == base.ScopeData, everyTime: scope != base.ScopeData,
		spent: map[int]bool{}, gone: make(chan struct{}), stop: stop,
	}
}

// Faultless returns the connection without its faults, and unwatched.
func Faultless(conn net.Conn) net.Conn {
	if f, ok := conn.(*faultConn); ok {
		conn = f.Conn
	}
	if w, ok := conn.(*watched); ok {
		conn = w.Conn
	}
	return conn
}

// Close closes the connection and ends every scripted wait.
func (c *faultConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// CloseWrite ends the outgoing direction.
func (c *faultConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// SetLinger passes the option on, see net.TCPConn.
func (c *faultConn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return nil
}

func (c *faultConn) Write(p []byte) (int, error) {
	if err := c.delay(); err != nil {
		return 0, err
	}
	total := 0
	for {
		n, err := c.step(len(p)-total, func(n int) (int, error) { return c.Conn.Write(p[total : total+n]) })
		total += n
		if err != nil || total == len(p) {
			return total, err
		}
	}
}

func (c *faultConn) Read(p []byte) (int, error) {
	if !c.data {
		return c.Conn.Read(p)
	}
	return c.step(len(p), func(n int) (int, error) { return c.Conn.Read(p[:n]) })
}

// step moves at most n bytes with move, up to the next position of a fault,
// and then plays what is due there.
func (c *faultConn) step(n int, move func(int) (int, error)) (int, error) {
	n, err := c.due(n)
	if err != nil {
		return 0, err
	}
	n, err = move(n)
	c.mu.Lock()
	c.passed += int64(n)
	c.mu.Unlock()
	if err == nil {
		_, err = c.due(1)
	}
	if err == nil {
		err = c.pace(n)
	}
	return n, err
}

// due plays the faults of the present position and returns how many of n bytes
// may pass before the next.
func (c *faultConn) due(n int) (int, error) {
	for _, i := range c.rules {
		f := c.in.list[i]
		left, here := c.left(i, f)
		if here {
			if err := c.play(f); err != nil {
				return 0, err
			}
		}
		n = int(min(int64(n), left))
	}
	return n, nil
}

// left is how many bytes may pass before fault i, and whether it is due now.
func (c *faultConn) left(i int, f base.Fault) (left int64, here bool) {
	const unlimited = 1 << 62
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.Kind {
	case base.FaultSplit:
		return f.Bytes, false
	case base.FaultSlow:
		return max(1, f.Bytes/20), false
	case base.FaultCut, base.FaultClose, base.FaultStall:
		if c.spent[i] {
			return unlimited, false
		}
		if c.passed < f.Bytes {
			return f.Bytes - c.passed, false
		}
		c.spent[i] = true
		return unlimited, c.in.take(i)
	}
	return unlimited, false
}

// play does what fault f is for.
func (c *faultConn) play(f base.Fault) error {
	switch f.Kind {
	case base.FaultStall:
		return c.sleep(f.Duration)
	case base.FaultCut:
		Reset(c)
	default:
		c.Close()
	}
	return ErrCut
}

// pace waits as long as n bytes take at the slowest rate.
func (c *faultConn) pace(n int) error {
	var wait time.Duration
	for _, i := range c.rules {
		if f := c.in.list[i]; f.Kind == base.FaultSlow {
			wait = max(wait, time.Duration(float64(n)/float64(f.Bytes)*float64(time.Second)))
		}
	}
	return c.sleep(wait)
}

// delay waits before a write.
func (c *faultConn) delay() error {
	c.mu.Lock()
	first := !c.started
	c.started = true
	c.mu.Unlock()
	if !first && !c.everyTime {
		return nil
	}
	for _, i := range c.rules {
		f := c.in.list[i]
		if f.Kind == base.FaultDelay && c.in.take(i) {
			if err := c.sleep(f.Duration); err != nil {
				return err
			}
		}
	}
	return nil
}

// sleep waits, or until the connection or the server is closed.
func (c *faultConn) sleep(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.gone:
		return net.ErrClosed
	case <-c.stop:
		return net.ErrClosed
	}
}

// Misbehave plays a verb fault that is a matter of bytes only. It reports
// whether the dialogue may go on.
func Misbehave(w io.Writer, f base.Fault) bool {
	switch f.Kind {
	case base.FaultCode:
		_, err := io.WriteString(w, f.Text+"\r\n")
		return err == nil
	case base.FaultGarbage:
		_, err := w.Write(Garbage())
		return err == nil
	case base.FaultEndless:
		Endless(w, f.Text, "aaaaaaaaaaaaaaaa")
	case base.FaultMultiline:
		code := f.Text
		if code == "" {
			code = "220"
		}
		Endless(w, "", code+"-and another line\r\n")
	}
	return false
}

// Garbage is 512 bytes that are no reply of any protocol, ended by a line end.
func Garbage() []byte {
	p := make([]byte, 512)
	base.Pattern(7)(p, 0)
	p[0] = 0xff
	copy(p[510:], "\r\n")
	return p
}

// Endless writes start and then unit again and again, until the connection
// ends or 64 MiB are written.
func Endless(w io.Writer, start, unit string) {
	if _, err := io.WriteString(w, start); err != nil {
		return
	}
	var block []byte
	for len(block) < 32<<10 {
		block = append(block, unit...)
	}
	for sent := 0; sent < maxEndless; sent += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
