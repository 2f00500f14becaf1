package transfer

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// link deals with a symbolic link of the source.
func (p *folderPlan) link(ctx context.Context, e protocols.Entry, name, rel string, h *destEntry) error {
	switch {
	case p.s.o.Links == LinksFollow:
		e.Name = name // safe by now
		p.links = append(p.links, e)
	case p.s.o.Links == LinksSkip:
		p.skipped(e, rel, "a symbolic link")
	case p.s.local == nil:
		p.skipped(e, rel, "a symbolic link: servers cannot create them")
	case !file.LinkStays(rel, e.Target) || strings.ContainsFunc(e.Target, control):
		p.skipped(e, rel, "a symbolic link that leads out of the tree")
	case h != nil && h.kind != protocols.TypeLink:
		p.failed(e, conflict(h))
	case h != nil && h.facts().target == e.Target:
		p.skipped(e, rel, "")
	default:
		return p.makeLink(ctx, e, name, rel)
	}
	return nil
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// makeLink makes the link under a temporary name and renames it, so that one that
// is replaced is never missing.
func (p *folderPlan) makeLink(ctx context.Context, e protocols.Entry, name, rel string) error {
	r := Result{Name: rel, Source: e.URL, Destination: p.s.toURL(rel), Status: StatusDone}
	if p.s.o.DryRun {
		p.s.emit(r)
		return nil
	}
	if err := p.s.ensure(ctx, p.in); err != nil {
		return err
	}
	temp := "." + rand.Text()[:16] + protocols.PartSuffix
	err := p.s.backup.keepLocal(p.in.dir, name, rel)
	if err == nil {
		err = p.in.dir.Symlink(e.Target, temp)
	}
	if err == nil {
		if err = p.in.dir.Rename(temp, name); err != nil {
			p.in.dir.Remove(temp)
		}
	}
	if err != nil {
		p.failed(e, err)
		return nil
	}
	p.s.emit(r)
	return nil
}

// follow copies what links point at: when the listing is over, because the client
// does one thing at a time.
func (p *folderPlan) follow(ctx context.Context) error {
	for _, e := range p.links {
		rel := joinName(p.in.rel, e.Name)
		var to protocols.Entry
		err := p.s.with(ctx, p.s.src, func(c protocols.Client) (err error) {
			to, err = target(ctx, c, e.Path)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return stopped(ctx)
		case err != nil:
			p.failed(e, err)
			continue
		}
		e.Type, e.Size, e.Modified, e.Accuracy, e.Mode, e.HasMode = to.Type, to.Size, to.Modified, to.Accuracy, to.Mode, to.HasMode
		if e.Type == protocols.TypeLink { // the server does not look through it: Get will show
			e.Type, e.Size, e.Modified, e.HasMode = protocols.TypeFile, -1, to.Modified, false
		}
		if err := p.sort(ctx, e, e.Name, rel, p.have[e.Name]); err != nil {
			return err
		}
	}
	return nil
}

// target describes what a link points at.
func target(ctx context.Context, c protocols.Client, path string) (protocols.Entry, error) {
	if local, ok := protocols.As[*file.Client](c); ok {
		return local.StatFollow(ctx, path)
	}
	return protocols.Stat(ctx, c, path)
}
