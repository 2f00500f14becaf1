// Package message composes mail and news messages (RFC 5322, 2045 to 2049, 2231,
// 3464, 5536) and reads the envelope of finished ones. Messages are not held in memory:
// they are generated as they are written, and can be written again with identical
// bytes.
//
//   - [Draft] is what a person enters; [Draft.Build] makes a [Message] of it
//   - [Finished] wraps a message that is already complete
//   - [Attachments] and [ParseReport] read what others have written; for all parts of a
//     message use go-message, as in the example
//   - [ParseMailto] parses mailto: URLs (RFC 6068)
//   - [Message.Sign] adds a DKIM signature (RFC 6376)
package message

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Message is a complete message with the envelope from its header.
type Message struct {
	ID         string   // Message-ID with its angle brackets; may be empty in a finished message
	From       string   // envelope sender: the first address of Sender, else of From
	Recipients []string // from To, Cc and Bcc, without duplicates
	Size       int64    // approximate, in bytes; 0 if unknown

	write func(w io.Writer) error
	open  func() (io.ReadCloser, error)
}

// Open returns the message from its beginning. It may be called many times. The
// caller must close the reader, and may do so before its end.
func (m *Message) Open() (io.ReadCloser, error) {
	if m.open != nil {
		return m.open()
	}
	if m.Size > 0 && m.Size <= smallMessage {
		var b bytes.Buffer
		if err := m.write(&b); err != nil {
			return nil, err
		}
		return io.NopCloser(&b), nil
	}
	r, w := io.Pipe()
	go func() { // ends when the reader is closed
		b := bufio.NewWriterSize(w, 64<<10)
		err := m.write(b)
		if err == nil {
			err = b.Flush()
		}
		w.CloseWithError(err)
	}()
	return r, nil
}

// smallMessage is the size up to which a message is composed at once rather than
// while it is read.
const smallMessage = 256 << 10

// WriteTo writes the message.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	if m.open == nil {
		c := &counter{w: w}
		err := m.write(c)
		return c.n, err
	}
	r, err := m.open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(w, r)
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func usage(text string) error { return protocols.UsageError("", "", text) }

// quote quotes and truncates untrusted text for an error.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return "\"" + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s) + "\""
}
