package dict

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
)

// Get opens the definitions of a word, one after the other, each with its source above
// it; or what the server says about a database. The caller closes the object's Body.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	switch {
	case o == nil:
	case o.Offset < 0 || o.Length < 0:
		return nil, c.Wrap(protocols.UsageError("", "", "offset and length are not below 0"), "get", name)
	case o.Offset != 0 || o.Length != 0:
		return nil, c.Wrap(protocols.Unsupported("", "", "definitions are read from their start to their end"), "get", name)
	case o.Same != nil:
		return nil, c.Wrap(&protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "the server does not say whether definitions are still the same"}, "get", name)
	}
	q, err := parse(name)
	switch {
	case err != nil:
	case q.kind == "i":
		return c.open(ctx, name, q, 112, "SHOW", "INFO", q.word)
	case q.kind == "d":
		return c.open(ctx, name, q, 150, "DEFINE", q.database, q.word)
	default:
		err = protocols.Unsupported("", "", "only d:word and i:database can be read")
	}
	return nil, c.Wrap(err, "get", name)
}

// open asks for something that begins with a reply of the code.
func (c *Client) open(ctx context.Context, name string, q query, code int, command string, args ...string) (*protocols.Object, error) {
	op, r, err := c.ask(ctx, "get", name, command, args...)
	if err != nil {
		return nil, err
	}
	if r.Code != code {
		return nil, op.End(unexpected(r))
	}
	b := &body{op: op, nth: q.nth}
	if code == 112 {
		b.text = op.Text()
	}
	if err := b.fill(); err != nil && err != io.EOF {
		return nil, op.End(err)
	}
	e := c.entry(q.word, strings.Split(name, ":")...)
	e.Path, e.URL = name, c.urlOf(name)
	return &protocols.Object{Entry: e, Body: b}, nil
}

// body is the text of an answer. It ends without an error only when the server has
// said that it is complete.
type body struct {
	op    *adapter.Operation
	nth   int       // definition that is wanted; 0: all
	count int       // definitions so far
	text  io.Reader // of the definition that is being read; nil between two
	ended error     // io.EOF at the end
}

func (b *body) Read(p []byte) (int, error) {
	for {
		if err := b.fill(); err != nil {
			return 0, err
		}
		n, err := b.text.Read(p)
		if err == io.EOF {
			b.text, err = nil, nil
		}
		if err != nil {
			b.ended = b.op.Wrap(err)
			return n, b.ended
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
}

// fill goes to the next definition when one is over.
func (b *body) fill() error {
	for b.text == nil && b.ended == nil {
		if err := b.next(); err != nil {
			b.ended = b.op.Wrap(err)
			if err == io.EOF {
				b.ended = io.EOF
			}
		}
	}
	return b.ended
}

func (b *body) next() error {
	r, err := reply(b.op.Lines, 151, 250)
	switch {
	case err != nil:
		return err
	case r.Code == 250 && b.count < b.nth:
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: fmt.Sprintf("the word has %d definitions", b.count)}
	case r.Code == 250:
		return io.EOF
	}
	words := adapter.Words(r.Text())
	if len(words) < 3 {
		return unexpected(r)
	}
	if b.count++; b.nth != 0 && b.nth != b.count {
		_, err := io.Copy(io.Discard, b.op.Text())
		return err
	}
	head := fmt.Sprintf("From %s [%s]:\r\n\r\n", words[2], words[1])
	if b.count > 1 && b.nth == 0 {
		head = "\r\n" + head
	}
	b.text = io.MultiReader(strings.NewReader(head), b.op.Text())
	return nil
}

// Close ends the operation. It may be called more than once.
func (b *body) Close() error {
	if b.ended == nil {
		b.ended = fs.ErrClosed
	}
	return b.op.End(nil)
}

// eachLine calls f with each line of a text, of at most limit bytes.
func eachLine(text io.Reader, limit int64, f func(line string) error) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, int(limit))
	for lines.Scan() {
		if err := f(lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "a line is longer than the limit"}
	} else if err != nil {
		return err
	}
	return nil
}
