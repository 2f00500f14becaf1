package nntp

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/netclients/netclients/internal/inflate"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// compressor negotiates compression.
type compressor struct{ *session }

// negotiate turns on the compression of the settings. It runs after the login:
// servers refuse AUTHINFO on a compressed connection (RFC 8054 2.2.2).
func (z compressor) negotiate() error {
	offered := z.offers("COMPRESS", "DEFLATE")
	switch z.c.Settings.Compress {
	case CompressAuto:
		if !offered || z.toLoopback() {
			return nil
		}
		err := z.deflate()
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code != 0 {
			return nil
		}
		return err
	case CompressDeflate:
		return z.deflate()
	case CompressGzip:
		return z.xfeature()
	}
	return nil
}

func (z compressor) toLoopback() bool {
	a, ok := z.Conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// deflate compresses both directions with DEFLATE. Bytes that follow the reply
// uncompressed are a protocol error.
func (z compressor) deflate() error {
	r, err := z.Cmd("COMPRESS", "DEFLATE")
	if err != nil {
		return err
	}
	if err := want(r, 206); err != nil {
		return err
	}
	w, err := z.Core.Deflate(z.In.Buffered())
	if err != nil {
		return err
	}
	z.deflated = true
	z.Attach(inflate.NewReader(&prompt{Conn: z.Conn, bareLF: new(bool)}, z.Limits.Decompressed), w)
	return nil
}

// xfeature asks for compressed multi-line replies, an extension of large
// commercial servers.
func (z compressor) xfeature() error {
	r, err := z.Cmd("XFEATURE", "COMPRESS", "GZIP", "TERMINATOR")
	if err == nil && unknown(r.Code) {
		r, err = z.Cmd("XFEATURE", "COMPRESS", "GZIP")
	}
	if err != nil {
		return err
	}
	z.gzip = r.Code/100 == 2
	return want(r, 290, 200, 206)
}

// gzipMark is in the text of a reply whose lines are compressed.
const gzipMark = "[COMPRESS=GZIP]"

// data returns the lines after a reply.
func (s *session) data(r *protocols.Reply) lineSource {
	if s.gzip && strings.Contains(r.Text(), gzipMark) {
		return &gzipBlock{lr: s.In, limits: s.Limits}
	}
	return s.block()
}

// gzipBlock reads the lines of a reply that are one zlib or gzip stream. Some
// servers compress the final dot too; others send it after the stream.
type gzipBlock struct {
	lr     *wire.LineReader
	limits protocols.Limits
	inner  *wire.LineReader
	body   io.Reader
	done   bool
}

// byteSource reads single bytes, so that the decoder reads none past its end.
type byteSource struct {
	lr  *wire.LineReader
	one [1]byte
}

func (b *byteSource) Read(p []byte) (int, error) { return b.lr.Read(p) }

func (b *byteSource) ReadByte() (byte, error) {
	_, err := io.ReadFull(b.lr, b.one[:])
	return b.one[0], err
}

func (g *gzipBlock) open() error {
	src := &byteSource{lr: g.lr}
	first, err := src.ReadByte()
	if err != nil {
		return inside(err)
	}
	head := &prefixed{byteSource: src, head: []byte{first}}
	if first == 0x1f {
		z, err := gzip.NewReader(head)
		if err != nil {
			return inside(err)
		}
		z.Multistream(false)
		g.body = z
	} else if g.body, err = zlib.NewReader(head); err != nil {
		return inside(err)
	}
	most := &atMost{r: bufio.NewReaderSize(g.body, 64<<10), left: g.limits.Decompressed}
	g.inner = wire.NewLineReader(most, int(g.limits.Line))
	return nil
}

// prefixed reads head before the rest of its source.
type prefixed struct {
	*byteSource
	head []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.byteSource.Read(b)
}

func (p *prefixed) ReadByte() (byte, error) {
	if len(p.head) > 0 {
		b := p.head[0]
		p.head = p.head[1:]
		return b, nil
	}
	return p.byteSource.ReadByte()
}

// atMost returns a [wire.LimitError] after left bytes.
type atMost struct {
	r    io.Reader
	left int64
}

func (a *atMost) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if a.left -= int64(n); a.left < 0 {
		return 0, &wire.LimitError{What: "decompressed content", Limit: a.left + int64(n)}
	}
	return n, err
}

// ReadLine returns the next line, and io.EOF after the last one.
func (g *gzipBlock) ReadLine() ([]byte, error) {
	if g.done {
		return nil, io.EOF
	}
	if g.inner == nil {
		if err := g.open(); err != nil {
			return nil, err
		}
	}
	line, err := g.inner.ReadLine()
	switch {
	case err == io.EOF:
		return nil, g.outerEnd()
	case err != nil:
		return nil, inside(err)
	case len(line) == 1 && line[0] == '.':
		return nil, g.innerEnd()
	case len(line) > 1 && line[0] == '.' && line[1] == '.':
		line = line[1:]
	}
	return line, nil
}

// innerEnd reads up to the end of the compressed stream, which holds a checksum.
func (g *gzipBlock) innerEnd() error {
	if _, err := g.inner.ReadLine(); err != io.EOF {
		return protocols.ProtocolError(proto, "", "lines after the final dot of a compressed reply")
	}
	g.done = true
	return io.EOF
}

// outerEnd reads the final dot after the compressed stream.
func (g *gzipBlock) outerEnd() error {
	line, err := g.lr.ReadLine()
	if err != nil {
		return inside(err)
	}
	if string(line) != "." {
		return protocols.ProtocolError(proto, "", "no final dot after a compressed reply")
	}
	g.done = true
	return io.EOF
}

// Drain reads the rest, at most limit bytes of it.
func (g *gzipBlock) Drain(limit int64) error {
	for left := limit; ; {
		line, err := g.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if left -= int64(len(line)) + 2; left < 0 {
			return &wire.LimitError{What: "rest of the reply", Limit: limit}
		}
	}
}

// inside maps the errors of a decoder to those of a truncated or damaged reply.
func inside(err error) error {
	switch {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "damaged compressed reply", Err: err}
	}
	if damaged, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "damaged compressed reply", Err: damaged}
	}
	return err
}
