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

// compress agrees on compression as the settings say, last of all: under it a
// server takes no login any more (RFC 8054 2.2.2).
func (s *session) compress() error {
	offered := s.offers("COMPRESS", "DEFLATE")
	switch s.c.Settings.Compress {
	case CompressAuto:
		if !offered || s.toLoopback() {
			return nil
		}
		err := s.deflate()
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code != 0 {
			return nil
		}
		return err
	case CompressDeflate:
		return s.deflate()
	case CompressGzip:
		return s.xfeature()
	}
	return nil
}

func (s *session) toLoopback() bool {
	a, ok := s.Conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// deflate puts DEFLATE on both directions. What stood behind the reply would have
// come in clear.
func (s *session) deflate() error {
	r, err := s.Cmd("COMPRESS", "DEFLATE")
	if err != nil {
		return err
	}
	if err := want(r, 206); err != nil {
		return err
	}
	if s.In.Buffered() > 0 {
		return s.Fail(protocols.ProtocolError(proto, "", "bytes that are not compressed behind the reply to COMPRESS"))
	}
	w, err := flate.NewWriter(s.Conn, flate.DefaultCompression)
	if err != nil {
		return s.Fail(err)
	}
	s.Attach(inflate.NewReader(prompt{s.Conn}, s.Limits.Decompressed), flusher{w})
	return nil
}

// flusher sends all that is written at once.
type flusher struct{ w *flate.Writer }

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.w.Flush()
	}
	return n, err
}

// xfeature asks for answers of many lines in one compressed piece each, as large
// commercial servers give them.
func (s *session) xfeature() error {
	r, err := s.Cmd("XFEATURE", "COMPRESS", "GZIP", "TERMINATOR")
	if err == nil && unknown(r.Code) {
		r, err = s.Cmd("XFEATURE", "COMPRESS", "GZIP")
	}
	if err != nil {
		return err
	}
	s.gzip = r.Code/100 == 2
	return want(r, 290, 200, 206)
}

// gzipMark stands in the text of a reply whose lines are compressed.
const gzipMark = "[COMPRESS=GZIP]"

// data returns the lines behind a reply.
func (s *session) data(r *protocols.Reply) lineSource {
	if s.gzip && strings.Contains(r.Text(), gzipMark) {
		return &gzipBlock{lr: s.In, limits: s.Limits}
	}
	return s.block()
}

// gzipBlock is the lines of an answer in one piece of zlib or gzip. Some servers
// put the final dot into the piece, others behind it.
type gzipBlock struct {
	lr     *wire.LineReader
	limits protocols.Limits
	inner  *wire.LineReader
	body   io.Reader
	done   bool
}

// byteSource reads single bytes, so that the decoder takes no byte behind its end.
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

// prefixed returns bytes back that were looked at.
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

// atMost ends a decoder that returns more than it may.
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

// ReadLine returns the next line, io.EOF behind the last.
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

// innerEnd reads on to the end of the compressed piece, which holds a checksum.
func (g *gzipBlock) innerEnd() error {
	if _, err := g.inner.ReadLine(); err != io.EOF {
		return protocols.ProtocolError(proto, "", "lines behind the final dot of a compressed answer")
	}
	g.done = true
	return io.EOF
}

// outerEnd reads the final dot behind the piece.
func (g *gzipBlock) outerEnd() error {
	line, err := g.lr.ReadLine()
	if err != nil {
		return inside(err)
	}
	if string(line) != "." {
		return protocols.ProtocolError(proto, "", "no final dot behind a compressed answer")
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
			return &wire.LimitError{What: "rest of the answer", Limit: limit}
		}
	}
}

// inside makes errors of a decoder those of an answer that is cut or damaged.
func inside(err error) error {
	switch {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "compressed answer is damaged", Err: err}
	}
	if damaged, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "compressed answer is damaged", Err: damaged}
	}
	return err
}
