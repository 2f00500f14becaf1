// Package mailhead reads the fields of message headers that listings show (RFC 5322, RFC 2047).
package mailhead

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Reader extracts the fields of a listing from the lines of a message's header
// (RFC 5322 2.2): of each field the first. It holds only those fields.
type Reader struct {
	// Limit is how many bytes the lines may have together; 0 is that of [protocols.Limits].
	Limit int64
	// Charset returns text in UTF-8 for a charset of encoded words (RFC 2047); nil
	// knows UTF-8, ISO 8859-1 and ASCII.
	Charset func(charset string, in io.Reader) (io.Reader, error)

	size   int64
	over   bool // the empty line was read
	name   string
	value  []byte
	values map[string]string
}

// headerFields are the fields that are held.
var headerFields = []string{"from", "to", "subject", "date", "message-id", "status", "x-status"}

// Line takes a line without its end. more is false after the empty line that ends
// a header; ok is false when the limit is passed.
func (h *Reader) Line(line []byte) (more, ok bool) {
	limit := h.Limit
	if limit <= 0 {
		limit = protocols.Limits{}.WithDefaults().Header
	}
	h.size += int64(len(line)) + 2
	switch {
	case h.size > limit:
		return false, false
	case h.over || len(line) == 0:
		h.end()
		h.over = true
		return false, true
	case line[0] == ' ' || line[0] == '\t': // goes on, RFC 5322 2.2.3
		if h.name != "" {
			h.value = append(h.value, line...)
		}
		return true, true
	}
	h.end()
	h.begin(line)
	return true, true
}

func (h *Reader) begin(line []byte) {
	name, value, found := bytes.Cut(line, []byte{':'})
	if !found || len(name) > 20 {
		return
	}
	lower := strings.ToLower(strings.TrimSpace(string(name)))
	for _, known := range headerFields {
		if known == lower {
			h.name, h.value = known, append(h.value[:0], value...)
		}
	}
}

// end takes the field that is complete now.
func (h *Reader) end() {
	if h.name == "" {
		return
	}
	if h.values == nil {
		h.values = map[string]string{}
	}
	if _, double := h.values[h.name]; !double {
		h.values[h.name] = strings.TrimSpace(string(h.value))
	}
	h.name = ""
}

// Field returns the value of a field that is held, unfolded; name is in lower case.
func (h *Reader) Field(name string) string {
	h.end()
	return h.values[name]
}

// Into puts what the header says into info.
func (h *Reader) Into(info *protocols.MessageInfo) {
	info.From, info.To, info.Subject = h.text("from"), h.text("to"), h.text("subject")
	info.Date, info.MessageID = h.Field("date"), h.Field("message-id")
}

// text is Field as a person reads it.
func (h *Reader) text(name string) string { return Text(h.Field(name), h.Charset) }

// Text returns the value of a header field as a person reads it: on one line, with
// encoded words (RFC 2047, RFC 2231 5) made text, and valid UTF-8. charset is as in
// [Reader]. A word that cannot be decoded stays as it is.
func Text(value string, charset func(charset string, in io.Reader) (io.Reader, error)) string {
	if strings.ContainsAny(value, "\r\n\t") {
		value = folds.Replace(value)
	}
	value = strings.TrimSpace(value)
	if strings.Contains(value, "=?") {
		d := mime.WordDecoder{CharsetReader: charset}
		if text, err := d.DecodeHeader(rawWords().ReplaceAllStringFunc(value, escapeRaw)); err == nil {
			value = text
		}
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// folds are what the lines of a field are joined with.
var folds = strings.NewReplacer("\r", "", "\n", "", "\t", " ")

// rawWords are encoded words in which some programs leave bytes as they are that should
// be written as =XX.
var rawWords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`=\?[^?\s]+\?[Qq]\?[^?\s]*[^\x00-\x7f][^?\s]*\?=`)
})

func escapeRaw(word string) string {
	var b strings.Builder
	for _, c := range []byte(word) {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}
