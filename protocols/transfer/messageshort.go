package transfer

import (
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
)

// measured is a message that must not end long before the size that was announced:
// what a broken server has cut off is then neither stored as the whole nor deleted.
// Servers count line ends and dots in their own ways, but none takes twice the size.
type measured struct {
	r         io.Reader
	got, size int64 // size is negative when it is not known
	short     error
	failed    bool    // the source has failed
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
	if m.got += int64(n); err == io.EOF && m.got < m.size/2 {
		m.short = protocols.ProtocolError("", "", fmt.Sprintf("the message ends at %d bytes, where %d were announced", m.got, m.size))
		err = m.short
	}
	return n, err
}
