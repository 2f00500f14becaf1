// Package message composes mail and news messages (RFC 5322, 2045 to 2049, 2231,
// 5536) and reads the envelope of finished ones. Messages are not held in memory:
// they are generated as they are written, and can be written again with identical
// bytes.
//
//   - [Draft] is what a person enters; [Draft.Build] makes a [Message] of it
//   - [Finished] wraps a message that is already complete
//   - [ParseMailto] parses mailto: URLs (RFC 6068)
//   - [Message.Sign] adds a DKIM signature (RFC 6376)
package message

import (
	"bufio"
	"bytes"
	"io"
	"net/mail"
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

// addresses parses address lists in the usual notation.
func addresses(what string, lists []string) ([]*mail.Address, error) {
	var all []*mail.Address
	parser := mail.AddressParser{}
	for _, l := range lists {
		if strings.TrimSpace(l) == "" {
			continue
		}
		if strings.ContainsAny(l, "\r\n\x00") {
			return nil, usage(what + " contains a line break")
		}
		as, err := parser.ParseList(l)
		if err != nil {
			return nil, usage(what + ": " + strings.TrimPrefix(err.Error(), "mail: ") + " in " + quote(l))
		}
		all = append(all, as...)
	}
	return all, nil
}

// Addresses returns the bare addresses of lists in the usual notation, without
// duplicates.
func Addresses(lists ...string) ([]string, error) {
	all, err := addresses("address", lists)
	return envelopeOf(all), err
}

// envelopeOf returns the bare addresses, without duplicates.
func envelopeOf(lists ...[]*mail.Address) []string {
	seen := map[string]bool{}
	var to []string
	for _, l := range lists {
		for _, a := range l {
			if !seen[a.Address] {
				seen[a.Address] = true
				to = append(to, a.Address)
			}
		}
	}
	return to
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
