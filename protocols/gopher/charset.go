package gopher

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/netclients/netclients/protocols"
)

// autoCharset is the value of [Settings].Charset that asks for a guess.
const autoCharset = "auto"

// charsets are those whose names are not in the index of web browsers, or mean
// something else there.
var charsets = map[string]encoding.Encoding{
	"utf-8": unicode.UTF8, "utf8": unicode.UTF8,
	"cp437": charmap.CodePage437, "ibm437": charmap.CodePage437,
	"latin1": charmap.ISO8859_1, "latin-1": charmap.ISO8859_1, "iso-8859-1": charmap.ISO8859_1,
}

func findCharset(name string) (encoding.Encoding, error) {
	if e := charsets[strings.ToLower(name)]; e != nil {
		return e, nil
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("unknown charset %q", name))
	}
	return e, nil
}

// decoderOf returns what makes UTF-8 of the text of a menu line. An empty name is a
// guess too: entries are UTF-8, and their URLs keep the bytes.
func decoderOf(name string) (func(string) string, error) {
	var fixed encoding.Encoding
	if name != "" && name != autoCharset {
		var err error
		if fixed, err = findCharset(name); err != nil {
			return nil, err
		}
	}
	return func(s string) string {
		e := fixed
		if e == nil {
			if utf8.ValidString(s) {
				return s
			}
			e = detect([]byte(s), true)
		}
		out, err := e.NewDecoder().String(s)
		if err != nil {
			return s
		}
		return out
	}, nil
}

// sampleSize is how much of a text is looked at for a guess.
const sampleSize = 8 << 10

// charsetOf returns what makes UTF-8 of a stream; nil: bytes stay.
func charsetOf(name string) (func(io.Reader) io.Reader, error) {
	if name == "" {
		return nil, nil
	}
	if name != autoCharset {
		e, err := findCharset(name)
		if err != nil {
			return nil, err
		}
		return func(r io.Reader) io.Reader { return e.NewDecoder().Reader(r) }, nil
	}
	return func(r io.Reader) io.Reader { return &guessed{in: bufio.NewReaderSize(r, sampleSize)} }, nil
}

// guessed decodes a stream whose charset its first bytes tell.
type guessed struct {
	in  *bufio.Reader
	out io.Reader
}

// Read reads decoded text.
func (g *guessed) Read(p []byte) (int, error) {
	if g.out == nil {
		sample, err := g.in.Peek(sampleSize)
		if len(sample) == 0 && err != nil {
			return 0, err
		}
		g.out = detect(sample, len(sample) < sampleSize).NewDecoder().Reader(g.in)
	}
	return g.out.Read(p)
}

// detect tells UTF-8, CP437 and Latin-1 apart: the first by its form, the others
// by what their bytes would mean. whole says that nothing is cut off at the end.
func detect(b []byte, whole bool) encoding.Encoding {
	if !whole { // the last character may be cut
		for i := 0; i < utf8.UTFMax && len(b) > 0 && b[len(b)-1] >= utf8.RuneSelf; i++ {
			b = b[:len(b)-1]
		}
	}
	if utf8.Valid(b) {
		return unicode.UTF8
	}
	if dosPoints(b) > 0 {
		return charmap.CodePage437
	}
	return charmap.Windows1252 // Latin-1, and the quotation marks that stand in its gap
}

// dosPoints weighs high bytes: 0x80 to 0x9F are letters in CP437 and nothing that
// a Latin-1 text holds, apart from the marks of Windows; runs of 0xB0 to 0xDF are
// frames in CP437, and words of capitals in Latin-1 at best.
func dosPoints(b []byte) int {
	points := 0
	for i, ch := range b {
		frame := func(at int) bool { return at >= 0 && at < len(b) && b[at] >= 0xB0 && b[at] <= 0xDF }
		switch {
		case ch == 0x85 || ch >= 0x91 && ch <= 0x97: // an ellipsis, quotation marks, dashes
		case ch >= 0x80 && ch <= 0x9F:
			points += 2
		case frame(i) && (frame(i-1) || frame(i+1)):
			points++
		case ch >= 0xA0:
			points--
		}
	}
	return points
}
