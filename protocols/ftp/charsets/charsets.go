// Package charsets finds the charsets of the WHATWG Encoding Standard for clients of
// package ftp, those of East Asia too:
//
//	c.Settings.Charset, c.Settings.Charsets = "gb18030", charsets.Get
//
// It stands alone because their tables are large.
package charsets

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/netclients/netclients/protocols/ftp"
)

// Get finds a charset by one of its names. It is for [ftp.Settings].
func Get(name string) (ftp.Charset, error) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return charset{e}, nil
}

type charset struct{ e encoding.Encoding }

// Decode returns a text in UTF-8.
func (c charset) Decode(text string) (string, error) { return c.e.NewDecoder().String(text) }

// Encode returns a text from UTF-8.
func (c charset) Encode(text string) (string, error) { return c.e.NewEncoder().String(text) }
