package transfer

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer/internal/naming"
)

// maxFolders and maxEntries, of one folder, bound a tree without end.
const maxFolders, maxEntries = 1_000_000, 2_000_000

// maxBacklog is how many jobs a listing may leave for later, and backlogWait how
// long it then waits until one of them is taken.
const maxBacklog, backlogWait = 50_000, 5 * time.Minute

// folderPlan is the comparison of one folder of the source with the destination's.
type folderPlan struct {
	s     *treeSync
	in    *folder
	path  string // of the source's folder, for its verbs
	depth int

	have  map[string]*destEntry
	odd   string            // a quoted name of the destination's listing that is not one component; empty: none
	parts []string          // temporary names of earlier runs
	keep  map[string]bool   // those that jobs will go on from
	seen  map[uint64]uint16 // hashes of names of the source that have lacks, with the pass that saw them
	seed  maphash.Seed
	names int               // of the source
	fold  map[string]string // names without regard to case, where the destination has none
	pass  uint16
	later []*job
	subs  []sub
	links []protocols.Entry // to be followed when the listing is over

	alike map[string][]*destEntry // what have has, by skeleton; made when it is needed
	news  []freshName             // what the destination's listing lacks
	twins naming.Twins            // among news
}

type sub struct {
	in   *folder
	path string
}

// walk brings one folder up to date, and then those in it. It returns an error only when all must stop.
func (s *treeSync) walk(ctx context.Context, in *folder, path string, depth int) error {
	defer in.release()
	if depth > s.depth() || s.visited[path] || len(s.visited) >= maxFolders {
		s.emit(s.noEnd(in.rel, path))
		s.deletes.block("the source's tree is too deep")
		return nil
	}
	s.visited[path] = true
	p := &folderPlan{s: s, in: in, path: path, depth: depth, have: map[string]*destEntry{}, keep: map[string]bool{}, seen: map[uint64]uint16{}, seed: maphash.MakeSeed()}
	if err := p.compare(ctx); err != nil {
		if ctx.Err() != nil || depth == 0 {
			letGo(p.subs)
			return err
		}
		s.deletes.block("the folder " + in.rel + " could not be read")
		s.emit(Result{Name: in.rel, Source: path, Destination: s.toURL(in.rel), Status: StatusFailed, Err: err})
	}
	for i, d := range p.subs {
		if err := s.walk(ctx, d.in, d.path, depth+1); err != nil {
			letGo(p.subs[i+1:])
			return err
		}
	}
	return nil
}

// noEnd is the result for a folder that is not gone into: skipped where the user
// has set the depth or a link leads back, else a failure, for there is more.
func (s *treeSync) noEnd(rel, path string) Result {
	const why = "the tree is too deep, or the folder was already visited"
	r := Result{Name: rel, Source: path, Destination: s.toURL(rel), Status: StatusSkipped, Note: why}
	if s.o.Depth <= 0 && !s.visited[path] {
		r.Status, r.Note = StatusFailed, ""
		r.Err = protocols.Wrap(protocols.ProtocolError("", "", why), s.protocol, "sync", path)
	}
	return r
}

func letGo(subs []sub) {
	for _, d := range subs {
		d.in.release()
	}
}

// compare lists both sides, and hands out what is to be done.
func (p *folderPlan) compare(ctx context.Context) error {
	if err := p.listDestination(ctx); err != nil {
		return err
	}
	err := p.s.with(ctx, p.s.src, func(c protocols.Client) error {
		p.pass++
		for e, err := range protocols.ListTree(ctx, c, p.s.from.Name, p.path) {
			if err != nil {
				return err
			}
			if err := p.entry(ctx, e); err != nil {
				return retry.Permanent(err)
			}
		}
		return nil
	})
	if err == nil {
		err = p.follow(ctx)
	}
	if err == nil && len(p.s.filter.include) == 0 {
		err = p.s.ensure(ctx, p.in) // an empty folder is content too
	}
	if err == nil {
		p.sweep(ctx)
		p.doom()
	}
	return cmp.Or(err, p.drain(ctx))
}

// listDestination reads what is there.
func (p *folderPlan) listDestination(ctx context.Context) error {
	if p.s.local != nil {
		return p.scan()
	}
	if !p.in.exists && p.in.up != nil {
		return nil
	}
	err := p.s.with(ctx, p.s.dst, func(c protocols.Client) error {
		clear(p.have)
		p.parts, p.odd = nil, ""
		for e, err := range protocols.List(ctx, c, p.in.name) {
			if err != nil {
				return err
			}
			if !e.Parsed() {
				return protocols.ProtocolError("", "ls", "cannot parse a line of the destination's listing: "+e.Raw)
			}
			p.found(e)
		}
		return nil
	})
	if p.in.up == nil && protocols.KindOf(err) == protocols.KindRefused {
		return nil // not there, as far as the server says; making it will show
	}
	p.in.exists = err == nil && (p.in.up != nil || len(p.have)+len(p.parts) > 0)
	return err
}

// scan is listDestination for a local one.
func (p *folderPlan) scan() error {
	if !p.in.exists {
		return nil
	}
	if err := p.in.open(); err != nil || p.in.dir == nil {
		return err
	}
	for info, err := range file.Scan(p.in.dir) {
		if err != nil {
			return err
		}
		e := protocols.Entry{Name: info.Name(), Size: info.Size(), Modified: info.ModTime(), Mode: info.Mode().Perm(), Type: protocols.TypeOther}
		switch m := info.Mode(); {
		case m.IsRegular():
			e.Type = protocols.TypeFile
		case m.IsDir():
			e.Type = protocols.TypeDir
		case m&fs.ModeSymlink != 0:
			e.Type = protocols.TypeLink
			e.Target, _ = p.in.dir.Readlink(e.Name)
		}
		p.found(e)
	}
	return nil
}

// found takes an entry of the destination. One whose name is not one component would lead elsewhere in
// every command: it is left alone, and so is all that could be deleted from this folder.
func (p *folderPlan) found(e protocols.Entry) {
	if !p.s.deletes.names(e) {
		p.odd = strconv.Quote(e.Name)
		return
	}
	if file.IsPart(e.Name) && e.Type != protocols.TypeDir {
		p.parts = append(p.parts, e.Name)
		return
	}
	p.have[e.Name] = destEntryOf(e)
}

// entry deals with one entry of the source.
func (p *folderPlan) entry(ctx context.Context, e protocols.Entry) error {
	if !e.Parsed() {
		p.s.deletes.block("a line of the source's listing could not be parsed")
		p.failed(e, protocols.ProtocolError("", "ls", "cannot parse a line of the listing: "+e.Raw))
		return nil
	}
	p.s.deletes.found.Store(true)
	if p.names >= maxEntries {
		return protocols.ProtocolError("", "ls", fmt.Sprintf("a listing without end: more than %d names in one folder", maxEntries))
	}
	if file.IsPart(e.Name) || e.Type == protocols.TypeInfo || e.Type == protocols.TypeSearch {
		return nil
	}
	again, err := p.twice(e.Name) // no two names become one safe name
	if again {
		return nil
	}
	name := ""
	if err == nil {
		name, err = p.s.safe(e.Name)
	}
	if err != nil {
		p.failed(e, err)
		return nil
	}
	h := p.have[name]
	if h != nil {
		h.seen = true
	}
	e.Facts, e.Owner, e.Group = nil, "", ""
	if e.Path == "" {
		e.Path = joinName(p.path, e.Name)
	}
	rel := joinName(p.in.rel, name)
	dir := e.Type == protocols.TypeDir || e.Type == protocols.TypeMenu
	if p.s.filter.excluded(rel, dir) || !dir && (!p.s.filter.included(rel, false) || p.s.filter.outdated(e.Modified)) {
		return nil
	}
	if err := p.sort(ctx, e, name, rel, h); err != nil {
		p.unsee(e.Name) // the listing may be repeated: this entry has not been dealt with
		return err
	}
	return nil
}

// unsee forgets that a name was listed.
func (p *folderPlan) unsee(name string) {
	p.see(name, 0)
	p.names--
	delete(p.fold, strings.ToLower(name))
}

// see notes which pass has seen a name, and returns which one had before; 0: none.
func (p *folderPlan) see(name string, pass uint16) (before uint16) {
	if h := p.have[name]; h != nil {
		before, h.pass = h.pass, pass
		return before
	}
	key := maphash.String(p.seed, name)
	before = p.seen[key]
	p.seen[key] = pass
	return before
}

// twice finds names that a listing has twice, or that are one to the destination.
// again is true for those that an earlier, broken off listing has given already.
func (p *folderPlan) twice(name string) (again bool, err error) {
	switch before := p.see(name, p.pass); {
	case before != 0 && before < p.pass:
		return true, nil
	case before != 0:
		return false, &protocols.Error{Kind: protocols.KindProtocol, Text: "listed twice: only the first is used"}
	}
	p.names++
	if !p.s.caseless {
		return false, nil
	}
	if p.fold == nil {
		p.fold = map[string]string{}
	}
	lower := strings.ToLower(name)
	if other, ok := p.fold[lower]; ok {
		return false, &protocols.Error{Kind: protocols.KindLocal, Text: "the destination's file system is not case-sensitive, and there is already " + other}
	}
	p.fold[lower] = name
	return false, nil
}

// sort hands the entry to what its type needs.
func (p *folderPlan) sort(ctx context.Context, e protocols.Entry, name, rel string, h *destEntry) error {
	switch e.Type {
	case protocols.TypeDir, protocols.TypeMenu:
		p.folder(ctx, e, name, h)
	case protocols.TypeFile, protocols.TypeBinary, protocols.TypeImage, protocols.TypeHTML:
		return p.file(ctx, e, name, rel, h)
	case protocols.TypeLink:
		return p.link(ctx, e, name, rel, h)
	default:
		p.skipped(e, rel, "neither a file nor a folder")
	}
	return nil
}

func (p *folderPlan) folder(ctx context.Context, e protocols.Entry, name string, h *destEntry) {
	if h == nil {
		h = p.elsewhere(ctx, name, -1)
	}
	if h == nil {
		p.fresh(name, true, -1)
	}
	if h != nil && h.kind != protocols.TypeDir {
		p.clash(e, name, h)
		return
	}
	mode := e.Mode.Perm()
	if !e.HasMode || p.s.o.NoModes {
		mode = 0
	}
	p.subs = append(p.subs, sub{p.in.below(name, mode, h != nil), e.Path})
}

// file compares a file, and makes a job of it.
func (p *folderPlan) file(ctx context.Context, e protocols.Entry, name, rel string, h *destEntry) error {
	j := &job{in: p.in, name: name, rel: rel, e: e}
	if h == nil {
		h = p.elsewhere(ctx, name, e.Size)
	}
	if h == nil {
		p.fresh(name, false, e.Size)
	}
	if h != nil {
		if h.kind == protocols.TypeDir || h.kind != protocols.TypeFile && !p.s.o.Delete {
			p.clash(e, name, h)
			return nil
		}
		j.over = "update"
		same := p.s.o.Missing && h.kind == protocols.TypeFile || p.s.upToDate(&e, h, rel)
		j.check = p.s.o.Checksum && !p.s.o.Missing && h.kind == protocols.TypeFile && (same || e.Size < 0 || e.Size == h.size)
		if same && !j.check {
			p.skipped(e, rel, "")
			return nil
		}
		if h.kind == protocols.TypeFile && !e.HasMode {
			j.mode = h.mode
		}
	}
	return p.queue(ctx, j)
}

func conflict(h *destEntry) error {
	return &protocols.Error{Kind: protocols.KindLocal, Sentinel: fs.ErrExist, Text: "the destination has a " + string(h.kind) + " of this name"}
}

// queue returns the job to the workers, or keeps it until the listing is over: while
// the listing holds a connection it must not wait for one that needs another.
func (p *folderPlan) queue(ctx context.Context, j *job) error {
	if part := file.PartName(j.name); len(p.parts) > 0 && (p.s.local == nil || !j.small()) {
		p.keep[part], p.keep[file.RecordName(j.name)] = true, true
		j.part = slices.Contains(p.parts, part)
	}
	if p.s.o.DryRun && !j.check {
		r := j.result(p.s, StatusDone, max(j.e.Size, 0))
		r.Would = cmp.Or(j.over, "copy")
		p.s.emit(r)
		return nil
	}
	if err := p.s.ensure(ctx, p.in); err != nil {
		return err
	}
	p.s.accept(j)
	select {
	case p.s.jobs <- j:
		return nil
	default:
	}
	if len(p.later) < maxBacklog {
		p.later = append(p.later, j)
		return nil
	}
	return p.wait(ctx, j)
}

// wait passes a job to a worker, of a listing of which so much is kept already that the
// rest has to wait. With a server that allows but one connection, that is for ever.
func (p *folderPlan) wait(ctx context.Context, j *job) error {
	t := time.NewTimer(backlogWait)
	defer t.Stop()
	select {
	case p.s.jobs <- j:
		return nil
	case <-ctx.Done():
		p.s.letGo(j)
		return stopped(ctx)
	case <-t.C:
		p.s.letGo(j)
		return &protocols.Error{Kind: protocols.KindTimeout, Text: fmt.Sprintf("no file was copied for %v while a folder with more than %d new files was being listed", backlogWait, maxBacklog)}
	}
}

// drain hands out the jobs that were kept.
func (p *folderPlan) drain(ctx context.Context) error {
	for i, j := range p.later {
		select {
		case p.s.jobs <- j:
		case <-ctx.Done():
			for _, rest := range p.later[i:] {
				p.s.letGo(rest)
			}
			return stopped(ctx)
		}
	}
	return nil
}

// sweep removes the temporary files of earlier runs that no job will go on from.
func (p *folderPlan) sweep(ctx context.Context) {
	if p.s.o.DryRun || p.odd != "" {
		return
	}
	for _, name := range p.parts {
		if p.keep[name] {
			continue
		}
		if p.s.local != nil {
			p.in.dir.Remove(name)
			continue
		}
		err := p.s.with(ctx, p.s.dst, func(c protocols.Client) error {
			return protocols.Remove(ctx, c, joinName(p.in.name, name))
		})
		if err != nil {
			p.s.o.note("cannot remove %s of an earlier run: %v", name, err)
		}
	}
}

func (p *folderPlan) failed(e protocols.Entry, err error) {
	rel := joinName(p.in.rel, e.Name)
	p.s.emit(Result{Name: rel, Source: e.URL, Destination: p.s.toURL(p.in.rel), Status: StatusFailed, Err: protocols.Wrap(err, p.s.protocol, "sync", e.URL)})
}

func (p *folderPlan) skipped(e protocols.Entry, rel, why string) {
	p.s.emit(Result{Name: rel, Source: e.URL, Destination: p.s.toURL(rel), Status: StatusSkipped, Note: why})
}
