package gopher

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// errStop says that the reader of a listing has had enough.
var errStop = errors.New("stopped")

// List lists a menu: items, each with the URL that opens it, also on other
// servers, and lines of information, which open nothing. A name with a search
// lists what was found. The menu ends at its dot, or with the connection.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "ls", name, nil, c.menu)
}

// Search asks the item name, of type 7, for words. A name of another type is
// taken for one.
func (c *Client) Search(ctx context.Context, name, query string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "search", name, &query, c.menu)
}

// lister reads a menu and returns its entries to yield; errStop when that has had enough.
type lister func(ctx context.Context, it *item, yield func(protocols.Entry) bool) error

// listing runs a lister as an iterator: the client is busy until the loop ends.
func (c *Client) listing(ctx context.Context, op, name string, query *string, list lister) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		args := []string{name}
		if query != nil {
			args = append(args, *query)
		}
		ctx, release, err := c.enter(ctx, args...)
		if err == nil {
			defer release()
			err = c.list(ctx, name, query, list, func(e protocols.Entry) bool { return yield(e, nil) })
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, c.wrap(err, op, name))
		}
	}
}

func (c *Client) list(ctx context.Context, name string, query *string, list lister, yield func(protocols.Entry) bool) error {
	it, err := c.item(name)
	if err != nil {
		return err
	}
	if query != nil {
		if strings.Contains(*query, "\t") {
			return protocols.UsageError(proto, "", "a tab in the words to search for")
		}
		it.search, it.searches, it.kind = *query, true, kindSearch
	}
	if !it.isMenu() {
		return &protocols.Error{Kind: protocols.KindRefused, Text: "not a menu but of the type " + KindName(it.kind)}
	}
	return list(ctx, &it, yield)
}

// menu asks for a menu and returns its entries.
func (c *Client) menu(ctx context.Context, it *item, yield func(protocols.Entry) bool) error {
	decode, err := decoderOf(c.Settings.Charset)
	if err != nil {
		return err
	}
	a, err := c.ask(ctx, it)
	if err != nil {
		return err
	}
	defer a.close()
	in := a.lines(&c.limits)
	p := c.newMenuParser(decode)
	for n := 0; ; n++ {
		line, err := in.ReadLine()
		if err == io.EOF || err == nil && string(line) == "." {
			return nil
		}
		if err != nil {
			return cut(err)
		}
		e, ok := p.parse(string(line))
		if !e.Parsed() {
			if n == 0 && noMenu(&e) {
				return protocols.ProtocolError(proto, "", "the answer is not a menu: "+wire.Clip(e.Raw))
			}
			if in.unended() {
				return cut(io.ErrUnexpectedEOF)
			}
		}
		if ok && !yield(e) {
			return errStop
		}
	}
}

// noMenu: a first line without a tab comes from a server of another protocol.
func noMenu(e *protocols.Entry) bool { return !e.Parsed() && !strings.Contains(e.Raw, "\t") }

// lineReader reads lines, the last one also without its end.
type lineReader struct {
	*wire.LineReader
	src *ender
}

func (a *answer) lines(l *protocols.Limits) lineReader {
	src := &ender{src: a}
	in := wire.NewLineReader(src, int(l.Line))
	in.What = "line of the menu"
	if a.c.opts.Trace != nil { // else it would cost a copy of each line
		in.OnLine = func(line []byte) { a.conn.Event(protocols.EventRecv, string(line), 0) }
	}
	return lineReader{in, src}
}

// unended reports whether the newest line had no end of its own.
func (r lineReader) unended() bool { return r.src.added && r.Buffered() == 0 }

// ender puts a line end after a stream that has none.
type ender struct {
	src   io.Reader
	last  byte
	added bool
}

func (e *ender) Read(p []byte) (int, error) {
	n, err := e.src.Read(p)
	if n > 0 {
		e.last = p[n-1]
	}
	if n > 0 && err == io.EOF {
		return n, nil // and again at the next call
	}
	if err == io.EOF && e.last != '\n' && e.last != 0 && len(p) > 0 {
		p[0], e.last, e.added = '\n', '\n', true
		return 1, nil
	}
	return n, err
}
