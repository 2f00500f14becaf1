package message

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// maxHeader limits the header of a finished message.
const maxHeader = 1 << 20

// Given says which parts of the envelope the caller has. The fields that would
// hold them need not be addresses then: the message is sent as it is.
type Given struct{ Sender, Recipients bool }

// Finished wraps a complete message. It reads the envelope from the header, apart
// from what is given: Sender or From, and To, Cc and Bcc. In a message that was
// resent these are the fields of the topmost block of Resent fields (RFC 5322
// 3.6.6). With stripBcc, Open omits the Bcc fields; all other bytes are unchanged.
// open is called once here and once for each Open; size may be 0.
func Finished(open func() (io.ReadCloser, error), size int64, stripBcc bool, given Given) (*Message, error) {
	r, err := open()
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	head, err := readHeader(r, size)
	r.Close()
	if err != nil {
		return nil, err
	}
	fields := splitFields(head)
	m := &Message{Size: size, open: open}
	if err := m.envelope(fields, given); err != nil {
		return nil, err
	}
	kept := head
	if stripBcc {
		kept = without(fields, "bcc", "resent-bcc")
	}
	if len(kept) < len(head) {
		m.open = func() (io.ReadCloser, error) { return skipped(open, kept, int64(len(head))) }
	}
	return m, nil
}

// skipped returns the message with its first skip bytes replaced by head.
func skipped(open func() (io.ReadCloser, error), head []byte, skip int64) (io.ReadCloser, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		r.Close()
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "the message changed while it was being read", Err: err}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r), r}, nil
}

// readHeader reads up to the empty line and excludes it. size is the size of the
// message, or 0.
func readHeader(r io.Reader, size int64) ([]byte, error) {
	var head []byte
	most := int64(16 << 10)
	if size > 0 {
		most = min(most, size+1)
	}
	block := make([]byte, most)
	for len(head) <= maxHeader {
		n, err := r.Read(block)
		head = append(head, block[:n]...)
		if end := headerEnd(head); end >= 0 {
			return head[:end], nil
		}
		if errors.Is(err, io.EOF) {
			return head, nil
		}
		if err != nil {
			return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
		}
	}
	return nil, usage("the message has no header, or one longer than 1 MiB")
}

// headerEnd returns the index of the empty line, or -1 if it is not in b yet. The
// line ends in LF or CRLF, whatever the lines before it use: on the wire they
// become the same.
func headerEnd(b []byte) int {
	for start := 0; ; {
		n := bytes.IndexByte(b[start:], '\n')
		if n < 0 {
			return -1
		}
		if n == 0 || n == 1 && b[start] == '\r' {
			return start
		}
		start += n + 1
	}
}

// headerField is a field with its folded lines, unchanged.
type headerField struct {
	name string // in lower case; empty: not a field
	raw  []byte
}

// splitFields splits a header into fields. Lines that are not fields are kept
// unchanged.
func splitFields(head []byte) []headerField {
	var fields []headerField
	for line := range bytes.Lines(head) {
		if len(fields) > 0 && (line[0] == ' ' || line[0] == '\t') {
			last := &fields[len(fields)-1]
			last.raw = append(last.raw, line...)
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		f := headerField{raw: slices.Clone(line)}
		if ok {
			f.name = strings.ToLower(strings.TrimSpace(string(name)))
		}
		fields = append(fields, f)
	}
	return fields
}

// without returns the header without the named fields.
func without(fields []headerField, names ...string) []byte {
	var b []byte
	for _, f := range fields {
		if !slices.Contains(names, f.name) {
			b = append(b, f.raw...)
		}
	}
	return b
}

// value returns the unfolded value of a field.
func (f *headerField) value() string {
	_, v, _ := strings.Cut(string(f.raw), ":")
	return strings.Join(strings.Fields(v), " ")
}

// envelope reads sender and recipients. A field that is not an address list is an
// error unless its part of the envelope is given: otherwise a recipient would be
// lost silently.
func (m *Message) envelope(fields []headerField, given Given) error {
	for _, f := range fields {
		if f.name == "message-id" && m.ID == "" {
			m.ID = f.value()
		}
	}
	prefix := ""
	if block := resent(fields); len(block) > 0 {
		fields, prefix = block, "resent-"
	}
	spared := map[string]bool{
		"from": given.Sender, "sender": given.Sender, "to": given.Recipients, "cc": given.Recipients, "bcc": given.Recipients,
	}
	lists := map[string][]mailbox{}
	for _, f := range fields {
		name := strings.TrimPrefix(f.name, prefix)
		spare, ours := spared[name]
		if !ours || f.value() == "" {
			continue
		}
		list, err := strict.parse(f.value())
		if err != nil && !spare && !isEmptyGroup(f.value()) {
			return usage("header " + f.name + ": " + strings.TrimPrefix(err.Error(), "mail: "))
		}
		lists[name] = append(lists[name], list...)
	}
	if from := envelopeOf(lists["sender"], lists["from"]); len(from) > 0 {
		m.From = from[0]
	}
	m.Recipients = envelopeOf(lists["to"], lists["cc"], lists["bcc"])
	return nil
}

// resent returns the topmost block of Resent fields. The block of an earlier
// resending follows a trace field, or begins where a field comes again: a block has
// each field once (RFC 5322 3.6).
func resent(fields []headerField) []headerField {
	var block []headerField
	for _, f := range fields {
		again := slices.ContainsFunc(block, func(b headerField) bool { return b.name == f.name })
		trace := f.name == "received" || f.name == "return-path"
		switch {
		case again || trace && len(block) > 0:
			return block
		case strings.HasPrefix(f.name, "resent-"):
			block = append(block, f)
		}
	}
	return block
}

// isEmptyGroup reports whether s is a group without members, such as
// "undisclosed-recipients:;".
func isEmptyGroup(s string) bool {
	_, rest, ok := strings.Cut(s, ":")
	return ok && strings.TrimSpace(rest) == ";"
}
