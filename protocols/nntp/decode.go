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
	// Continued is true for the rest of a uuencoded file that began in another article.
	Continued bool

	uu uuState
}

// Decoder decodes the yEnc and uuencoded pieces of an article's body, streaming. Next
// goes to a piece; Read returns its content, and io.EOF at its end if size and checksum
// match. A mismatch is an error of kind Protocol. Read never returns more than the
// announced size.
type Decoder struct {
	// Split allows a uuencoded piece to continue in another article: the end of the
	// body within it is then not an error, and Unfinished reports it. A body that
	// begins with the rest of a piece that is not known is a piece without a name.
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
	held    []byte // a uuencoded line that is data only if the end of the data follows
	spoilt  bool   // held is data that was damaged, if more of the file follows
	cut     bool
	sum     uint32 // by the trailer, when hasSum
	hasSum  bool
	failed  bool // the last piece ended with an error: its trailer may follow
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
// there is none. After the error of a damaged header, of which Piece has the name, the
// next call goes on after it.
func (d *Decoder) Next() (*Piece, error) {
	if d.active && d.err == nil {
		if _, err := io.Copy(io.Discard, d); err != nil {
			return nil, err
		}
	}
	d.failed = d.failed || d.active && d.err != nil && d.err != io.EOF
	d.active, d.err, d.out, d.buf, d.decoded, d.crc = false, nil, nil, d.buf[:0], 0, 0
	d.sum, d.hasSum, d.cut, d.held, d.spoilt = 0, false, false, nil, false
	d.piece = Piece{}
	var held []byte
	for {
		line, err := d.lines.ReadLine()
		if err != nil {
			return nil, err
		}
		begun, err := d.begins(line, &held)
		if err != nil {
			d.failed, d.tail = true, nil
			return nil, err
		}
		if begun {
			d.active, d.failed, d.tail = true, false, nil
			p := d.piece
			return &p, nil
		}
	}
}

// begins reports whether a line begins a piece. held keeps a line that turns out to be
// part of one only by the line after it.
func (d *Decoder) begins(line []byte, held *[]byte) (bool, error) {
	switch {
	case bytes.HasPrefix(line, []byte("=ybegin ")):
		return true, d.beginYEnc(string(line))
	case bytes.HasPrefix(line, []byte("=yend ")), bytes.HasPrefix(line, []byte("=ypart ")):
		if d.failed {
			return false, nil
		}
		return false, d.orphanYEnc(string(line))
	case isBeginUU(line):
		return d.beginUU(string(line)), nil
	case d.tail == nil && !d.Split:
		return false, nil
	}
	rest := Piece{Encoding: "uuencode", Size: -1, Length: -1}
	if d.tail != nil {
		rest = *d.tail
	}
	if !rest.uu.resumed(line, held) || d.tail == nil && !rest.uu.full(bytes.TrimRight(line, "\r")) {
		return false, nil
	}
	d.piece, d.piece.Continued = rest, true
	if *held != nil {
		d.uuDecode(*held)
	}
	if d.err = d.uuLine(line); d.err != nil {
		d.finish()
	}
	return true, nil
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
			d.err = d.ended(err)
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
	d.finish()
}

// ended is the error for a body that ends within a piece.
func (d *Decoder) ended(err error) error {
	if err != io.EOF {
		return damaged("truncated piece", err)
	}
	trailer := "=yend"
	if d.piece.Encoding != "yenc" {
		trailer = "the line that ends the file"
	}
	return damaged(fmt.Sprintf("the article ends after %d bytes of the piece, without %s", d.decoded+int64(len(d.buf)), trailer), nil)
}

// finish makes what was decoded available, and judges the piece at its end.
func (d *Decoder) finish() {
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

// verify compares size and checksum with header and trailer, and returns io.EOF if they
// match.
func (d *Decoder) verify(end *pieceEnd) error {
	d.sum, d.hasSum = end.crc, end.hasCRC
	for _, want := range []struct {
		place string
		size  int64
	}{{"header", d.piece.Length}, {"=yend", end.size}} {
		if want.size >= 0 && want.size != d.decoded {
			return damaged(fmt.Sprintf("%d bytes instead of the %d that its %s states", d.decoded, want.size, want.place), nil)
		}
	}
	if end.hasCRC && end.crc != d.crc {
		return damaged(fmt.Sprintf("checksum is %08x, should be %08x", d.crc, end.crc), nil)
	}
	if d.piece.Part > 0 && d.piece.HasFileCRC && !end.hasCRC && d.piece.FileCRC == d.crc && d.piece.Length != d.piece.Size {
		d.piece.HasFileCRC = false // some encoders write the checksum of the part there
	}
	return io.EOF
}

// Sum returns the CRC-32 of the bytes that were decoded.
func (d *Decoder) Sum() uint32 { return d.crc }

// Stated returns the checksum of the piece that its trailer states, if any.
func (d *Decoder) Stated() (crc uint32, has bool) { return d.sum, d.hasSum }

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
