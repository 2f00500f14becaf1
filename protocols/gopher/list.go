package gopher

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

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
		ctx, done := c.opts.Begin(ctx, operation(c, op, name))
		ctx, release, err := c.enter(ctx, args...)
		if err == nil {
			defer release()
			err = c.list(ctx, name, query, list, func(e protocols.Entry) bool { return yield(e, nil) })
		}
		if errors.Is(err, errStop) {
			err = nil
		}
		err = c.wrap(err, op, name)
		done(err)
		if err != nil {
			yield(protocols.Entry{}, err)
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
	if len(a.head) == 0 && a.eof { // an empty menu has a dot at least; as a file it is an empty one
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without an answer"}
	}
	in := a.lines(&c.limits)
	m := menuReader{menuParser: c.newMenuParser(decode), yield: yield, deadline: a.conn.SetReadDeadline}
	for {
		line, err := in.ReadLine()
		if err == io.EOF || err == nil && string(line) == "." {
			return m.end()
		}
		if err != nil && len(m.head) > 0 && protocols.KindOf(err) == protocols.KindTimeout {
			return m.end() // a server of another protocol, which waits for us
		}
		if err != nil {
			return cut(err)
		}
		if err := m.line(string(line), in.unended()); err != nil {
			return err
		}
	}
}

// menuReader returns the lines of a menu. Text without tabs before the first item is taken
// for information, when items follow.
type menuReader struct {
	*menuParser
	yield func(protocols.Entry) bool
	items bool              // a line of a menu has come
	head  []protocols.Entry // the text before it

	deadline func(time.Time) error // of reading
}

const (
	// mostHead bounds the lines of text before the first item.
	mostHead = 100
	// headWithin bounds the wait for the first item after such a line.
	headWithin = 3 * time.Second
)

// line takes a line; unended says that the connection ended inside of it.
func (m *menuReader) line(line string, unended bool) error {
	if m.items || strings.Contains(line, "\t") || strings.HasPrefix(line, "i") {
		return m.item(line, unended)
	}
	switch {
	case line == "":
		return nil
	case len(m.head) == mostHead:
		return m.end()
	}
	e := protocols.Entry{Protocol: proto, Name: line, Type: protocols.TypeInfo, Size: -1, Facts: m.factsOf(kindInfo, "")}
	if m.decode != nil {
		e.Name = m.decode(line)
	}
	m.head = append(m.head, e)
	return m.deadline(time.Now().Add(headWithin))
}

func (m *menuReader) item(line string, unended bool) error {
	e, ok := m.parse(line)
	if !e.Parsed() && unended {
		return cut(io.ErrUnexpectedEOF)
	}
	if m.items = true; len(m.head) > 0 {
		_ = m.deadline(time.Time{})
	}
	for _, text := range m.head {
		if !m.yield(text) {
			return errStop
		}
	}
	if m.head = nil; ok && !m.yield(e) {
		return errStop
	}
	return nil
}

// end reports whether the answer was a menu, which may be empty.
func (m *menuReader) end() error {
	if len(m.head) > 0 {
		return protocols.ProtocolError(proto, "", "the answer is not a menu: "+wire.Clip(m.head[0].Name))
	}
	return nil
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
