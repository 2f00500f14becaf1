package nntp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
)

// uuWidth is the number of bytes in a full line of nearly every uuencoded file.
const uuWidth = 45

// uuState is what is known of a uuencoded file from its lines so far.
type uuState struct {
	base64 bool // begin-base64
	width  int  // bytes of a full line (base64: characters); 0: no data line was read
	blanks bool // zero bits are written as blanks, which get lost at line ends
	graves bool // zero bits are written as "`"
	inside bool // the line before was data
}

// beginUU reads "begin 644 file" and "begin-base64 644 file", with any number of blanks
// and the three to seven octal digits that writers use. It returns false for other text
// that begins with that word.
func (d *Decoder) beginUU(line string) bool {
	word, rest := cutBlank(line)
	mode, name := cutBlank(rest)
	if len(mode) < 3 || len(mode) > 7 || strings.Trim(mode, "01234567") != "" || name == "" {
		return false
	}
	d.piece = Piece{Encoding: "uuencode", Name: decodeHeader(name), Mode: mode, Size: -1, Length: -1}
	d.piece.uu.base64 = word == "begin-base64"
	return true
}

// isBeginUU reports whether a line may be one for beginUU.
func isBeginUU(line []byte) bool {
	return bytes.HasPrefix(line, []byte("begin ")) || bytes.HasPrefix(line, []byte("begin-base64 "))
}

// uuFit is what a line is within a uuencoded file.
type uuFit int

const (
	uuText    uuFit = iota // not data: a signature, a line around a part
	uuData                 // data
	uuPerhaps              // data if the end follows, otherwise text
	uuStop                 // no bytes: the end of the data
	uuEnd                  // the end of the file
	uuDamaged              // data of the wrong length
)

// fit judges a line. A data line has exactly the length that its first character
// states, in the characters of the encoding. One or two characters more are a checksum.
// Missing characters are blanks lost in transit, if the writer uses blanks.
func (u *uuState) fit(line []byte) uuFit {
	switch word := bytes.TrimRight(line, " \t\r"); {
	case u.base64:
		return u.fitBase64(word)
	case string(word) == "end":
		return uuEnd
	case len(line) == 0:
		return uuText
	case len(word) == 0, string(word) == "`":
		return uuStop
	}
	if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '`' }) {
		return uuText
	}
	size := int(uuValue(line[0]))
	need, have := (size+2)/3*4, len(line)-1
	likely := size == u.width || u.width == 0 && size == uuWidth
	switch {
	case size == 0:
		return uuText
	case u.graves && bytes.IndexByte(line[1:min(need, have)+1], ' ') >= 0:
		return uuText
	case have == need, have == need+1, have == need+2:
		return uuData
	case have > need || have < need-2 && !u.blanks:
		if likely {
			return uuDamaged
		}
		return uuText
	case u.graves:
		return uuDamaged
	case likely:
		return uuData
	}
	return uuPerhaps
}

// fitBase64 judges a line of begin-base64: all but the last one have the same length.
func (u *uuState) fitBase64(word []byte) uuFit {
	_, err := base64.StdEncoding.AppendDecode(nil, word)
	switch {
	case string(word) == "====":
		return uuEnd
	case len(word) == 0 || err != nil:
		return uuText
	case u.width == 0 || len(word) == u.width:
		return uuData
	case len(word) < u.width:
		return uuPerhaps
	}
	return uuText
}

// uuLine decodes one line of a piece. It skips text, such as a signature after a part
// or the lines around it.
func (d *Decoder) uuLine(line []byte) error {
	line = bytes.TrimRight(line, "\r")
	u := &d.piece.uu
	fit := u.fit(line)
	if err := d.uuHeld(fit); err != nil {
		return err
	}
	inside := u.inside
	u.inside = fit == uuData
	if fit == uuText && inside && u.spoilt(line) {
		d.held, d.spoilt = bytes.Clone(line), true
		return nil
	}
	switch fit {
	case uuData:
		d.uuDecode(line)
	case uuPerhaps:
		d.held, d.spoilt = bytes.Clone(line), u.base64 && inside
	case uuDamaged:
		return damaged(fmt.Sprintf("a uuencoded line has %d characters instead of %d", len(line), 1+(int(uuValue(line[0]))+2)/3*4), nil)
	case uuEnd:
		return &pieceEnd{size: -1}
	}
	return nil
}

// uuHeld judges the line that was held back, by what the line after it is. A spoilt one
// with more of the file right after it is damage: its bytes are missing.
func (d *Decoder) uuHeld(fit uuFit) error {
	held, spoilt := d.held, d.spoilt
	if held == nil || fit == uuText && !spoilt {
		return nil
	}
	d.held, d.spoilt = nil, false
	last := fit == uuStop || fit == uuEnd
	switch {
	case last && (!spoilt || d.piece.uu.fit(held) == uuPerhaps):
		d.uuDecode(held)
	case spoilt && (last || fit == uuData || fit == uuPerhaps && d.piece.uu.base64):
		return damaged("a line of the file is cut or has characters that the encoding does not have: "+strconv.Quote(wire.Clip(string(held))), nil)
	}
	return nil
}

// spoilt reports whether a line right after data that is not data looks like some: it
// is as long as it states, or in base64 has the length or the characters of the others.
func (u *uuState) spoilt(line []byte) bool {
	word := bytes.TrimRight(line, " \t")
	if len(word) == 0 {
		return false
	}
	if u.base64 {
		return len(word) == u.width && bytes.IndexByte(word, ' ') < 0 || !bytes.ContainsFunc(word, notBase64)
	}
	return line[0] > ' ' && line[0] <= '`' && len(line) == 1+(int(uuValue(line[0]))+2)/3*4
}

func notBase64(r rune) bool {
	return !strings.ContainsRune("+/=", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// uuDecode decodes a data line: its length, and groups of four characters.
func (d *Decoder) uuDecode(line []byte) {
	u := &d.piece.uu
	if u.base64 {
		word := bytes.TrimRight(line, " \t")
		u.width = max(u.width, len(word))
		d.buf, _ = base64.StdEncoding.AppendDecode(d.buf, word)
		return
	}
	size := int(uuValue(line[0]))
	u.width = max(u.width, size)
	need, body := (size+2)/3*4, line[1:]
	if len(body) < need {
		body = append(bytes.Clone(body), bytes.Repeat([]byte(" "), need-len(body))...)
	}
	u.note(body[:need])
	start := len(d.buf)
	for i := 0; i < need; i += 4 {
		a, b, c, e := uuValue(body[i]), uuValue(body[i+1]), uuValue(body[i+2]), uuValue(body[i+3])
		d.buf = append(d.buf, a<<2|b>>4, b<<4|c>>2, c<<6|e)
	}
	d.buf = d.buf[:start+size]
}

// note learns how the writer of the file writes zero bits.
func (u *uuState) note(body []byte) {
	if u.blanks || u.graves {
		return
	}
	u.graves = bytes.IndexByte(body, '`') >= 0
	u.blanks = !u.graves && bytes.IndexByte(body, ' ') >= 0
}

func uuValue(c byte) byte { return (c - ' ') & 0x3f }

// resumed reports whether a line begins the rest of an unfinished piece: a full line, or
// a short one with the end of the data after it. held is the line before, if that may
// be such a short one.
func (u *uuState) resumed(line []byte, held *[]byte) bool {
	line = bytes.TrimRight(line, "\r")
	fit := u.fit(line)
	full := fit == uuData && u.full(line)
	if full || fit == uuEnd || fit == uuStop && len(line) > 0 && line[0] == '`' {
		if full {
			*held = nil
		}
		return true
	}
	if fit != uuText {
		*held = nil
	}
	if fit == uuData || fit == uuPerhaps {
		*held = bytes.Clone(line)
	}
	return false
}

// full reports whether a data line is as long as those of the file, or as those of
// nearly all files where that is unknown. Text does not look like that.
func (u *uuState) full(line []byte) bool {
	if u.base64 {
		return u.width > 0 && len(bytes.TrimRight(line, " \t")) == u.width
	}
	size := int(uuValue(line[0]))
	return size == u.width || u.width == 0 && size == uuWidth
}
