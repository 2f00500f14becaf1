package protocoltest

import (
	"context"
	"net"
	"strings"
	"sync"
)

// Recorder makes a [Script] of a conversation with a real server: its Dial goes
// into [protocols.Options]. It sees the bytes of the connections, so TLS must be
// off. Lines stand in the order in which the client wrote and read them; the
// content of a data connection follows the 1xx reply that announced it.
type Recorder struct {
	// Next makes the real connections; nil is the system's.
	Next func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	addr  string
	steps []Step
	data  []*recordedConn
}

// recordedConn is one connection under a [Recorder].
type recordedConn struct {
	net.Conn
	r       *Recorder
	control bool
	port    string
	read    []byte // on the control connection: up to the next line end
	written []byte
}

// Dial connects and records.
func (r *Recorder) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := r.Next
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.addr == "" {
		r.addr = address
	}
	rc := &recordedConn{Conn: c, r: r, control: address == r.addr, port: portOf(address)}
	if !rc.control {
		r.steps = append(r.steps, Step{Mark: "D!", Text: "accept " + rc.port})
		r.data = append(r.data, rc)
	}
	return rc, nil
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.read = append(c.read, p[:n]...)
	if c.control {
		c.read = c.r.lines("S:", c.read)
	}
	return n, err
}

func (c *recordedConn) Write(p []byte) (int, error) {
	c.r.mu.Lock()
	c.written = append(c.written, p...)
	if c.control {
		c.written = c.r.lines("C:", c.written)
	}
	c.r.mu.Unlock()
	return c.Conn.Write(p)
}

// CloseWrite ends what the client sends.
func (c *recordedConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}

// lines takes whole lines, and returns the rest.
func (r *Recorder) lines(mark string, p []byte) []byte {
	for {
		i := strings.IndexByte(string(p), '\n')
		if i < 0 {
			return p
		}
		r.steps = append(r.steps, Step{Mark: mark, Text: escape(string(p[:i+1]))})
		p = p[i+1:]
	}
}

// Script returns what was recorded, with data connections in their place. It is
// called when the client is closed.
func (r *Recorder) Script(name string) *Script {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Script{Name: name, Header: map[string]string{}}
	var open []*recordedConn
	next := 0
	for _, st := range r.steps {
		s.Steps = append(s.Steps, st)
		if st.Mark == "D!" {
			open = append(open, r.data[next])
			next++
		}
		if st.Mark == "S:" && strings.HasPrefix(st.Text, "1") && len(open) > 0 {
			s.Steps = append(s.Steps, open[len(open)-1].content()...)
			open = open[:len(open)-1]
		}
	}
	return s
}

// content returns the steps of a data connection.
func (c *recordedConn) content() []Step {
	steps := contentSteps("D<", c.written)
	if len(c.written) > 0 {
		return append(steps, Step{Mark: "D!", Text: "eof"})
	}
	return append(contentSteps("D>", c.read), Step{Mark: "D!", Text: "close"})
}

func contentSteps(mark string, p []byte) []Step {
	var steps []Step
	for line := range strings.Lines(string(p)) {
		steps = append(steps, Step{Mark: mark, Text: escape(line)})
	}
	return steps
}
