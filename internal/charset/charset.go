// Package charset decodes the text of encoded words (RFC 2047) in any charset of
// the WHATWG Encoding Standard.
package charset

import (
	"io"

	"golang.org/x/text/encoding/htmlindex"
)

// Reader returns a reader that converts in from the named charset to UTF-8, or an
// error if the charset is unknown. It fits [mime.WordDecoder] and
// protocols.HeaderReader.
func Reader(name string, in io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}
