// Package charset decodes the text of encoded words (RFC 2047) and XML documents in any
// charset of the WHATWG Encoding Standard.
package charset

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// Reader returns a reader that converts in from the named charset to UTF-8, or an
// error if the charset is unknown. It fits [mime.WordDecoder] and
// mailhead.Reader.
//
// A language after the name (RFC 2231 5) does not count. UTF-7 (RFC 2152), which
// browsers do not know, is decoded too.
func Reader(name string, in io.Reader) (io.Reader, error) {
	name, _, _ = strings.Cut(name, "*")
	if strings.EqualFold(name, "utf-7") || strings.EqualFold(name, "unicode-1-1-utf-7") {
		text, err := io.ReadAll(in)
		return strings.NewReader(utf7(string(text))), err
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}

// XML returns an XML document as UTF-8 when its encoding is known from its first bytes (XML
// 1.0 appendix F) or from label, the charset of its Content-Type, which may be empty. known
// is false when only the document itself can say. US-ASCII says nothing: it was the
// default of text/xml once.
func XML(in *bufio.Reader, label string) (doc io.Reader, known bool) {
	first, _ := in.Peek(3)
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3)
		return in, true
	case bytes.HasPrefix(first, []byte("\xfe\xff")), bytes.HasPrefix(first, []byte("\x00<")):
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case bytes.HasPrefix(first, []byte("\xff\xfe")), bytes.HasPrefix(first, []byte("<\x00")):
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case strings.EqualFold(label, "utf-8"):
		return in, true
	case label == "", strings.EqualFold(label, "us-ascii"), strings.HasPrefix(strings.ToLower(label), "utf-16"):
		return in, false
	default:
		var err error
		if e, err = htmlindex.Get(label); err != nil {
			return in, false
		}
	}
	return e.NewDecoder().Reader(in), true
}
