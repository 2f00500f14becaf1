package transfer

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// clash is an entry of the source in whose place the destination has something of another type.
type clash struct {
	p    *folderPlan
	e    protocols.Entry
	name string
	h    *destEntry
}

// clash notes one. Where things may be deleted what stands in the way is deleted
// with the rest, when all of the source is known, and the entry comes after that.
func (p *folderPlan) clash(e protocols.Entry, name string, h *destEntry) {
	rel, dir := joinName(p.in.rel, name), h.kind == protocols.TypeDir
	if !p.s.o.Delete || p.odd != "" || !p.s.deletes.deletable(rel, dir, h.modified) || len(p.s.clashes) >= maxSurplus {
		p.failed(e, conflict(h))
		return
	}
	p.in.hold()
	p.s.clashes = append(p.s.clashes, clash{p, e, name, h})
	p.s.deletes.doomed = append(p.s.deletes.doomed, surplus{name: joinName(p.in.name, name), rel: rel, dir: dir, own: name, size: h.size})
	p.s.deletes.gone[rel] = false
}

// replace copies what had no room, where there is room now.
func (s *treeSync) replace(ctx context.Context) error {
	var err error
	for _, c := range s.clashes {
		if err == nil {
			err = c.settle(ctx)
		}
		c.p.in.release()
	}
	return err
}

// readable blocks all deletion when a folder that is to take the place of a file cannot be
// listed: that file would be gone, and nothing in its place.
func (s *treeSync) readable(ctx context.Context) {
	for _, c := range s.clashes {
		if c.h.kind != protocols.TypeDir && s.with(ctx, s.src, func(from protocols.Client) (err error) {
			for _, err = range protocols.ListTree(ctx, from, s.from.Name, c.e.Path) {
			}
			return err
		}) != nil {
			s.deletes.block("the folder " + joinName(c.p.in.rel, c.name) + " could not be read")
		}
	}
}

func (c *clash) settle(ctx context.Context) error {
	p, rel := c.p, joinName(c.p.in.rel, c.name)
	if !p.s.deletes.gone[rel] {
		p.failed(c.e, conflict(c.h))
		return nil
	}
	p.later, p.subs = nil, nil
	if err := p.sort(ctx, c.e, c.name, rel, nil); err != nil {
		return err
	}
	if err := p.drain(ctx); err != nil {
		return err
	}
	for _, d := range p.subs {
		if err := p.s.walk(ctx, d.in, d.path, p.depth+1); err != nil {
			return err
		}
	}
	return nil
}
