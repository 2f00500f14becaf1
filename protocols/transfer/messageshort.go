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
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.got += int64(n); err == io.EOF && m.got < m.size/2 {
		m.short = protocols.ProtocolError("", "", fmt.Sprintf("the message ends at %d bytes, where %d were announced", m.got, m.size))
		err = m.short
	}
	return n, err
}
