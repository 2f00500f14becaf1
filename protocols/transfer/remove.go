package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/protocols"
)

// maxSurplus bounds what one run deletes.
const maxSurplus = 1_000_000

// surplus is an entry of the destination that is not in the source.
type surplus struct {
	name string // for the destination's verbs
	rel  string
	dir  bool
	own  string // last component
	size int64
	in   *folder // whose listing has it; nil below a folder that is to go
}

// deletion is what a sync deletes at the destination, and what speaks against it.
type deletion struct {
	s       *treeSync
	doomed  []surplus       // noted while the folders are compared
	gone    map[string]bool // of what stood in the way of an entry of the source: whether it was deleted
	found   atomic.Bool     // the source has at least one entry
	blocked string          // why nothing may be deleted; guarded by s.mu
}

// block forbids deleting, for the first reason given.
func (d *deletion) block(why string) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.blocked == "" {
		d.blocked = why
	}
}

// doom notes the entries that are not in the source. It is called when the folder's listing came
// to its end.
func (p *folderPlan) doom() {
	before := len(p.s.deletes.doomed)
	defer func() { p.toAudit(len(p.s.deletes.doomed) > before) }()
	if !p.s.o.Delete {
		return
	}
	if p.odd != "" {
		p.s.emit(p.s.deletes.oddName(p.in.rel, p.odd))
		return
	}
	for name, h := range p.have {
		rel := joinName(p.in.rel, name)
		dir := h.kind == protocols.TypeDir
		if !h.seen && p.s.deletes.deletable(rel, dir, h.modified) {
			p.s.deletes.doomed = append(p.s.deletes.doomed, surplus{joinName(p.in.name, name), rel, dir, name, h.size, p.in})
		}
	}
}

// deletable: what the globs leave alone on the source's side stays on this side
// too. Folders are looked into.
func (d *deletion) deletable(rel string, dir bool, modified time.Time) bool {
	return !d.s.filter.excluded(rel, dir) && (dir || d.s.filter.included(rel, dir) && !d.s.filter.outdated(modified))
}

// remove deletes what was noted, unless anything is doubtful about the source.
func (d *deletion) remove(ctx context.Context) error {
	if !d.s.o.Delete || len(d.doomed) == 0 {
		return nil
	}
	if d.blocked != "" {
		return &protocols.Error{Kind: protocols.KindPartial, Sentinel: protocols.ErrIncomplete, Text: "nothing was deleted: " + d.blocked}
	}
	if !d.found.Load() && d.s.o.MaxDelete == 0 {
		return d.refuse("nothing was deleted: the source is empty")
	}
	all, err := d.expand(ctx)
	if err != nil {
		return err
	}
	if d.s.o.MaxDelete > 0 && len(all) > d.s.o.MaxDelete {
		return d.refuse(fmt.Sprintf("nothing was deleted: it would be %d, more than %d", len(all), d.s.o.MaxDelete))
	}
	for _, it := range all {
		if err := d.removeOne(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

func (d *deletion) refuse(why string) error {
	return &protocols.Error{Kind: protocols.KindPartial, Text: why, Hint: "--max-delete -1 deletes them all the same"}
}

// expand returns all that is to go, what is in a folder before the folder.
func (d *deletion) expand(ctx context.Context) ([]surplus, error) {
	var all []surplus
	for _, it := range d.doomed {
		var err error
		if all, err = d.expandOne(ctx, all, it, 0); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// expandOne adds one entry with all in it. A folder goes when nothing in it stays;
// where there are includes, it must match one or have held something that goes.
func (d *deletion) expandOne(ctx context.Context, all []surplus, it surplus, depth int) ([]surplus, error) {
	if len(all) >= maxSurplus || depth > d.s.depth() {
		return nil, d.refuse("nothing was deleted: it would be too much")
	}
	if !it.dir {
		return append(all, it), nil
	}
	inside, kept, err := d.inside(ctx, it)
	if err != nil {
		return nil, err
	}
	before := len(all)
	for _, in := range inside {
		had := len(all)
		if all, err = d.expandOne(ctx, all, in, depth+1); err != nil {
			return nil, err
		}
		kept = kept || len(all) == had || all[len(all)-1] != in
	}
	if !kept && (len(all) > before || d.s.filter.included(it.rel, true)) {
		all = append(all, it)
	}
	return all, nil
}

// inside lists a folder that is to go. kept says that something in it must stay.
func (d *deletion) inside(ctx context.Context, it surplus) (in []surplus, kept bool, err error) {
	odd := ""
	err = d.s.with(ctx, d.s.dst, func(c protocols.Client) error {
		in, kept, odd = nil, false, ""
		for e, err := range protocols.List(ctx, c, it.name) {
			if err != nil {
				return err
			}
			if !e.Parsed() {
				return protocols.ProtocolError("", "ls", "cannot parse a line of the destination's listing: "+e.Raw)
			}
			if !d.names(e) {
				odd = strconv.Quote(e.Name)
				continue
			}
			item := surplus{name: joinName(it.name, e.Name), rel: joinName(it.rel, e.Name), dir: e.Type == protocols.TypeDir, own: e.Name, size: e.Size}
			if d.deletable(item.rel, item.dir, e.Modified) {
				in = append(in, item)
			} else {
				kept = true
			}
		}
		return nil
	})
	if err == nil && odd != "" {
		d.s.emit(d.oddName(it.rel, odd))
		return nil, true, nil
	}
	return in, kept, err
}

// oddName is the result for a folder of the destination from which nothing is deleted,
// because its listing has a name that is not one component.
func (d *deletion) oddName(rel, quoted string) Result {
	err := protocols.ProtocolError("", "", fmt.Sprintf("nothing was deleted from this folder: its listing has %s, which is not the name of an entry", quoted))
	return Result{Name: rel, Destination: d.s.toURL(rel), Status: StatusFailed, Err: protocols.Wrap(err, d.s.protocol, "rm", d.s.toURL(rel))}
}

// names reports whether the name of an entry of the destination means that entry. The
// names in a local folder always do.
func (d *deletion) names(e protocols.Entry) bool { return d.s.local != nil || oneComponent(e.Name) }

// oneComponent reports whether a name of a listing means an entry of the folder that
// was listed, and nothing else, in a command of a line protocol.
func oneComponent(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\r\n\x00")
}

// removeFrom deletes an entry, or has it moved to the folder for backups.
func (d *deletion) removeFrom(ctx context.Context, c protocols.Client, it surplus) error {
	switch {
	case it.dir:
		return protocols.Unmake(ctx, c, it.name)
	case d.s.backup != nil && d.s.local == nil:
		moved, err := d.s.backup.move(ctx, c, it.name, it.rel)
		if moved || err != nil {
			return err
		}
	case d.s.backup != nil:
		root, at, done, err := d.s.local.Place(it.name)
		if err != nil {
			return err
		}
		defer done()
		if err := d.s.backup.keepLocal(root, at, it.rel); err != nil {
			return err
		}
	}
	return protocols.Remove(ctx, c, it.name)
}

func (d *deletion) removeOne(ctx context.Context, it surplus) error {
	r := Result{Name: it.rel, Destination: d.s.toURL(it.rel), Status: StatusDeleted}
	if !d.s.o.DryRun {
		r.Err = d.s.with(ctx, d.s.dst, func(c protocols.Client) error {
			return d.removeFrom(ctx, c, it)
		})
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if r.Err != nil && !errors.Is(r.Err, fs.ErrNotExist) {
		r.Status, r.Err = StatusFailed, protocols.Wrap(r.Err, d.s.protocol, "rm", r.Destination)
	} else {
		r.Err = nil
		if _, inTheWay := d.gone[it.rel]; inTheWay {
			d.gone[it.rel] = true
		}
	}
	d.s.emit(r)
	return nil
}
