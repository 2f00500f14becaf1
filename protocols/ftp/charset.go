package ftp

import (
	"fmt"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/netclients/netclients/protocols"
)

// Charset converts names and replies.
type Charset interface {
	Decode(text string) (string, error) // to UTF-8
	Encode(text string) (string, error) // from UTF-8
}

// charset returns the charset of the settings, nil for UTF-8.
func (s *Settings) charset() (Charset, error) {
	if s.Charset == "" || strings.EqualFold(s.Charset, "utf-8") || strings.EqualFold(s.Charset, "utf8") {
		return nil, nil
	}
	find := s.Charsets
	if find == nil {
		find = single
	}
	c, err := find(s.Charset)
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("unknown charset %q", s.Charset))
	}
	return c, nil
}

// single finds the charsets of one byte a character: the tables of the others would be a
// tenth of a small program. ISO 8859-1 is Windows-1252, as in browsers.
func single(name string) (Charset, error) {
	short := strings.NewReplacer("-", "", "_", "", " ", "", "ibm code page ", "cp", "windows", "cp", "ibm", "cp")
	squeeze := func(name string) string { return short.Replace(strings.ToLower(name)) }
	wanted := squeeze(name)
	if wanted == "latin1" || wanted == "iso88591" || wanted == "usascii" {
		wanted = "cp1252"
	}
	for _, e := range charmap.All {
		if m, ok := e.(*charmap.Charmap); ok && squeeze(m.String()) == wanted {
			return table{m}, nil
		}
	}
	return nil, fmt.Errorf("charset %q is not one of the built-in ones: see Settings.Charsets", name)
}

// table is a charset of one byte a character.
type table struct{ m *charmap.Charmap }

func (t table) Decode(text string) (string, error) { return t.m.NewDecoder().String(text) }
func (t table) Encode(text string) (string, error) { return t.m.NewEncoder().String(text) }
