package nntp

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Piece describes one encoded file, or a part of one, in an article.
type Piece struct {
	Encoding string // "yenc" or "uuencode"
	Name     string // as the poster wrote it: not a safe file name
	Mode     string // permissions of a uuencoded file, octal digits
	Size     int64  // bytes of the whole file; -1: unknown
	Part     int    // from 1; 0 for a whole file
	Total    int    // parts of the file; 0: unknown
	Offset   int64  // where in the file the part begins
	Length   int64  // bytes of the part; -1: unknown
	FileCRC  uint32 // of the whole file, when HasFileCRC; known when the piece has been read
	// HasFileCRC is true if the piece has the checksum of the whole file.
	HasFileCRC bool
}

// Decoder decodes the yEnc and uuencoded pieces of an article's body, streaming. Next
// goes to a piece; Read returns its content, and io.EOF at its end if size and checksum
// match. A mismatch is an error of kind Protocol. Read never returns more than the
// announced size.
type Decoder struct {
	// Split allows a uuencoded piece to continue in another article: the end of the
	// body within it is then not an error, and Unfinished reports it.
	Split bool

	lines   *wire.LineReader
	piece   Piece
	active  bool
	out     []byte // decoded, not read yet
	buf     []byte
	decoded int64
	crc     uint32
	err     error // of this piece; sticky until Next
	tail    *Piece
	cut     bool
}

// NewDecoder returns a decoder of a body: lines without dot-stuffing.
func NewDecoder(r io.Reader) *Decoder {
	d := &Decoder{lines: wire.NewLineReader(r, 0)}
	d.lines.What = "encoded line"
	return d
}

// Continue allows the body to begin with the rest of a uuencoded piece that was
// unfinished in another article. p is that piece, with Offset after the bytes decoded
// so far. Call it before the first Next.
func (d *Decoder) Continue(p Piece) { d.tail = &p }

// Unfinished reports whether the body ended within a uuencoded piece.
func (d *Decoder) Unfinished() bool { return d.cut }

// Next skips the rest of this piece and goes to the next one. It returns io.EOF if
// there is none.
func (d *Decoder) Next() (*Piece, error) {
	if d.active && d.err == nil {
		if _, err := io.Copy(io.Discard, d); err != nil {
			return nil, err
		}
	}
	d.active, d.err, d.out, d.buf, d.decoded, d.crc = false, nil, nil, d.buf[:0], 0, 0
	for {
		line, err := d.lines.ReadLine()
		if err != nil {
			return nil, err
		}
		switch {
		case bytes.HasPrefix(line, []byte("=ybegin ")):
			err = d.beginYEnc(string(line))
		case bytes.HasPrefix(line, []byte("begin ")):
			if !d.beginUU(string(line)) {
				continue
			}
		case d.tail != nil && fullUULine(line):
			d.piece = *d.tail
			err = d.uuLine(line)
		default:
			continue
		}
		d.tail = nil
		if err != nil {
			return nil, err
		}
		d.active = true
		p := d.piece
		return &p, nil
	}
}

// Piece describes the current piece. Its checksums are known only at its end.
func (d *Decoder) Piece() Piece { return d.piece }

// Read returns decoded content.
func (d *Decoder) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if !d.active || d.err != nil {
			return 0, d.end()
		}
		d.more()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// WriteTo writes the rest of the piece.
func (d *Decoder) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for {
		if len(d.out) > 0 {
			n, err := w.Write(d.out)
			total += int64(n)
			if err != nil {
				return total, err
			}
			d.out = nil
		}
		if !d.active || d.err != nil {
			if err := d.end(); err != io.EOF {
				return total, err
			}
			return total, nil
		}
		d.more()
	}
}

func (d *Decoder) end() error {
	if d.err == nil {
		return io.EOF
	}
	return d.err
}

// decodeBlock is the number of bytes decoded at a time.
const decodeBlock = 64 << 10

// more decodes lines until a block is full or the piece ends.
func (d *Decoder) more() {
	if d.decoded > 0 {
		d.buf = d.buf[:0] // else Next may have begun
	}
	for d.err == nil && len(d.buf) < decodeBlock {
		line, err := d.lines.ReadLine()
		if err == io.EOF && d.Split && d.piece.Encoding == "uuencode" {
			d.cut, d.err = true, io.EOF
			break
		}
		if err != nil {
			d.err = damaged("truncated piece", err)
			break
		}
		if d.piece.Encoding == "yenc" {
			d.err = d.yencLine(line)
		} else {
			d.err = d.uuLine(line)
		}
	}
	if over := d.decoded + int64(len(d.buf)) - d.piece.Length; d.piece.Length >= 0 && over > 0 {
		d.buf = d.buf[:int64(len(d.buf))-over]
		d.err = damaged("more content than announced", nil)
	}
	d.decoded += int64(len(d.buf))
	d.crc = crc32.Update(d.crc, crc32.IEEETable, d.buf)
	d.out = d.buf
	if end, ok := d.err.(*pieceEnd); ok {
		d.err = d.verify(end)
	}
}

// pieceEnd is the trailer of a piece.
type pieceEnd struct {
	size   int64 // -1: unknown
	crc    uint32
	hasCRC bool
}

func (*pieceEnd) Error() string { return "end" }

// verify compares size and checksum with the trailer, and returns io.EOF if they match.
func (d *Decoder) verify(end *pieceEnd) error {
	switch {
	case end.size >= 0 && end.size != d.decoded, d.piece.Length >= 0 && d.piece.Length != d.decoded:
		return damaged(fmt.Sprintf("%d bytes instead of the announced %d", d.decoded, max(end.size, d.piece.Length)), nil)
	case end.hasCRC && end.crc != d.crc:
		return damaged(fmt.Sprintf("checksum is %08x, should be %08x", d.crc, end.crc), nil)
	}
	return io.EOF
}

func damaged(text string, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &protocols.Error{Proto: proto, Op: "decode", Kind: protocols.KindProtocol, Text: text, Err: err}
}

// keywords parses "name=value" words; the value of name= is the rest of the line.
func keywords(line string) map[string]string {
	words := map[string]string{}
	for line != "" {
		line = strings.TrimLeft(line, " ")
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			break
		}
		if key == "name" {
			words[key] = strings.TrimRight(rest, " ")
			break
		}
		words[key], line, _ = strings.Cut(rest, " ")
	}
	return words
}

// wordNumber returns the number of a keyword, or -1 if it is missing.
func wordNumber(words map[string]string, key string) (int64, error) {
	s, ok := words[key]
	if !ok {
		return -1, nil
	}
	n, ok := parseNumber(s)
	if !ok {
		return 0, damaged("bad "+key+"="+strconv.Quote(wire.Clip(s)), nil)
	}
	return n, nil
}
