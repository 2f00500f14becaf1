package imap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/netclients/netclients/protocols"
)

// library is github.com/emersion/go-imap/v2 behind a guard. What it writes goes
// out as commands of our session, under tags of ours; what it reads are whole
// responses that were bounded before, and of kinds that it knows: others would
// end it. Outside of a call of it nothing is read for it, so our own commands may
// use the connection in between. It never sees content of messages.
type library struct {
	s      *session
	client *imapclient.Client

	mu      sync.Mutex
	changed *sync.Cond
	open    map[string]string // our tag of a command without answer: the library's
	closed  bool
	in      []byte // for the library, not read yet
	out     []byte // of a line that has no end yet
	literal int64  // bytes of a literal that the library still has to write
	middle  bool   // the line to come goes on with a command
}

// libraryKnows are the untagged responses that it understands. FETCH is not
// among them: what comes of it here are news that nobody asked for.
var libraryKnows = map[string]bool{
	"OK": true, "NO": true, "BAD": true, "NAMESPACE": true, "QUOTA": true, "QUOTAROOT": true,
	"ACL": true, "MYRIGHTS": true,
}

// libraryCaps are the capabilities that it may know of: those that change how it
// writes what we ask it for.
var libraryCaps = []string{"NAMESPACE", "QUOTA", "ACL", "LITERAL-", "LITERAL+"}

// startLibrary presents a session that is logged in already.
func (s *session) startLibrary() *library {
	l := &library{s: s, open: map[string]string{}}
	l.changed = sync.NewCond(&l.mu)
	caps := "IMAP4rev1"
	if s.utf8 || s.c.Settings.RawNames {
		caps = "IMAP4rev2" // to it that means: mailbox names go as they are
	}
	for _, name := range libraryCaps {
		if s.hasOr2(name) {
			caps += " " + name
		}
	}
	l.in = []byte("* PREAUTH [CAPABILITY " + caps + "] ready\r\n")
	l.client = imapclient.New(l, nil)
	return l
}

// close ends the library, and waits for its goroutine. What has no answer then will
// have none, and the goroutine waits for it: the connection has to go first.
func (l *library) close() {
	l.mu.Lock()
	busy := len(l.open) > 0
	l.mu.Unlock()
	if busy {
		l.s.fail(errNoAnswer)
		l.s.conn.Close()
	}
	l.client.Close()
}

// errNoAnswer says that a call ended before its command did.
var errNoAnswer = errors.New("a command was given up")

// call runs one call of the library. What it returns as an error is made ours,
// and a panic that a server provoked becomes a protocol error.
func (s *session) call(f func(lib *imapclient.Client) error) (err error) {
	if s.broken() != nil {
		return s.broken()
	}
	l := s.startLibrary()
	defer l.close()
	if err := l.client.WaitGreeting(); err != nil {
		return s.fail(err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = s.fail(protocols.ProtocolError(proto, "", fmt.Sprintf("response that makes no sense: %v", p)))
		}
	}()
	err = f(l.client)
	if no, ok := errors.AsType[*goimap.Error](err); ok {
		st := &status{word: string(no.Type), code: string(no.Code), text: no.Text}
		return st.err()
	}
	if err != nil && s.broken() != nil {
		return s.broken()
	}
	if err != nil {
		return s.fail(&protocols.Error{Proto: proto, Kind: protocols.KindProtocol, Err: err})
	}
	return nil
}

// Write takes commands, and literals in them.
func (l *library) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	for rest := p; len(rest) > 0; {
		if l.literal > 0 {
			n := min(int64(len(rest)), l.literal)
			if _, err := l.s.out.Write(rest[:n]); err != nil {
				return 0, l.s.fail(err)
			}
			l.literal -= n
			rest = rest[n:]
			continue
		}
		line, after, ended := bytes.Cut(rest, []byte("\r\n"))
		l.out = append(l.out, line...)
		if rest = after; !ended {
			break
		}
		if err := l.line(string(l.out)); err != nil {
			return 0, err
		}
		l.out = l.out[:0]
	}
	return len(p), l.s.flush()
}

// line sends a line of a command, the first one under a tag of ours.
func (l *library) line(line string) error {
	if !l.middle {
		tag := l.s.newTag()
		theirs, rest, _ := strings.Cut(line, " ")
		l.open[tag] = theirs
		l.s.sent[tag] = true
		line = tag + " " + rest
	}
	size, mark, err := literalAt([]byte(line))
	l.middle = err == nil && mark >= 0
	if l.middle {
		l.literal = size
	}
	return l.s.fail(l.s.out.Raw(line))
}

// Read returns the next response that the library may see, once it has asked for
// anything.
func (l *library) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.in) == 0 {
		for len(l.open) == 0 && !l.closed {
			l.changed.Wait()
		}
		if l.closed {
			return 0, io.EOF
		}
		l.mu.Unlock()
		r, err := l.s.read(false)
		l.mu.Lock()
		if err != nil {
			return 0, err
		}
		if err := l.serve(&r); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.in)
	l.in = l.in[n:]
	return n, nil
}

// serve passes a response on, or sets it aside.
func (l *library) serve(r *response) error {
	if err := l.s.take(r); err != nil {
		return err
	}
	text := append([]byte(nil), l.s.in.text...)
	switch {
	case r.tag == "+":
	case r.tag == "*":
		if !libraryKnows[r.name] {
			return nil
		}
	case l.open[r.tag] != "":
		if err := l.whole(r); err != nil {
			return err
		}
		text = append([]byte(l.open[r.tag]), text[len(r.tag):]...)
		delete(l.open, r.tag)
		delete(l.s.done, r.tag)
	default:
		return nil
	}
	l.in = append(text, '\r', '\n')
	return nil
}

// whole sees to it that an answer is one to a whole command. After a no to a
// literal nobody knows where the next command would begin.
func (l *library) whole(r *response) error {
	if !l.middle {
		return nil
	}
	if err := r.status().err(); err != nil {
		l.s.fail(err)
		return nil
	}
	return l.s.fail(errHalf())
}

// Close wakes what waits; the connection itself is the session's.
func (l *library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	return nil
}

// The rest of net.Conn. Deadlines are the transport's, by bytes that move: those
// of the library would end a slow server that is well alive.
func (l *library) LocalAddr() net.Addr              { return l.s.conn.LocalAddr() }
func (l *library) RemoteAddr() net.Addr             { return l.s.conn.RemoteAddr() }
func (l *library) SetDeadline(time.Time) error      { return nil }
func (l *library) SetReadDeadline(time.Time) error  { return nil }
func (l *library) SetWriteDeadline(time.Time) error { return nil }
