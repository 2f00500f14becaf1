package xmlrpc

import (
	"bytes"
	"fmt"
	"io"
	"mime"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/netclients/netclients/internal/charset"
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

// transcode makes UTF-8 of a document whose encoding is known without its own word, and
// reports whether it was.
func (d *decoder) transcode(label string) bool {
	doc, known := charset.XML(d.src.Reader, label)
	if known && doc != io.Reader(d.src.Reader) {
		plain := newSource()
		plain.Reset(doc)
		d.src = plain
	}
	return known
}
