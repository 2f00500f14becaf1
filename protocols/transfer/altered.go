package transfer

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"github.com/netclients/netclients/protocols"
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

// skeleton is what is left of a name, whatever a server does to it: lower case letters
// and digits of ASCII, but none that carries an accent.
func skeleton(name string) string {
	var b strings.Builder
	last := -1
	for _, r := range strings.ToLower(name) {
		switch {
		case unicode.Is(unicode.Mn, r) && last >= 0:
			rest := b.String()[:last]
			b.Reset()
			b.WriteString(rest)
			last = -1
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			last = b.Len()
			b.WriteRune(r)
		default:
			last = -1
		}
	}
	return b.String()
}

// plainName reports whether a server has no reason to change a name.
func plainName(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.ContainsFunc(name, func(r rune) bool {
		return r > '~' || !strings.ContainsRune("._-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// lookalikes returns the entries of the destination that may be name under another one.
func (p *folderPlan) lookalikes(name string) []*destEntry {
	if p.alike == nil {
		p.alike = map[string][]*destEntry{}
		for n, h := range p.have {
			key := skeleton(n)
			p.alike[key] = append(p.alike[key], h)
		}
	}
	return p.alike[skeleton(name)]
}

// elsewhere asks the server for a name that its listing lacks, where the listing has
// one that looks like it. What it finds is not deleted. Nil: there is nothing.
func (p *folderPlan) elsewhere(ctx context.Context, name string) *destEntry {
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
	if err != nil {
		return nil
	}
	for _, l := range like {
		l.seen = l.seen || l.kind == h.kind && (l.size == h.size || h.kind == protocols.TypeDir)
	}
	p.s.altered.add(joinName(p.in.rel, name))
	return h
}

// fresh notes an entry that the destination's listing lacks.
func (p *folderPlan) fresh(name string, dir bool, size int64) {
	if p.s.local == nil && !p.s.o.DryRun && (p.s.o.Delete && len(p.have) > 0 || !plainName(name)) {
		p.news = append(p.news, freshName{name, dir, size})
	}
}

// toAudit keeps the entries that are new, where it matters under which name they are
// stored: where something is to be deleted, or the name is one that servers change.
func (p *folderPlan) toAudit(doomed bool) {
	if !doomed {
		p.news = slices.DeleteFunc(p.news, func(n freshName) bool { return plainName(n.name) })
	}
	if len(p.news) > 0 {
		p.s.audits = append(p.s.audits, freshFolder{p.in, p.news})
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
		may := it.in == in && it.dir == n.dir && (n.dir || n.size < 0 || it.size < 0 || it.size == n.size || skeleton(it.own) == skeleton(n.name))
		if may {
			d.s.emit(Result{Name: it.rel, Destination: d.s.toURL(it.rel), Status: StatusSkipped,
				Note: "not deleted: the server may have stored " + n.name + " under this name"})
		}
		return may
	})
}
