package xmlrpc

import (
	"bytes"
	"fmt"
	"mime"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/netclients/netclients/protocols"
)

// encoded returns a document of ours in another encoding, with its name in the head.
// Characters that the encoding has not become references.
func encoded(doc []byte, label string) ([]byte, error) {
	e, err := htmlindex.Get(label)
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("unknown encoding %.40q", label))
	}
	head := `<?xml version="1.0" encoding="` + label + "\"?>\n"
	encoder := encoding.HTMLEscapeUnsupported(e.NewEncoder())
	out, err := encoder.Bytes(append([]byte(head), bytes.TrimPrefix(doc, []byte(xmlHead))...))
	if err == nil && !bytes.HasPrefix(out, []byte(head)) {
		err = fmt.Errorf("an encoding that does not hold ASCII")
	}
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("%s: %v", label, err))
	}
	return out, nil
}

// charsetOf returns the character set that a Content-Type names, or nothing.
func charsetOf(h map[string][]string) string {
	for _, value := range h["Content-Type"] {
		if _, params, err := mime.ParseMediaType(value); err == nil {
			return params["charset"]
		}
	}
	return ""
}

// transcode makes UTF-8 of a document whose encoding is known from its first bytes (XML
// 1.0 appendix F), or from its Content-Type, and reports whether it was known. US-ASCII
// says nothing: it was the default of text/xml once.
func (d *decoder) transcode(label string) bool {
	first, _ := d.src.Peek(3)
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, _ = d.src.Discard(3)
		return true
	case bytes.HasPrefix(first, []byte("\xfe\xff")), bytes.HasPrefix(first, []byte("\x00<")):
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case bytes.HasPrefix(first, []byte("\xff\xfe")), bytes.HasPrefix(first, []byte("<\x00")):
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case strings.EqualFold(label, "utf-8"):
		return true
	case label == "", strings.EqualFold(label, "us-ascii"), strings.HasPrefix(strings.ToLower(label), "utf-16"):
		return false
	default:
		var err error
		if e, err = htmlindex.Get(label); err != nil {
			return false
		}
	}
	plain := newSource()
	plain.Reset(e.NewDecoder().Reader(d.src.Reader))
	d.src = plain
	return true
}
