package socket

import (
	"context"
	"io"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Get reads what the peer sends until it closes the stream, as servers of
// daytime, finger or netstat do. The name is empty, or that of the URL: its path,
// of a UNIX socket. There is no resuming. The caller closes the object's Body;
// until then the client is busy.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return c.opts.Opened(ctx, c.op("get"), func(ctx context.Context) (*protocols.Object, error) { return c.getOne(ctx, name, o) })
}

func (c *Client) getOne(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, c.wrap(err, "get")
	}
	object, err := c.get(ctx, name, o, release)
	if err != nil {
		release()
	}
	return object, c.wrap(err, "get")
}

func (c *Client) get(ctx context.Context, name string, o *protocols.GetOptions, release func()) (*protocols.Object, error) {
	own := ""
	if c.proto == "unix" {
		own, _ = unixPath(c.url)
	}
	switch err := wire.Check(name); {
	case err != nil:
		return nil, protocols.UsageError(c.proto, "get", err.Error())
	case name != "" && name != own, o.Offset != 0 || o.Length < 0:
		return nil, protocols.Unsupported(c.proto, "get", "a stream has one content, read from its start")
	case o.Same != nil:
		return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "a stream cannot tell whether it is still the same"}
	}
	conn, err := c.begin(ctx, release)
	if err != nil {
		return nil, err
	}
	label := c.url.Host
	if own != "" {
		label = own
	}
	e := protocols.Entry{Protocol: c.proto, URL: protocols.Redact(c.url), Name: label, Path: own, Type: protocols.TypeFile, Size: -1}
	b := &body{c: c, conn: conn, left: -1}
	if o.Length > 0 {
		b.left = o.Length
	}
	return &protocols.Object{Entry: e, Body: b}, nil
}

// body is the content of a stream. The kernel can copy it.
type body struct {
	c    *Client
	conn *Conn
	left int64 // of a part; -1: all
}

func (b *body) Read(p []byte) (n int, err error) {
	if b.left >= 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err = b.conn.Read(p)
	b.took(int64(n))
	if err != io.EOF {
		err = b.c.wrap(err, "get")
	}
	return n, err
}

// WriteTo copies what is left.
func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	if b.left < 0 {
		n, err = b.conn.WriteTo(w)
	} else {
		n, err = b.conn.WriteToN(w, b.left)
	}
	b.took(n)
	return n, b.c.wrap(err, "get")
}

func (b *body) took(n int64) {
	if b.left > 0 {
		b.left -= n
	}
}

func (b *body) Close() error { return b.conn.Close() }
