package http

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/coding"
)

// codings is what Accept-Encoding asks for.
const codings = "gzip, deflate, br, zstd"

const (
	mostLayers   = 5        // codings on top of each other
	mostRatio    = 200      // decoded bytes for one that came, where deflate can make 1032...
	ratioMatters = 64 << 20 // ...once that many were decoded: an empty disk image of that size is fine
)

// decoded undoes the content codings of an answer, where they were asked for.
func (x *exchanger) decoded(resp *Response, r *Request) (*Response, error) {
	if !x.settings.Compressed || r.raw || noBody(resp.Method, resp.Status) {
		return resp, nil
	}
	layers, err := layersOf(resp.Header)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if len(layers) == 0 {
		return resp, nil
	}
	resp.Body = &unpacked{raw: resp.Body, layers: layers, most: x.limits.Decompressed, trusted: max(ratioMatters, x.settings.Decoded)}
	resp.Length = -1
	resp.Header = resp.Header.Clone()
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	return resp, nil
}

// layersOf returns the codings of a body, the outermost first.
func layersOf(h Header) ([]string, error) {
	var layers []string
	for name := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "identity" || name == "none" { // none is no coding, but some servers say so
			continue
		}
		if !coding.Known(name) {
			return nil, protocolError("content coding " + name + " was not asked for")
		}
		layers = append([]string{name}, layers...)
	}
	if len(layers) > mostLayers {
		return nil, protocolError("more than " + plural(mostLayers, "content coding") + " on top of each other")
	}
	return layers, nil
}

// unpacked is a decoded body. Its limits hold for the sum of what comes out. The
// decoders are made by the first Read: they read at once.
type unpacked struct {
	raw     io.ReadCloser
	layers  []string
	most    int64
	trusted int64 // so many may come out, however few come in

	in      tally
	stack   []io.ReadCloser
	out     int64
	err     error
	started bool
}

// tally counts what comes from the wire.
type tally struct {
	r io.Reader
	n int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	return n, err
}

func (u *unpacked) Read(p []byte) (int, error) {
	if !u.started {
		u.started = true
		u.err = u.open()
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.stack[len(u.stack)-1].Read(p)
	u.out += int64(n)
	switch {
	case u.out > u.most:
		err = protocolError("the content decodes to more bytes than the limit")
	case u.out > u.trusted && u.out/mostRatio > u.in.n:
		err = &protocols.Error{
			Kind: protocols.KindProtocol, Text: fmt.Sprintf("suspicious content: %d bytes decode to more than %d", u.in.n, u.trusted),
			Hint: "--max-size SIZE takes up to that much",
		}
	case err == io.EOF:
		err = u.rest()
	case err != nil:
		err = badCoding(err)
	}
	u.err = err
	if err != nil && err != io.EOF {
		return 0, err
	}
	return n, err
}

// open builds the decoders, one on top of the other. An empty body is empty in
// every coding.
func (u *unpacked) open() error {
	first := bufio.NewReaderSize(u.raw, 32<<10)
	if _, err := first.Peek(1); err == io.EOF {
		return io.EOF
	}
	u.in.r = first
	var from io.Reader = &u.in
	for _, name := range u.layers {
		d, err := coding.NewReader(name, from)
		if err != nil {
			return badCoding(err)
		}
		u.stack = append(u.stack, d)
		from = d
	}
	return nil
}

// rest reads what lies after the coded content: its end must be the body's.
func (u *unpacked) rest() error {
	n, err := io.Copy(io.Discard, io.LimitReader(&u.in, drainWithin))
	switch {
	case err != nil:
		return err
	case n > 0:
		return protocolError("data after the end of the encoded content")
	}
	return io.EOF
}

// badCoding keeps errors of the connection, and calls all else what it is.
func badCoding(err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the coded content ended early"}
	}
	if protocols.KindOf(err) != protocols.KindInternal {
		return err
	}
	return protocolError("the content cannot be decoded: " + err.Error())
}

// Close frees the decoders and the body.
func (u *unpacked) Close() error {
	for _, d := range u.stack {
		d.Close()
	}
	u.started, u.err = true, protocols.ErrClosed
	return u.raw.Close()
}
