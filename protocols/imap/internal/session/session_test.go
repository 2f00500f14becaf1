package session

import (
	"bytes"
	"io"
	"testing"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// FuzzSession: whatever a server sends, the session holds no more than its limits, and
// does not panic.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[HEADER.FIELDS (A B)]<0> {3}\r\nabc RFC822.SIZE 5)\r\n",
		"* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n* 1 FETCH (BODY[] {3}\r\nabc UID 5)\r\n",
		"* ESEARCH (TAG \"x\") UID ALL 1:5,7\r\n", "* SEARCH 1 2 3\r\n* 3 EXISTS\r\n", "a OK [COPYUID 1 2 3] x\r\n",
		"* STATUS x (MESSAGES 5)\r\n* VANISHED (EARLIER) 1:5\r\n", "* ENABLED QRESYNC\r\n* CAPABILITY IMAP4rev1\r\n+ go\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := protocols.Limits{Literal: 1000, Header: 1000, Reply: 2000}.WithDefaults()
		s := New(&line.Core{Limits: l}, Config{OddNames: map[string]string{}, URL: func(name string) string { return name }})
		s.in = imapwire.NewInput(bytes.NewReader(data), l)
		s.box = &Mailbox{s: s}
		found := &found{b: s.box}
		for {
			r, err := s.read(true)
			if err != nil {
				return
			}
			if int64(len(s.Raw())) > l.Reply+l.Header+l.Literal {
				t.Fatalf("%d bytes held", len(s.Raw()))
			}
			s.take(&r)
			found.take(&r)
			c := &Content{s: s}
			if m, ok, err := c.take(&r); ok && err == nil {
				s.box.Entry(&m)
				if n, err := io.Copy(io.Discard, c.Message()); err == nil && n != c.Size {
					t.Fatalf("%d bytes of content, %d announced", n, c.Size)
				}
			}
			if s.finish() != nil {
				return
			}
		}
	})
}

// TestTagsDiffer: nobody may know the tags of a session before it sends them
// (CVE-2026-42246).
func TestTagsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := tagPrefix()
		if seen[p] || len(p) < 6 {
			t.Fatalf("tags begin with %q again", p)
		}
		seen[p] = true
	}
}
