// Package coding decodes the content codings of HTTP (RFC 9110 8.4.1): gzip, deflate,
// Brotli and Zstandard.
package coding

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the window that all decoders must take (RFC 8878 3.1.1.1.2).
const zstdWindow = 8 << 20

// Known reports whether a coding, in lower case, can be decoded.
func Known(name string) bool { return decoders[name] != nil }

// NewReader returns the decoded content of r. The caller closes it; r stays open.
func NewReader(name string, r io.Reader) (io.ReadCloser, error) {
	if !Known(name) {
		return nil, fmt.Errorf("content coding %s is not known", name)
	}
	return decoders[name](r)
}

// decoders are the content codings (RFC 9110 8.4.1, 7932, 8878).
var decoders = map[string]func(io.Reader) (io.ReadCloser, error){
	"gzip":    newGzip,
	"x-gzip":  newGzip,
	"deflate": newDeflate,
	"br":      func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(brotli.NewReader(r)), nil },
	"zstd":    newZstd,
}

// maxGzipHead bounds the optional fields of a gzip header, which have no bound in RFC
// 1952; the decoder's own is 512 bytes.
const maxGzipHead = 64 << 10

// gzipReader decodes the members of a gzip file, one after the other. Zeros after the last
// one are padding, as for gzip(1).
type gzipReader struct {
	*gzip.Reader
	in *bufio.Reader
}

func newGzip(r io.Reader) (io.ReadCloser, error) {
	g := &gzipReader{Reader: new(gzip.Reader), in: bufio.NewReader(r)}
	return g, g.member()
}

// member begins a member. The optional fields of its header are passed over here: name,
// comment and extra field say nothing about the content.
func (g *gzipReader) member() error {
	head := make([]byte, 10)
	if _, err := io.ReadFull(g.in, head); err != nil {
		return err
	}
	const headCRC, extra, name, comment = 2, 4, 8, 16
	flags := head[3]
	if head[0] == 0x1f && head[1] == 0x8b && flags&(headCRC|extra|name|comment) != 0 {
		head[3] = 0
		rest := &io.LimitedReader{R: g.in, N: maxGzipHead}
		if err := skipGzipFields(rest, flags&extra != 0, flags&name != 0, flags&comment != 0, flags&headCRC != 0); err != nil {
			return err
		}
	}
	if err := g.Reset(&afterHead{bytes.NewReader(head), g.in}); err != nil {
		return err
	}
	g.Multistream(false)
	return nil
}

// Read reads on, from member to member.
func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		if err != io.EOF {
			return n, err
		}
		if err = g.next(); err != nil || n > 0 {
			return n, err
		}
	}
}

// next begins the next member, or returns io.EOF where only padding is left.
func (g *gzipReader) next() error {
	for padding := false; ; padding = true {
		switch c, err := g.in.ReadByte(); {
		case err != nil:
			return err
		case c == 0:
		case padding:
			return errors.New("data after the padding of gzip")
		default:
			_ = g.in.UnreadByte()
			return g.member()
		}
	}
}

// afterHead is a header that was read already, and what follows it, byte by byte: what comes
// after the member stays where it is.
type afterHead struct {
	head *bytes.Reader
	in   *bufio.Reader
}

func (a *afterHead) Read(p []byte) (int, error) {
	if a.head.Len() > 0 {
		return a.head.Read(p)
	}
	return a.in.Read(p)
}

func (a *afterHead) ReadByte() (byte, error) {
	if a.head.Len() > 0 {
		return a.head.ReadByte()
	}
	return a.in.ReadByte()
}

// skipGzipFields reads the optional fields of a gzip header (RFC 1952 2.3.1), one byte
// at a time: what follows them is the content's.
func skipGzipFields(r *io.LimitedReader, extra, name, comment, headCRC bool) error {
	one := make([]byte, 1)
	next := func() (byte, error) {
		_, err := io.ReadFull(r, one)
		if err != nil && r.N == 0 {
			err = errors.New("the gzip header is longer than the limit")
		}
		return one[0], err
	}
	skip := func(n int) (err error) {
		for ; n > 0 && err == nil; n-- {
			_, err = next()
		}
		return err
	}
	if extra {
		low, err := next()
		if err != nil {
			return err
		}
		high, err := next()
		if err != nil {
			return err
		}
		if err := skip(int(high)<<8 | int(low)); err != nil {
			return err
		}
	}
	for _, text := range []bool{name, comment} {
		for text {
			c, err := next()
			if err != nil {
				return err
			}
			text = c != 0
		}
	}
	if headCRC {
		return skip(2)
	}
	return nil
}

// newDeflate: deflate is zlib by the standard, and bare by some servers.
func newDeflate(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReader(r)
	head, _ := in.Peek(2)
	if len(head) == 2 && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(in)
	}
	return flate.NewReader(in), nil
}

func newZstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
