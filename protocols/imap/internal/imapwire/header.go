package imapwire

import (
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/protocols"
)

// HeaderItem asks for what a listing shows. It costs servers a third less than
// ENVELOPE, and does not depend on how they understand addresses.
const HeaderItem = "BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID)]"

// ReadHeader fills in what header fields tell (RFC 5322 2.2), with encoded words
// decoded (RFC 2047). A field that is there twice counts once.
func ReadHeader(header string, m *protocols.MessageInfo) {
	for header != "" {
		var line string
		line, header = CutField(header)
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if to := fieldOf(m, strings.TrimSpace(key)); to != nil && *to == "" {
			*to = mailhead.Text(value, charset.Reader)
		}
	}
}

// fieldOf returns the place of a field, nil if none is kept.
func fieldOf(m *protocols.MessageInfo, key string) *string {
	switch strings.ToLower(key) {
	case "date":
		return &m.Date
	case "from":
		return &m.From
	case "to":
		return &m.To
	case "subject":
		return &m.Subject
	case "message-id":
		return &m.MessageID
	}
	return nil
}

// CutField takes a field with its continuation lines off a header.
func CutField(header string) (field, rest string) {
	for i := 0; ; {
		k := strings.IndexByte(header[i:], '\n')
		if k < 0 {
			return header, ""
		}
		i += k + 1
		if i == len(header) || header[i] != ' ' && header[i] != '\t' {
			return header[:i], header[i:]
		}
	}
}

// folds are what the lines of a field are joined with.
var folds = strings.NewReplacer("\r", "", "\n", "", "\t", " ")

// Unfold returns the value of a header field on one line, without spaces around it.
func Unfold(value string) string {
	if strings.ContainsAny(value, "\r\n\t") {
		value = folds.Replace(value)
	}
	return strings.TrimSpace(value)
}
