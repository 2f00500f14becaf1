package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// mostDoomed bounds what one run deletes.
const mostDoomed = 1_000_000

// doomed is something of the destination that the source has not.
type doomed struct {
	name string // for the destination's verbs
	rel  string
	dir  bool
}

// doom notes what the source has not. It is called when the folder's listing came
// to its end.
func (p *plan) doom() {
	if !p.s.o.Delete {
		return
	}
	if p.odd != "" {
		p.s.emit(p.s.oddName(p.in.rel, p.odd))
		return
	}
	for name, h := range p.have {
		rel := joinName(p.in.rel, name)
		dir := h.kind == protocols.TypeDir
		if !h.seen && p.s.deletable(rel, dir) {
			p.s.doomed = append(p.s.doomed, doomed{joinName(p.in.name, name), rel, dir})
		}
	}
}

// deletable: what the globs leave alone on the source's side stays on this side
// too. Folders are looked into.
func (s *syncer) deletable(rel string, dir bool) bool {
	return !s.filter.excluded(rel, dir) && (dir || s.filter.included(rel, dir))
}

// remove deletes what was noted, unless anything is doubtful about the source.
func (s *syncer) remove(ctx context.Context) error {
	if !s.o.Delete || len(s.doomed) == 0 {
		return nil
	}
	if s.blocked != "" {
		return &protocols.Error{Kind: protocols.KindPartial, Sentinel: protocols.ErrIncomplete, Text: "nothing was deleted: " + s.blocked}
	}
	if !s.found.Load() && s.o.MaxDelete == 0 {
		return s.refuse("nothing was deleted: the source is empty")
	}
	all, err := s.expand(ctx)
	if err != nil {
		return err
	}
	if s.o.MaxDelete > 0 && len(all) > s.o.MaxDelete {
		return s.refuse(fmt.Sprintf("nothing was deleted: it would be %d, more than %d", len(all), s.o.MaxDelete))
	}
	for _, d := range all {
		if err := s.removeOne(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *syncer) refuse(why string) error {
	return &protocols.Error{Kind: protocols.KindPartial, Text: why, Hint: "--max-delete -1 deletes them all the same"}
}

// expand returns all that is to go, what is in a folder before the folder.
func (s *syncer) expand(ctx context.Context) ([]doomed, error) {
	var all []doomed
	for _, d := range s.doomed {
		var err error
		if all, err = s.expandOne(ctx, all, d, 0); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// expandOne adds one entry with all in it. A folder goes when nothing in it stays;
// where there are includes, it must match one or have held something that goes.
func (s *syncer) expandOne(ctx context.Context, all []doomed, d doomed, depth int) ([]doomed, error) {
	if len(all) >= mostDoomed || depth > s.depth() {
		return nil, s.refuse("nothing was deleted: it would be too much")
	}
	if !d.dir {
		return append(all, d), nil
	}
	inside, kept, err := s.inside(ctx, d)
	if err != nil {
		return nil, err
	}
	before := len(all)
	for _, in := range inside {
		had := len(all)
		if all, err = s.expandOne(ctx, all, in, depth+1); err != nil {
			return nil, err
		}
		kept = kept || len(all) == had || all[len(all)-1] != in
	}
	if !kept && (len(all) > before || s.filter.included(d.rel, true)) {
		all = append(all, d)
	}
	return all, nil
}

// inside lists a folder that is to go. kept says that something in it must stay.
func (s *syncer) inside(ctx context.Context, d doomed) (in []doomed, kept bool, err error) {
	odd := ""
	err = s.with(ctx, s.dst, func(c protocols.Client) error {
		in, kept, odd = nil, false, ""
		for e, err := range protocols.List(ctx, c, d.name) {
			if err != nil {
				return err
			}
			if !e.Parsed() {
				return protocols.ProtocolError("", "ls", "the destination's listing has a line that is not understood: "+e.Raw)
			}
			if !s.names(e) {
				odd = strconv.Quote(e.Name)
				continue
			}
			item := doomed{joinName(d.name, e.Name), joinName(d.rel, e.Name), e.Type == protocols.TypeDir}
			if s.deletable(item.rel, item.dir) {
				in = append(in, item)
			} else {
				kept = true
			}
		}
		return nil
	})
	if err == nil && odd != "" {
		s.emit(s.oddName(d.rel, odd))
		return nil, true, nil
	}
	return in, kept, err
}

// oddName is the result for a folder of the destination from which nothing is deleted,
// because its listing has a name that is not one component.
func (s *syncer) oddName(rel, quoted string) Result {
	err := protocols.ProtocolError("", "", fmt.Sprintf("nothing was deleted from this folder: its listing has %s, which is not the name of an entry", quoted))
	return Result{Name: rel, Destination: s.toURL(rel), Status: StatusFailed, Err: protocols.Wrap(err, s.protocol, "rm", s.toURL(rel))}
}

// names reports whether the name of an entry of the destination means that entry. The
// names in a local folder always do.
func (s *syncer) names(e protocols.Entry) bool { return s.local != nil || oneComponent(e.Name) }

// oneComponent reports whether a name of a listing means an entry of the folder that
// was listed, and nothing else, in a command of a line protocol.
func oneComponent(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\r\n\x00")
}

func (s *syncer) removeOne(ctx context.Context, d doomed) error {
	r := Result{Name: d.rel, Destination: s.toURL(d.rel), Status: StatusDeleted}
	if !s.o.DryRun {
		r.Err = s.with(ctx, s.dst, func(c protocols.Client) error {
			if d.dir {
				return protocols.Unmake(ctx, c, d.name)
			}
			return protocols.Remove(ctx, c, d.name)
		})
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if r.Err != nil && !errors.Is(r.Err, fs.ErrNotExist) {
		r.Status, r.Err = StatusFailed, protocols.Wrap(r.Err, s.protocol, "rm", r.Destination)
	} else {
		r.Err = nil
		if _, inTheWay := s.gone[d.rel]; inTheWay {
			s.gone[d.rel] = true
		}
	}
	s.emit(r)
	return nil
}
