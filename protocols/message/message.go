// Package message composes mail and news messages (RFC 5322, 2045 to 2049, 2231,
// 5536) and reads what a finished one says of its envelope. Nothing is held in
// memory: a message is written out as it is needed, and can be written again with
// the same bytes.
//
//   - [Draft] is what a person gives; [Draft.Build] makes a [Message] of it
//   - [Finished] takes a message that is complete already
//   - [ParseMailto] reads mailto: URLs (RFC 6068)
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

// Message is a complete message with the envelope that its header gives.
type Message struct {
	ID         string   // Message-ID with its brackets; may be empty in a finished one
	From       string   // envelope sender: the first address of Sender, else of From
	Recipients []string // of To, Cc and Bcc, each once
	Size       int64    // bytes, about; 0 when not known

	write func(w io.Writer) error
	open  func() (io.ReadCloser, error)
}

// Open returns the message from its beginning. It may be called many times. The
// caller closes the reader, also before its end.
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

// smallMessage is what is composed at once and not while it is read.
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

// addresses reads address lists, as people write them.
func addresses(what string, lists []string) ([]*mail.Address, error) {
	var all []*mail.Address
	parser := mail.AddressParser{}
	for _, l := range lists {
		if strings.TrimSpace(l) == "" {
			continue
		}
		if strings.ContainsAny(l, "\r\n\x00") {
			return nil, usage(what + " holds a line break")
		}
		as, err := parser.ParseList(l)
		if err != nil {
			return nil, usage(what + ": " + strings.TrimPrefix(err.Error(), "mail: ") + " in " + quote(l))
		}
		all = append(all, as...)
	}
	return all, nil
}

// Addresses returns the bare addresses of lists, as people write them, each once.
func Addresses(lists ...string) ([]string, error) {
	all, err := addresses("address", lists)
	return envelopeOf(all), err
}

// envelopeOf returns the bare addresses, each once.
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

// quote shows a foreign text in an error.
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
