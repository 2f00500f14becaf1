package nntp

import (
	"bytes"
	"strings"
)

// beginUU reads "begin 644 file". It returns false for other text that begins with
// that word.
func (d *Decoder) beginUU(line string) bool {
	mode, name, ok := strings.Cut(strings.TrimPrefix(line, "begin "), " ")
	if !ok || len(mode) < 3 || len(mode) > 4 || strings.Trim(mode, "01234567") != "" || strings.TrimSpace(name) == "" {
		return false
	}
	d.piece = Piece{Encoding: "uuencode", Name: decodeHeader(strings.TrimSpace(name)), Mode: mode, Size: -1, Length: -1}
	return true
}

// uuLine decodes one line: its length, and groups of four characters. It skips empty
// lines, as between the parts of a file posted in several articles, and lines that
// are not uuencoded.
func (d *Decoder) uuLine(line []byte) error {
	if bytes.Equal(line, []byte("end")) {
		return &pieceEnd{size: -1}
	}
	line = bytes.TrimRight(line, "\r")
	if len(line) == 0 {
		return nil
	}
	size := int(uuValue(line[0]))
	if line[0] < ' ' || line[0] > '`' || size > 45 {
		return nil
	}
	body := line[1:]
	need := (size + 2) / 3 * 4
	if len(body) < need { // trailing spaces get lost in transit
		padded := make([]byte, need)
		copy(padded, body)
		for i := len(body); i < need; i++ {
			padded[i] = ' '
		}
		if len(body) == 0 && size > 0 {
			return damaged("truncated uuencoded line", nil)
		}
		body = padded
	}
	start := len(d.buf)
	for i := 0; i < need; i += 4 {
		a, b, c, e := uuValue(body[i]), uuValue(body[i+1]), uuValue(body[i+2]), uuValue(body[i+3])
		d.buf = append(d.buf, a<<2|b>>4, b<<4|c>>2, c<<6|e)
	}
	d.buf = d.buf[:start+size]
	return nil
}

// fullUULine reports whether a line is one of 45 bytes, as all but the last of a
// uuencoded file are. Text does not look like that.
func fullUULine(line []byte) bool {
	line = bytes.TrimRight(line, "\r")
	return len(line) >= 61 && len(line) <= 62 && line[0] == 'M' && !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '`' })
}

func uuValue(c byte) byte { return (c - ' ') & 0x3f }
