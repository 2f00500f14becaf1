package nntp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// beginYEnc reads "=ybegin part=1 total=2 line=128 size=123 name=file", and the
// "=ypart begin=1 end=100" that follows in multi-part files.
func (d *Decoder) beginYEnc(line string) error {
	words := keywords(strings.TrimPrefix(line, "=ybegin "))
	d.piece = Piece{Encoding: "yenc", Name: decodeHeader(words["name"]), Size: -1, Length: -1}
	var n [3]int64
	for i, key := range []string{"size", "part", "total"} {
		var err error
		if n[i], err = wordNumber(words, key); err != nil {
			return err
		}
	}
	d.piece.Size, d.piece.Length = n[0], n[0]
	d.piece.Part, d.piece.Total = int(min(max(0, n[1]), mostSegments)), int(min(max(0, n[2]), mostSegments))
	if n[1] < 0 {
		return nil
	}
	rest, err := d.partLine()
	if err != nil {
		return err
	}
	return d.placePart(keywords(rest))
}

// partLine reads the =ypart line. Empty lines before it are skipped.
func (d *Decoder) partLine() (string, error) {
	for range 5 {
		line, err := d.lines.ReadLine()
		if err != nil {
			return "", damaged("no =ypart", err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if rest, ok := strings.CutPrefix(string(line), "=ypart "); ok {
			return rest, nil
		}
		break
	}
	return "", damaged("no =ypart after =ybegin of a part", nil)
}

// placePart sets the range of a part. Some encoders write the size of the part in the
// place of that of the file, which is then unknown.
func (d *Decoder) placePart(words map[string]string) error {
	begin, err := wordNumber(words, "begin")
	if err != nil {
		return err
	}
	end, err := wordNumber(words, "end")
	if err != nil {
		return err
	}
	p := &d.piece
	length := end - begin + 1
	if begin < 1 || length < 0 {
		return damaged(fmt.Sprintf("=ypart with begin=%d and end=%d", begin, end), nil)
	}
	if p.Size == length && (begin > 1 || p.Total > 1) {
		p.Size = -1
	}
	if p.Size >= 0 && end > p.Size {
		return damaged(fmt.Sprintf("the part is outside its file: bytes %d to %d of %d", begin, end, p.Size), nil)
	}
	p.Offset, p.Length = begin-1, length
	return nil
}

// orphanYEnc is the error for a line of yEnc without a header before it.
func (d *Decoder) orphanYEnc(line string) error {
	word, _, _ := strings.Cut(line, " ")
	return damaged(word+" without =ybegin", nil)
}

var yencMark = []byte("=y")

// yencLine decodes one line, or ends the piece.
func (d *Decoder) yencLine(line []byte) error {
	if bytes.HasPrefix(line, yencMark) {
		if rest, ok := bytes.CutPrefix(line, []byte("=yend ")); ok {
			return d.endYEnc(string(rest))
		}
		if bytes.HasPrefix(line, []byte("=ybegin ")) || bytes.HasPrefix(line, []byte("=ypart ")) {
			return damaged("a piece begins inside another", nil)
		}
	}
	d.buf = appendYEnc(d.buf, line)
	return nil
}

// endYEnc reads "=yend size=100 part=1 pcrc32=0123abcd crc32=0123abcd".
func (d *Decoder) endYEnc(line string) error {
	words := keywords(line)
	end := &pieceEnd{}
	var err error
	if end.size, err = wordNumber(words, "size"); err != nil {
		return err
	}
	whole, hasWhole := parseCRC(words["crc32"])
	d.piece.FileCRC, d.piece.HasFileCRC = whole, hasWhole
	if d.piece.Part > 0 {
		end.crc, end.hasCRC = parseCRC(words["pcrc32"])
		if d.piece.Total == 1 && !end.hasCRC {
			end.crc, end.hasCRC = whole, hasWhole
		}
		return end
	}
	end.crc, end.hasCRC = whole, hasWhole
	return end
}

func parseCRC(s string) (uint32, bool) {
	if len(s) > 8 { // some encoders prepend a sign extension
		s = s[len(s)-8:]
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return uint32(n), err == nil
}

const (
	yencShift  = 42
	yencEscape = 64
)

// appendYEnc decodes a line: it subtracts 42 from each byte, and 64 more after an "=".
// It shifts the whole line first; then the bytes after each escape move down over it.
func appendYEnc(dst, line []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(line))[:start+len(line)]
	out := dst[start:]
	shift(out, line)
	i := bytes.IndexByte(line, '=')
	if i < 0 {
		return dst
	}
	w := i // out[:w] is done
	for i+1 < len(line) {
		out[w] = out[i+1] - yencEscape
		w++
		i += 2
		next := bytes.IndexByte(line[i:], '=')
		if next < 0 {
			w += copy(out[w:], out[i:])
			break
		}
		w += copy(out[w:], out[i:i+next])
		i += next
	}
	return dst[:start+w] // broken encoders end a line with "="
}

// shift subtracts 42 from the bytes of in and writes them to out, which is as long. It
// works on eight bytes at a time: a set high bit keeps each byte from borrowing from
// its neighbour, and is corrected afterwards.
func shift(out, in []byte) {
	const high, less = 0x8080808080808080, 0x2a2a2a2a2a2a2a2a
	for len(in) >= 16 && len(out) >= 16 {
		x, y := binary.LittleEndian.Uint64(in), binary.LittleEndian.Uint64(in[8:])
		binary.LittleEndian.PutUint64(out, (x|high)-less^(^x&high))
		binary.LittleEndian.PutUint64(out[8:], (y|high)-less^(^y&high))
		in, out = in[16:], out[16:]
	}
	for i, c := range in {
		out[i] = c - yencShift
	}
}
