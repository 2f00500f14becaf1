package ftp

import (
	"context"
	"net"
	"time"

	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
)

// factUrgent is a fact about a server.
const factUrgent = "ABOR is read as urgent data only"

// How long a transfer may take to stop, and an answer to a plain ABOR.
const (
	abortWithin = 3 * time.Second
	urgentAfter = time.Second
	pollEvery   = 10 * time.Millisecond
)

// synch is the Telnet IP and Synch; the last byte goes as urgent data (RFC 854).
var synch = []byte("\xff\xf4\xff\xf2")

// abort stops a transfer that the caller does not want to the end: ABOR, then the
// replies to the transfer and to ABOR itself (RFC 959 4.1.3). A server that does
// not follow loses the connection.
func (t *stream) abort() {
	ctx, cancel := context.WithTimeout(context.Background(), abortWithin)
	defer cancel()
	done := t.s.Conn.Use(ctx)
	defer done()
	t.conn.Close()
	known := t.s.c.memory().Knows(t.s.c.server(), factUrgent)
	if !t.sendAbort(known) {
		return
	}
	late := false // ABOR was sent once more
	for range 2 {
		if !known && !late && t.mayUrge() && !t.soon(urgentAfter) {
			if late = true; !t.sendAbort(true) {
				return
			}
		}
		if _, err := t.s.Reply(); err != nil {
			return
		}
	}
	if late { // how many answers there will be is not certain
		t.s.c.memory().Note(t.s.c.server(), factUrgent)
		_ = t.s.Fail(protocols.ProtocolError(proto, "", "ABOR was answered as urgent data only"))
		return
	}
	if t.s.In.Buffered() > 0 { // one reply more than there are commands
		_ = t.s.Fail(protocols.ProtocolError(proto, "", "too many replies to ABOR"))
	}
}

// sendAbort sends ABOR. Some servers look for it during a transfer only when urgent
// data comes.
func (t *stream) sendAbort(urgently bool) bool {
	if urgently && urgent.Send(t.s.Conn, synch) != nil {
		return false
	}
	return t.s.Queue("ABOR") == nil && t.s.Flush() == nil
}

// mayUrge reports whether urgent data reaches the server as such.
func (t *stream) mayUrge() bool {
	s := t.s
	_, tcp := s.Conn.NetConn().(*net.TCPConn)
	return tcp && s.Conn.TLS() == nil && s.Conn.Direct()
}

// soon waits for the first bytes of a reply. An error of the connection counts as one,
// for the reader to find.
func (t *stream) soon(within time.Duration) bool {
	s := t.s
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(pollEvery) {
		if s.In.Buffered() > 0 {
			return true
		}
		if came, err := s.Conn.Now(s.In.Fill); came || err != nil {
			return true
		}
	}
	return false
}
