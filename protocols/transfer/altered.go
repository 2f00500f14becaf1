package transfer

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/naming"
)

// Servers exist that store a file under another name than it was sent with: blanks
// and tabs become "_", case is lost, accents are composed. Their listing then lacks
// the name of the source and has one that the source lacks. What was just stored must
// not be deleted for that, and is not sent again where the server finds it by the name
// of the source.

// freshName is an entry of the source that the destination's listing lacks.
type freshName struct {
	name string
	dir  bool
	size int64
}

// freshFolder is a folder with such entries, to be listed again when they are stored.
type freshFolder struct {
	in    *folder
	names []freshName
	twins bool // some differ only in what servers change
}

// alteredNames counts names that a server has under other ones.
type alteredNames struct {
	n       int
	example string
}

func (a *alteredNames) add(rel string) {
	a.n++
	a.example = rel
}

// lookalikes returns the entries of the destination that may be name under another one.
func (p *folderPlan) lookalikes(name string) []*destEntry {
	if p.alike == nil {
		p.alike = map[string][]*destEntry{}
		for n, h := range p.have {
			key := naming.Skeleton(n)
			p.alike[key] = append(p.alike[key], h)
		}
	}
	return p.alike[naming.Skeleton(name)]
}

// elsewhere asks the server for a name that its listing lacks, where the listing has
// one that looks like it. What it finds is not deleted. Nil: there is nothing. size is
// that of a file in the source, or -1.
func (p *folderPlan) elsewhere(ctx context.Context, name string, size int64) *destEntry {
	if p.s.local != nil || len(p.have) == 0 {
		return nil
	}
	like := p.lookalikes(name)
	if len(like) == 0 {
		return nil
	}
	var h *destEntry
	err := p.s.with(ctx, p.s.dst, func(c protocols.Client) error {
		e, err := protocols.Stat(ctx, c, joinName(p.in.name, name))
		h = destEntryOf(e)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		h = p.trimmed(name, size)
	} else if err != nil {
		return nil
	}
	if h == nil {
		return nil
	}
	for _, l := range like {
		l.seen = l.seen || l.kind == h.kind && (l.size == h.size || h.kind == protocols.TypeDir)
	}
	p.s.altered.add(joinName(p.in.rel, name))
	return h
}

// trimmed returns the entry that a server made of a name that ends in blanks, where it
// finds nothing under the name itself: without them, or with "_" in their place. A file
// of another size, or one that the source has too, is another one.
func (p *folderPlan) trimmed(name string, size int64) *destEntry {
	short := strings.TrimRight(name, " ")
	if short == name || size < 0 || p.s.o.Checksum {
		return nil
	}
	for _, own := range []string{short, short + strings.Repeat("_", len(name)-len(short))} {
		if h := p.have[own]; h != nil && !h.seen && h.kind == protocols.TypeFile && h.size == size {
			return h
		}
	}
	return nil
}

// fresh notes an entry that the destination's listing lacks.
func (p *folderPlan) fresh(name string, dir bool, size int64) {
	if p.s.local != nil || p.s.o.DryRun {
		return
	}
	p.news = append(p.news, freshName{name, dir, size})
	p.twins.Add(name)
}

// toAudit keeps the entries that are new, where it matters under which name they are
// stored: where something is to be deleted, the name is one that servers change, or two
// names may be one to the server.
func (p *folderPlan) toAudit(doomed bool) {
	if !doomed && !p.twins.Found {
		p.news = slices.DeleteFunc(p.news, func(n freshName) bool { return naming.Plain(n.name) })
	}
	if len(p.news) > 0 {
		p.s.audits = append(p.s.audits, freshFolder{p.in, p.news, p.twins.Found})
	}
}

// audit lists the folders again in which names were stored, before anything is
// deleted, and spares what may be one of them under another name.
func (s *treeSync) audit(ctx context.Context) error {
	for _, f := range s.audits {
		lost, err := s.notListed(ctx, f)
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		if err != nil {
			s.deletes.block("the folder " + f.in.rel + " could not be listed after the uploads")
			s.o.note("cannot list %s after the uploads: %v", f.in.rel, err)
			continue
		}
		if err := s.collided(ctx, f); err != nil {
			return err
		}
		for _, n := range lost {
			rel := joinName(f.in.rel, n.name)
			if !s.failedNames[rel] {
				s.altered.add(rel)
			}
			s.deletes.spare(f.in, n)
		}
	}
	if a := s.altered; a.n > 0 {
		s.o.warn("%d names are not in the server's listing as they were sent, among them %q: the server changes or hides such names", a.n, a.example)
	}
	return nil
}

// collided reports files of which the server has made one, because their names are the
// same to it: only the one that was stored last is there.
func (s *treeSync) collided(ctx context.Context, f freshFolder) error {
	if !f.twins {
		return nil
	}
	count := map[string]int{}
	for _, n := range f.names {
		count[naming.Skeleton(n.name)]++
	}
	for _, n := range f.names {
		rel := joinName(f.in.rel, n.name)
		if n.dir || n.size < 0 || count[naming.Skeleton(n.name)] < 2 || s.failedNames[rel] {
			continue
		}
		var e protocols.Entry
		err := s.with(ctx, s.dst, func(c protocols.Client) (err error) {
			e, err = protocols.Stat(ctx, c, joinName(f.in.name, n.name))
			return err
		})
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		if err == nil && e.Type == protocols.TypeFile && e.Size >= 0 && e.Size != n.size {
			err := &protocols.Error{Kind: protocols.KindRefused, Text: "another file was stored over this one: their names are the same to the server"}
			s.emit(Result{Name: rel, Destination: s.toURL(rel), Status: StatusFailed, Err: protocols.Wrap(err, s.protocol, "sync", s.toURL(rel))})
		}
	}
	return nil
}

// notListed returns the names that are still not in the listing of their folder.
func (s *treeSync) notListed(ctx context.Context, f freshFolder) (lost []freshName, err error) {
	if !f.in.exists {
		return nil, nil
	}
	there := map[string]bool{}
	for _, n := range f.names {
		there[n.name] = false
	}
	err = s.with(ctx, s.dst, func(c protocols.Client) error {
		for e, err := range protocols.List(ctx, c, f.in.name) {
			if err != nil {
				return err
			}
			if _, wanted := there[e.Name]; wanted {
				there[e.Name] = true
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, nil
	case errors.Is(err, fs.ErrNotExist): // the folder has another name itself
		err = nil
	}
	for _, n := range f.names {
		if !there[n.name] {
			lost = append(lost, n)
		}
	}
	return lost, err
}

// spare takes what may be n under another name from what is to be deleted.
func (d *deletion) spare(in *folder, n freshName) {
	d.doomed = slices.DeleteFunc(d.doomed, func(it surplus) bool {
		may := it.in == in && it.dir == n.dir && (n.dir || n.size < 0 || it.size < 0 || it.size == n.size || naming.Skeleton(it.own) == naming.Skeleton(n.name))
		if may {
			d.s.emit(Result{Name: it.rel, Destination: d.s.toURL(it.rel), Status: StatusSkipped,
				Note: "not deleted: the server may have stored " + n.name + " under this name"})
		}
		return may
	})
}
