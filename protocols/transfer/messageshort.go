package transfer

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// measured is a message that must not end long before the size that was announced:
// what a broken server has cut off is then neither stored as the whole nor deleted.
// Servers count line ends and dots in their own ways, but none takes twice the size.
type measured struct {
	r         io.Reader
	got, size int64 // size is negative when it is not known
	listed    int64 // the size in the listing, where size is not from there; some servers estimate it
	lines     int64
	short     error
	failed    bool    // the source has failed
	doubt     func()  // is called at the end of a message that may not be whole
	head      *[]byte // gets the first bytes, to name the message by; may be nil
}

// headBytes is how much of a message is kept to name it by.
const headBytes = 4 << 10

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.head != nil && len(*m.head) < headBytes {
		*m.head = append(*m.head, p[:min(n, headBytes-len(*m.head))]...)
	}
	m.failed = err != nil && err != io.EOF
	m.lines += int64(bytes.Count(p[:n], []byte{'\n'}))
	if m.got += int64(n); err == io.EOF && m.got < m.size/2 {
		m.short = protocols.ProtocolError("", "", fmt.Sprintf("the message ends at %d bytes, where %d were announced", m.got, m.size))
		err = m.short
	}
	if err == io.EOF && m.got == 0 && m.listed > 0 {
		m.short = protocols.ProtocolError("", "", fmt.Sprintf("the message came empty, where %d bytes were announced", m.listed))
		err = m.short
	}
	m.judge(err == io.EOF)
	return n, err
}

// judge doubts a message that has ended shorter than it was announced.
func (m *measured) judge(ended bool) {
	// More is missing than line ends counted another way, and the final dot, explain.
	if ended && m.doubt != nil && (m.size-m.got > m.lines+5 || m.got < m.listed/2) {
		m.doubt()
		m.doubt = nil
	}
}

// doubt notes for good that a message came shorter than it was announced. Sizes of some
// servers are estimates: it is kept, but not deleted at its source.
func (s *messageSync) doubt(w *state.Wanted, m *measured) {
	s.lock.Lock()
	s.state.Set("short-"+w.Key.String(), "yes")
	s.lock.Unlock()
	s.o.warn("%s ended at %d bytes, where %d were announced: it is not deleted at its source", w.URL, m.got, max(m.size, m.listed))
}

// doom adds a message to those that are deleted at the source, if they are to be, it came
// whole, and it has been kept there long enough.
func (s *messageSync) doom(p *messagePlan, w *state.Wanted) error {
	if !s.o.DeleteAfter || s.state.Value("short-"+w.Key.String()) != "" || keeps(s, w.Key) {
		return nil
	}
	return p.doomed.Add(w)
}

// sinceValue is the name of the value that says when a message was first known to be safe.
func sinceValue(key state.Key) string { return "since-" + key.String() }

// keeps reports whether a message that is safe stays at its source for now. The time counts
// from the first run that asked.
func keeps(s *messageSync, key state.Key) bool {
	if s.o.KeepFor <= 0 {
		return false
	}
	since, err := strconv.ParseInt(s.state.Value(sinceValue(key)), 10, 64)
	if err != nil {
		s.state.Set(sinceValue(key), strconv.FormatInt(time.Now().Unix(), 10))
		return true
	}
	return time.Since(time.Unix(since, 0)) < s.o.KeepFor
}

// forget drops what is known of a message.
func (s *messageSync) forget(key state.Key) {
	s.state.Forget(key)
	s.state.Set(sinceValue(key), "")
	s.state.Set("short-"+key.String(), "")
}
