package mailstore

import (
	"io"

	"golang.org/x/text/encoding/htmlindex"
)

// charset decodes the encoded words of headers.
func charset(name string, in io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}
