// Package dict is an adapter in a module of its own, as an example with replies, lists
// and texts: DICT (RFC 2229).
//
// URLs (RFC 2229 section 5):
//
//	dict://host/                        the databases of the server: ls
//	dict://host/d:word:database:n       definitions of a word, all of them or the nth: cat, get, cp
//	dict://host/m:word:database:method  words that match: ls
//	dict://host/i:database              what the server says about a database: cat
//
// A word alone is d:word, or for ls m:word. Without a database the first one with an answer is asked
// ("!"), and "*" asks all; without a method the server's default is taken ("."). A
// colon in a word is %3A. The adapter does not support AUTH, and sends no CLIENT.
package dict

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
)

// Spec describes the adapter to a catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name: "dict", Summary: "definitions of words",
		Schemes: []protocols.Scheme{{Name: "dict", Port: 2628, TLS: protocols.TLSNone}},
		RFCs:    []int{2229},
		New:     func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:    nameOf,
	}
}

// Client asks one server.
type Client struct{ *adapter.Base }

var (
	_ protocols.Getter = (*Client)(nil)
	_ protocols.Lister = (*Client)(nil)
)

// New makes a client. It does no I/O.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	b, err := adapter.New(Spec(), u, o)
	if err != nil {
		return nil, err
	}
	b.Greet = func(l *adapter.Lines) (string, error) {
		r, err := reply(l, 220)
		if err != nil {
			return "", err
		}
		return r.Text(), nil
	}
	return &Client{b}, nil
}

// ask begins an operation: it sends a command and returns the
// reply to it, which is a success. args are quoted where they have to be.
func (c *Client) ask(ctx context.Context, verb, name, command string, args ...string) (*adapter.Operation, *protocols.Reply, error) {
	op, err := c.Begin(ctx, verb, name, args...)
	if err != nil {
		return nil, nil, err
	}
	for i, arg := range args {
		args[i] = quote(arg)
	}
	if err := op.Send(command, args...); err != nil {
		return nil, nil, op.End(err)
	}
	r, err := reply(op.Lines)
	if err != nil {
		return nil, nil, op.End(err)
	}
	return op, r, nil
}

// List lists the databases of the server for the empty name, else the words that match
// an m: name.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		q, err := parse(name)
		switch {
		case err != nil:
		case q.kind == "":
			err = c.list(ctx, name, c.database, yield, "SHOW", "DB")
		case q.kind == "m" || !strings.Contains(name, ":"):
			err = c.list(ctx, name, c.match, yield, "MATCH", q.database, cmp.Or(q.method, "."), q.word)
		default:
			err = protocols.Unsupported("", "", "only the server and m:word can be listed")
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(protocols.Entry{}, c.Wrap(err, "ls", name))
		}
	}
}

// errStopped is what list returns when the caller has broken off.
var errStopped = errors.New("stopped")

// list reads a text with an entry on each line.
func (c *Client) list(ctx context.Context, name string, entry func(words []string) protocols.Entry, yield func(protocols.Entry, error) bool, command string, args ...string) error {
	op, r, err := c.ask(ctx, "ls", name, command, args...)
	if err != nil {
		return err
	}
	defer op.End(nil)
	left := announced(r, c.Limits.ReplyLines)
	err = eachLine(op.Text(), c.Limits.Line, func(line string) error {
		e := protocols.Entry{Protocol: "dict", Type: protocols.TypeOther, Size: protocols.SizeUnknown, Raw: line}
		if left--; left < 0 {
			return &protocols.Error{Kind: protocols.KindProtocol, Text: "more lines than the server announced: " + r.Text()}
		}
		if words := adapter.Words(line); len(words) == 2 {
			e = entry(words)
		}
		if !yield(e, nil) {
			return errStopped
		}
		return nil
	})
	if err == nil {
		_, err = reply(op.Lines, 250)
	}
	if err != nil && err != errStopped {
		err = op.Wrap(err)
	}
	return err
}

// announced returns how many lines follow a reply ("152 3 matches found"), or most
// where it does not say so.
func announced(r *protocols.Reply, most int) int {
	word, _, _ := strings.Cut(r.Text(), " ")
	if n, err := strconv.Atoi(word); err == nil && n >= 0 {
		return n
	}
	return most
}

func (c *Client) database(words []string) protocols.Entry {
	e := c.entry(words[0], "i", words[0])
	e.Facts = map[string]string{"description": words[1]}
	return e
}

func (c *Client) match(words []string) protocols.Entry {
	e := c.entry(words[1], "d", words[1], words[0])
	e.Facts = map[string]string{"database": words[0]}
	return e
}

func (c *Client) entry(label string, parts ...string) protocols.Entry {
	name := join(parts...)
	return protocols.Entry{Protocol: "dict", URL: c.urlOf(name), Name: label, Path: name, Type: protocols.TypeFile, Size: protocols.SizeUnknown}
}

// urlOf returns the URL of a name.
func (c *Client) urlOf(name string) string {
	u := *c.URL
	parts := strings.Split(name, ":")
	plain := make([]string, len(parts))
	for i, part := range parts {
		plain[i] = unescape(part)
		parts[i] = strings.ReplaceAll(url.PathEscape(plain[i]), ":", "%3A")
	}
	u.Path, u.RawPath = "/"+strings.Join(plain, ":"), "/"+strings.Join(parts, ":")
	return protocols.Redact(&u)
}

// reply reads a reply with one of the codes, or any success. Others are errors.
func reply(l *adapter.Lines, codes ...int) (*protocols.Reply, error) {
	r, err := l.Reply()
	if err != nil {
		return nil, err
	}
	if err := failure(r); err != nil {
		return nil, err
	}
	for _, code := range codes {
		if r.Code == code {
			return r, nil
		}
	}
	if len(codes) > 0 {
		return nil, unexpected(r)
	}
	return r, nil
}

func unexpected(r *protocols.Reply) error {
	return &protocols.Error{Kind: protocols.KindProtocol, Code: r.Code, Text: "unexpected reply: " + r.Text()}
}

// failure returns the error of a reply of RFC 2229 section 7, nil for a success.
func failure(r *protocols.Reply) error {
	e := &protocols.Error{Code: r.Code, Text: r.Text()}
	switch {
	case r.Code < 400:
		return nil
	case r.Code < 500: // 420 and 421: shut down, for now
		e.Kind, e.Retryable = protocols.KindTemporary, true
	case r.Code == 530 || r.Code == 531:
		e.Kind = protocols.KindAuth
	case r.Code == 550 || r.Code == 551 || r.Code == 552 || r.Code == 554: // no such database, method, match, databases
		e.Kind, e.Sentinel = protocols.KindRefused, fs.ErrNotExist
	default:
		e.Kind = protocols.KindRefused
	}
	return e
}
