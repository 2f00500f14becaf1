package gopher

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Get opens an item. The caller closes the object's Body; until then the client
// is busy. Texts and menus end at their dot or with the connection, and stuffed
// dots are taken out; other items are all that comes. The size is known only of a
// Gopher+ view. A part can be read from the start only, and whether an item is
// still the same cannot be told.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return c.opts.Opened(ctx, operation(c, "get", name), func(ctx context.Context) (*protocols.Object, error) { return c.getOne(ctx, name, o) })
}

func (c *Client) getOne(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	ctx, release, err := c.enter(ctx, name)
	if err != nil {
		return nil, c.wrap(err, "get", name)
	}
	obj, err := c.get(ctx, name, o, release)
	if err != nil {
		release()
		return nil, c.wrap(err, "get", name)
	}
	return obj, nil
}

func (c *Client) get(ctx context.Context, name string, o *protocols.GetOptions, release func()) (*protocols.Object, error) {
	it, err := c.item(name)
	if err == nil {
		err = readable(o)
	}
	if err == nil {
		err = c.ours(&it)
	}
	if err == nil {
		err = c.choose(&it)
	}
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, &it)
	if err != nil {
		return nil, err
	}
	b := &body{a: a, name: name, left: -1, release: release}
	if o.Length > 0 {
		b.left = o.Length
	}
	if b.r, err = c.reader(ctx, a, &it); err != nil {
		a.close()
		return nil, err
	}
	e := c.entry(&it)
	if b.r == io.Reader(a) {
		e.Size = a.size
	}
	return &protocols.Object{Entry: e, Body: b}, nil
}

// choose puts the settings of Gopher+ into the request.
func (c *Client) choose(it *item) error {
	if it.plus == "" && (c.Settings.View != "" || len(c.Settings.Answers) > 0) {
		it.plus = "+" + c.Settings.View
	}
	if len(c.Settings.Answers) > 0 {
		it.plus += "\t1" // a block of data follows (Gopher+ 2.9)
		it.answers = c.Settings.Answers
	}
	if err := wire.Check(append(slices.Clip(it.answers), it.plus)...); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

// ours refuses items that no Gopher request opens, and says what does.
func (c *Client) ours(it *item) error {
	host, port := c.address(it)
	switch it.kind {
	case kindCSO:
		return &protocols.Error{
			Kind: protocols.KindUsage, Text: "a CSO name server speaks another protocol",
			Hint: "netclients tcp connect " + net.JoinHostPort(host, port) + ", then: query NAME, quit",
		}
	case kindTelnet, kindTN3270:
		return &protocols.Error{Kind: protocols.KindUsage, Text: "a login, not a document", Hint: "netclients telnet open " + terminalURL(it, host, port)}
	}
	return nil
}

// readable refuses what cannot be had.
func readable(o *protocols.GetOptions) error {
	switch {
	case o.Offset < 0 || o.Length < 0:
		return protocols.UsageError(proto, "get", "offset and length are 0 or more")
	case o.Same != nil:
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "gopher cannot tell whether it is still the same"}
	case o.Offset > 0:
		return protocols.Unsupported(proto, "get", "gopher reads from the start only")
	}
	return nil
}

// entry returns what a name reveals about an item.
func (c *Client) entry(it *item) protocols.Entry {
	k := kindOf(it.kind)
	e := protocols.Entry{
		Protocol: proto, URL: c.urlOf(it), Path: it.name(), Name: lastPart(it.selector), Type: k.typ, Size: -1,
		Facts: map[string]string{"kind": k.name, "type": string([]byte{it.kind})},
	}
	if it.server != nil {
		e.Path = e.URL
	}
	if e.Name == "" {
		e.Name, _ = c.address(it)
	}
	return e
}

// lastWait is how long a server may take to end the connection after the dot
// that ends a text.
const lastWait = time.Second

// reader puts on the answer what its type needs.
func (c *Client) reader(ctx context.Context, a *answer, it *item) (io.Reader, error) {
	decode, err := charsetOf(c.Settings.Charset)
	if err != nil {
		return nil, err
	}
	isText := a.text || kindOf(it.kind).text || c.Settings.View != "" && isTextView(c.Settings.View)
	if !isText || c.Settings.Binary {
		return a, nil
	}
	var r io.Reader = a
	if it.plus == "" || a.text { // other answers of Gopher+ have no dot
		t := newText(a)
		t.dot = func(lone bool) {
			until := time.Time{}
			if lone {
				until = time.Now().Add(lastWait)
			}
			a.conn.SetReadDeadline(until)
		}
		t.over = func() bool { return ctx.Err() == nil }
		r = t
	}
	if decode != nil {
		r = decode(r)
	}
	return r, nil
}

// body is the content of an Object.
type body struct {
	a      *answer
	r      io.Reader
	name   string
	left   int64 // of a part that was asked for; -1: to the end
	err    error // sticky
	closed bool
	got    int64 // bytes so far

	release func() // frees the client
}

// Read reads content.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		b.err = io.EOF
		return 0, io.EOF
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.got += int64(n)
	transport.Sample(b.a.conn, p[:n])
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, b.fail(err)
}

// WriteTo copies the rest to w. Bytes of a plain connection that need no
// treatment are spliced to a file.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	if b.left >= 0 || b.err != nil || b.r != io.Reader(b.a) || transport.Traced(b.a.conn) {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	n, err := b.a.WriteTo(w)
	b.got += n
	if b.fail(err) == nil {
		b.err = io.EOF
	}
	return n, err
}

func (b *body) fail(err error) error {
	if err != nil && err != io.EOF {
		err = b.a.c.wrap(cut(err), "get", b.name)
	}
	b.err = err
	return err
}

// errBodyClosed is the error of reading a closed body.
var errBodyClosed = protocols.UsageError(proto, "get", "read of a body that is closed")

// Close ends the request and makes the client free.
func (b *body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	b.err = errBodyClosed
	transport.Received(b.a.conn, b.got)
	b.a.close()
	b.release()
	return nil
}
