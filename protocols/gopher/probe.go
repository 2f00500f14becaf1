package gopher

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Probe asks for the top menu, and for "caps.txt", in which some servers say what
// they can do. The banner is the menu's first line with a text; there is no login.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, c.probe)
	r.URL = c.base // the server's, whatever the item
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	top := item{kind: kindMenu}
	conn, err := c.connect(ctx, &top)
	if err != nil {
		return err
	}
	conn.Measure(r)
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	if err := c.greet(&answer{c: c, conn: conn, done: conn.Use(ctx), size: -1, left: -1}, &top, r); err != nil {
		return err
	}
	r.Phase = "caps"
	return c.caps(ctx, r)
}

// greet reads the top menu as far as it is informative.
func (c *Client) greet(a *answer, it *item, r *protocols.Report) error {
	defer a.close()
	start := time.Now()
	if err := a.begin(it); err != nil {
		return err
	}
	r.Greeting = time.Since(start)
	plus := false
	decode, err := decoderOf(c.Settings.Charset)
	if err != nil {
		return err
	}
	in, p := a.lines(&c.limits), c.newMenuParser(decode)
	for n := 0; n < c.limits.ReplyLines; n++ {
		line, err := in.ReadLine()
		if err == io.EOF || err == nil && string(line) == "." {
			break
		}
		if err != nil {
			return cut(err)
		}
		e, ok := p.parse(string(line))
		if ok && n == 0 && noMenu(&e) {
			return protocols.ProtocolError(proto, "", "the answer is not a menu: "+wire.Clip(e.Raw))
		}
		if r.Banner == "" {
			r.Banner = strings.TrimSpace(e.Name)
		}
		plus = plus || e.Facts["gopher+"] != ""
	}
	r.Capabilities = []protocols.Capability{{Name: "menu"}}
	if plus {
		r.Capabilities = append(r.Capabilities, protocols.Capability{Name: "gopher+"})
	}
	return nil
}

// mostCaps bounds the lines of caps.txt that are read.
const mostCaps = 200

// caps reads caps.txt: a line "CAPS", and then "Name=value" lines. A server that
// has none, or something else under that name, has said nothing.
func (c *Client) caps(ctx context.Context, r *protocols.Report) error {
	a, err := c.ask(ctx, &item{kind: kindText, selector: "caps.txt"})
	if err != nil {
		return unlessRefused(err)
	}
	defer a.close()
	in := a.lines(&c.limits)
	for n := range mostCaps {
		line, err := in.ReadLine()
		if err != nil {
			return unlessEnd(err)
		}
		text := strings.TrimSpace(string(line))
		if n == 0 && text != "CAPS" || text == "." {
			return nil
		}
		if key, value, ok := strings.Cut(text, "="); ok && !strings.HasPrefix(text, "#") {
			r.Capabilities = append(r.Capabilities, protocols.Capability{Name: strings.TrimSpace(key), Params: strings.Fields(value)})
		}
	}
	return nil
}

// unlessRefused passes only errors that are not an answer of the server.
func unlessRefused(err error) error {
	switch protocols.KindOf(err) {
	case protocols.KindRefused, protocols.KindTemporary:
		return nil
	}
	return err
}

func unlessEnd(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
