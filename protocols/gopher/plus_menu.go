package gopher

import (
	"context"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// treeMenu is menu with the times of the items where the server speaks Gopher+: a
// sync needs them. One request finds out whether it does; from then on the
// attributes of all items are asked for at once.
func (c *Client) treeMenu(ctx context.Context, it *item, yield func(protocols.Entry) bool) error {
	given := false
	if c.plus && it.server == nil {
		err := c.plusMenu(ctx, it, func(e protocols.Entry) bool { given = true; return yield(e) })
		if given || protocols.KindOf(err) != protocols.KindRefused {
			return err
		}
	}
	found := false
	err := c.menu(ctx, it, func(e protocols.Entry) bool {
		if !given && !c.plus && it.server == nil && e.Facts["gopher+"] != "" {
			found = true
			return false
		}
		given = given || e.URL != "" // lines of information have no mark
		return yield(e)
	})
	if !found {
		return err
	}
	c.plus = true
	return c.treeMenu(ctx, it, yield)
}

// plusMenu returns the entries of a menu with the times that their attributes tell
// (Gopher+ 2.5, "$").
func (c *Client) plusMenu(ctx context.Context, it *item, yield func(protocols.Entry) bool) error {
	decode, err := decoderOf(c.Settings.Charset)
	if err != nil {
		return err
	}
	ask := *it
	ask.plus = "$"
	a, err := c.ask(ctx, &ask)
	if err != nil {
		return err
	}
	defer a.close()
	return c.newMenuParser(decode).items(&attributeLines{in: a.lines(&c.limits), l: &c.limits}, yield)
}

// items returns an entry for each item whose attributes come: its block INFO holds
// the line of the menu, and begins the next one.
func (p *menuParser) items(r *attributeLines, yield func(protocols.Entry) bool) error {
	var info string
	var block []Attribute
	give := func() bool {
		e, ok := p.parse(info)
		e.Modified = modified(block)
		block = nil
		return !ok || yield(e)
	}
	for {
		line, err := r.next()
		if err != nil && err != io.EOF {
			return cut(err)
		}
		next, isItem := strings.CutPrefix(line, "+INFO:")
		if (isItem || err == io.EOF) && !give() {
			return errStop
		}
		switch {
		case err == io.EOF:
			return nil
		case isItem:
			info, r.n, r.total = strings.TrimLeft(next, " "), 0, 0
		case info == "":
			return protocols.ProtocolError(proto, "", "attributes that belong to no item: "+wire.Clip(line))
		default:
			err = addAttribute(&block, line)
		}
		if err != nil {
			return err
		}
	}
}
