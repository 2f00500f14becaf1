// Package finger is an adapter in a module of its own, as an example: finger (RFC
// 1288). Its URLs are finger://host/user, and finger://host/ for who is logged in;
// cat, get and cp read the answer. Lists of users across hosts (user@host@host) are
// passed on as they are. It does not support the /W switch.
package finger

import (
	"context"
	"io"
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
)

// Spec describes the adapter to a catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name: "finger", Summary: "who is who on a host",
		Schemes: []protocols.Scheme{{Name: "finger", Port: 79, TLS: protocols.TLSNone}},
		RFCs:    []int{1288},
		New:     func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:    func(u *url.URL) (string, error) { return strings.TrimPrefix(u.Path, "/"), nil },
	}
}

// Client asks one server.
type Client struct{ *adapter.Base }

var _ protocols.Getter = (*Client)(nil)

// New makes a client. It does no I/O.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	b, err := adapter.New(Spec(), u, o)
	if err != nil {
		return nil, err
	}
	return &Client{b}, nil
}

// Get asks about a user, or for the empty name about all. The answer ends with the
// connection; the caller closes the object's Body.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	switch {
	case o == nil:
	case o.Offset != 0 || o.Length != 0:
		return nil, c.Wrap(protocols.Unsupported("", "", "an answer is read from its start to its end"), "get", name)
	case o.Same != nil:
		return nil, c.Wrap(&protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "an answer does not say whether it is still the same"}, "get", name)
	}
	op, err := c.Begin(ctx, "get", name)
	if err != nil {
		return nil, err
	}
	if err := op.Send(name); err != nil {
		return nil, op.End(err)
	}
	e := protocols.Entry{Protocol: "finger", URL: c.URLOf(name), Name: name, Path: name, Type: protocols.TypeFile, Size: protocols.SizeUnknown}
	return &protocols.Object{Entry: e, Body: &body{op}}, nil
}

type body struct{ op *adapter.Operation }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.op.Rest().Read(p)
	if err != nil && err != io.EOF {
		err = b.op.Wrap(err)
	}
	return n, err
}

func (b *body) Close() error { return b.op.End(nil) }
