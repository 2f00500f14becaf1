package nntp

import (
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// decodeHeader decodes a header value: its encoded words (RFC 2047), and invalid UTF-8
// as Windows-1252, which old articles use.
func decodeHeader(s string) string {
	if !utf8.ValidString(s) {
		if text, err := charmap.Windows1252.NewDecoder().String(s); err == nil {
			s = text
		}
	}
	if !strings.Contains(s, "=?") {
		return s
	}
	d := mime.WordDecoder{CharsetReader: charsetReader}
	text, err := d.DecodeHeader(s)
	if err != nil {
		return s
	}
	return text
}

func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("charset %q", charset)
	}
	return enc.NewDecoder().Reader(r), nil
}
