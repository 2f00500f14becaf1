package transfer

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/pool"
)

// queued is how many jobs wait for a worker.
const queued = 64

// treeSync is one run of Sync or CopyMany.
type treeSync struct {
	o         *SyncOptions
	from, to  Endpoint
	protocol  string
	filter    filter
	backup    *backup
	journal   *Journal
	src, dst  *pool.Pool
	local     *file.Client // destination, when it is local
	fromLocal bool         // the source is on this machine
	listed    []Wanted     // of CopyMany: what to copy; nil: what the source lists
	held      *os.File     // the destination's folder, locked
	caseless  bool
	jobs      chan *job
	batch     *batch
	visited   map[string]bool
	deletes   deletion
	audits    []freshFolder
	altered   alteredNames
	clashes   []clash      // what has no room until something is deleted
	pending   atomic.Int64 // jobs without a result
	stop      context.CancelCauseFunc

	mu          sync.Mutex // of what follows
	each        func(Result)
	sum         Summary
	failedNames map[string]bool // those that failed, where the destination is remote
}

// Sync brings the tree dst up to date with the tree src: it copies what is missing
// or differs by size or time, and with Delete removes entries that are not in src. each is
// called for every object, by one goroutine at a time, and may be nil; folders are
// reported only when something is wrong with them or they are deleted.
//
// Failures are reported and the rest goes on; the error is then of kind Partial. The error is another one
// when nothing could be done at all: the source's top could not be listed, the disk is full, login was
// refused, the context ended, another run has the destination or the journal. Deleting needs a complete and
// understood listing of all of the source, else nothing is deleted and the error has class
// [protocols.ErrIncomplete].
//
// A local destination is locked for the run. Interrupted or killed at any moment,
// it holds whole files and temporary ones only, and the next run goes on.
func Sync(ctx context.Context, src, dst Endpoint, o *SyncOptions, each func(Result)) (Summary, error) {
	if o == nil {
		o = &SyncOptions{}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := newTreeSync(src.confined(), dst, o, stop, each)
	err := s.run(ctx)
	return s.sum, protocols.Wrap(err, s.protocol, "sync", src.URL)
}

func newTreeSync(src, dst Endpoint, o *SyncOptions, stop context.CancelCauseFunc, each func(Result)) *treeSync {
	s := &treeSync{o: o, from: src, to: dst, protocol: protocolOf(src, dst), each: each, stop: stop, visited: map[string]bool{}, failedNames: map[string]bool{}}
	s.deletes = deletion{s: s, gone: map[string]bool{}}
	return s
}

func (s *treeSync) run(ctx context.Context) error {
	var err error
	if s.filter, err = newFilter(s.o.Include, s.o.Exclude); err != nil {
		return err
	}
	s.filter.newer, s.filter.older = s.o.NewerThan, s.o.OlderThan
	if s.o.Journal != "" && !s.o.DryRun {
		if s.journal, err = OpenJournal(ctx, s.o.Journal); err != nil {
			return err
		}
	}
	top, err := s.openTop(ctx)
	if err == nil {
		err = s.lockTop(top)
	}
	if err == nil {
		err = s.openBackup(top)
	}
	if err == nil {
		err = s.move(ctx, top, func() error { return s.walk(ctx, top, s.from.Name, 0) })
	}
	return cmp.Or(err, s.close(top))
}

// close frees what the run had.
func (s *treeSync) close(top *folder) error {
	s.backup.close()
	if s.held != nil {
		s.held.Close()
	}
	if top != nil && top.dir != nil && top.name != "" {
		top.dir.Close()
	}
	if s.local != nil {
		s.local.Close()
	}
	return s.journal.Close()
}

// move does the jobs that find provides, then deletes, and then puts what had no room
// before in the place of what was deleted.
func (s *treeSync) move(ctx context.Context, top *folder, find func() error) error {
	n := s.parallel()
	s.src, s.dst = s.from.pool(n+1, &s.o.Options), s.to.pool(n+1, &s.o.Options)
	defer s.src.Close()
	defer s.dst.Close()
	if top.dir != nil {
		s.caseless = caseless(top.dir.Name())
	}
	err := s.pass(ctx, top, n, find)
	if err != nil {
		return err
	}
	if err := s.audit(ctx); err != nil {
		return err
	}
	s.readable(ctx)
	removed := s.deletes.remove(ctx)
	if len(s.clashes) > 0 {
		err = s.pass(ctx, top, n, func() error { return s.replace(ctx) })
	}
	return cmp.Or(err, removed, s.verdict())
}

// pass finds jobs with one goroutine and does them with n others.
func (s *treeSync) pass(ctx context.Context, top *folder, n int, find func() error) error {
	s.batch, s.jobs = newBatch(s, top), make(chan *job, queued)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() { (&worker{s, make([]byte, smallFile+1)}).work(ctx) })
	}
	err := find()
	close(s.jobs)
	workers.Wait()
	err = cmp.Or(err, s.batch.flush())
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if n := s.pending.Load(); err == nil && n != 0 {
		err = &protocols.Error{Kind: protocols.KindInternal, Text: fmt.Sprintf("%d objects have no result: neither copied nor failed", n)}
	}
	return err
}

// verdict is the error of a run that came to its end.
func (s *treeSync) verdict() error {
	if s.sum.Failed == 0 {
		return nil
	}
	all := s.sum.Failed + s.sum.Done + s.sum.Skipped + s.sum.Deleted
	return &protocols.Error{Kind: protocols.KindPartial, Text: fmt.Sprintf("%d of %d failed", s.sum.Failed, all)}
}

// emit reports one result and counts it.
func (s *treeSync) emit(r Result) {
	r.Protocol = s.protocol
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Add(r)
	if r.Status == StatusFailed && s.local == nil && len(s.failedNames) < maxSurplus {
		s.failedNames[r.Name] = true
	}
	if s.each != nil {
		s.each(r)
	}
}

// toURL returns the URL of a path below the destination. A ";" is escaped too: at the
// end of some URLs it begins a parameter.
func (s *treeSync) toURL(rel string) string {
	if rel == "" {
		return s.to.URL
	}
	parts := strings.Split(rel, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return joinName(s.to.URL, strings.Join(parts, "/"))
}

func (s *treeSync) parallel() int {
	if s.o.Parallel <= 0 {
		return 4
	}
	return min(s.o.Parallel, 64)
}

func (s *treeSync) depth() int {
	if s.o.Depth <= 0 {
		return 100
	}
	return s.o.Depth
}

// with lends a client of the pool to do, with retries. A connection too many is no
// attempt: the work waits for one of those that are allowed.
func (s *treeSync) with(ctx context.Context, p *pool.Pool, do func(c protocols.Client) error) error {
	return s.o.Repeat(ctx, func() error { return p.Do(ctx, do) })
}

// both lends a client of each side, always the source's first so that no two wait
// for each other. at is as for repeatFrom; do says which side its error comes from.
func (s *treeSync) both(ctx context.Context, at func() int64, do func(sc, dc protocols.Client) (source bool, err error)) error {
	return s.o.repeatFrom(ctx, at, func() error {
		for {
			if again, err := s.bothOnce(ctx, do); !again {
				return err
			}
		}
	})
}

func (s *treeSync) bothOnce(ctx context.Context, do func(sc, dc protocols.Client) (bool, error)) (again bool, err error) {
	sl, err := s.src.Get(ctx)
	if err != nil {
		return false, err
	}
	dl, err := s.dst.Get(ctx)
	if err != nil {
		s.src.Return(sl)
		return false, err
	}
	source, err := do(sl, dl)
	if err == nil {
		s.src.Put(sl, nil)
		s.dst.Put(dl, nil)
		return false, nil
	}
	if source { // nothing is known of the other one, which may be half way in an upload
		s.dst.Drop(dl)
		return s.src.Put(sl, err), err
	}
	again = s.dst.Put(dl, err)
	s.src.Drop(sl)
	return again, err
}

// caseless reports whether the file system that holds the folder does not tell upper from lower case.
func caseless(dir string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	base := filepath.Base(abs)
	other := strings.Map(swapCase, base)
	if other == base {
		return runtime.GOOS == "darwin" || runtime.GOOS == "windows"
	}
	a, aerr := os.Stat(abs)
	b, berr := os.Stat(filepath.Join(filepath.Dir(abs), other))
	return aerr == nil && berr == nil && os.SameFile(a, b)
}

func swapCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}
