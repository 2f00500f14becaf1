package socket

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// settle is the silence after which an answer is taken for complete.
const settle = 250 * time.Millisecond

// Do sends command with CR LF and returns what comes back as lines: all up to a
// quarter of a second of silence, or to the end of the stream, within
// Limits.Reply. There are no codes, as the protocol is not known. The connection
// stays open for the next command, until Close.
func (c *Client) Do(ctx context.Context, command string) (_ *protocols.Reply, err error) {
	ctx, done := c.opts.Begin(ctx, c.op("raw"))
	defer func() { done(err) }()
	if err := wire.Check(command); err != nil {
		return nil, c.wrap(protocols.UsageError(c.proto, "raw", err.Error()), "raw")
	}
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, c.wrap(err, "raw")
	}
	defer release()
	conn, err := c.kept(ctx)
	if err != nil {
		return nil, c.wrap(err, "raw")
	}
	defer conn.Use(ctx)()
	answer, err := c.ask(conn, command)
	if err != nil {
		c.drop(conn)
		return nil, c.wrap(err, "raw")
	}
	return &protocols.Reply{Lines: answerLines(answer)}, nil
}

// kept returns the connection of the last command, or a new one.
func (c *Client) kept(ctx context.Context) (*Conn, error) {
	c.mu.Lock()
	conn := c.line
	c.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = conn
	return conn, nil
}

// drop abandons the connection of Do.
func (c *Client) drop(conn *Conn) {
	c.mu.Lock()
	c.line = nil
	c.mu.Unlock()
	conn.Close()
}

func (c *Client) ask(conn *Conn, command string) (string, error) {
	if !c.Web() {
		command += "\r\n"
	}
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	var b strings.Builder
	buf := make([]byte, 16<<10)
	defer conn.SetReadDeadline(time.Time{})
	for {
		n, err := conn.Read(buf)
		b.Write(buf[:n])
		switch {
		case int64(b.Len()) > c.limits.Reply:
			return "", protocols.ProtocolError(c.proto, "raw", "the answer passes the limit of a reply")
		case err == io.EOF && b.Len() == 0:
			return "", protocols.ProtocolError(c.proto, "raw", "the connection ended without an answer")
		case err == io.EOF:
			c.drop(conn)
			return b.String(), nil
		case expect.IsTimeout(err) && b.Len() > 0:
			return b.String(), nil
		case err != nil:
			return "", err
		}
		conn.SetReadDeadline(time.Now().Add(settle))
	}
}

// answerLines splits at line ends; the one at the end makes no empty line.
func answerLines(s string) []string {
	s = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	return strings.Split(s, "\n")
}
