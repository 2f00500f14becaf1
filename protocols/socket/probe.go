package socket

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// probeWait is how long a probe waits for a stream's first words, and for the
// network's no to a datagram.
const probeWait = 300 * time.Millisecond

// maxBanner bounds the first line.
const maxBanner = 1 << 10

// Probe connects, with TLS where the URL or the settings say so, and waits 300
// milliseconds for a greeting. Many services say nothing until they are asked:
// silence, and the end of the stream, are no failures.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, c.probe)
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	conn, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.Use(ctx)()
	defer conn.Measure(r)
	r.Address, r.Phase = addressOf(conn), "tls"
	if err := c.secure(ctx, conn); err != nil {
		return err
	}
	r.Phase = "greeting"
	s, err := c.stream(ctx, conn)
	if err != nil {
		return err
	}
	defer s.Close()
	return greeting(s, r)
}

// greeting reads the first words of a server that has any.
func greeting(conn *Conn, r *protocols.Report) error {
	start := time.Now()
	conn.SetReadDeadline(start.Add(probeWait))
	line, err := bufio.NewReaderSize(conn, maxBanner).ReadSlice('\n')
	if len(line) > 0 {
		r.Greeting, r.Banner = time.Since(start), expect.FirstLine(line)
	}
	if err == io.EOF || err == bufio.ErrBufferFull || expect.IsTimeout(err) {
		return nil
	}
	return err
}

// addressOf names the peer; UNIX sockets that are not bound have no name.
func addressOf(conn *transport.Conn) string {
	if a := conn.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}

// Probe sends an empty datagram. A host that has nobody on the port says so at
// once, and then the service is down; an answer, or silence, counts as up.
func (c *Datagram) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, c.probe)
	return r, c.wrap(err, "probe")
}

func (c *Datagram) probe(ctx context.Context, r *protocols.Report) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.Use(ctx)()
	conn.Measure(r)
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	if _, err := conn.Write(nil); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(probeWait))
	if _, err = conn.Read(make([]byte, 1)); expect.IsTimeout(err) {
		return nil
	}
	return err
}
