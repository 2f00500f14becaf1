package transfer

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/file"
)

const (
	batchFiles = 64
	batchBytes = 16 << 20
	batchAge   = 2 * time.Second
	// syncers is how many files are forced to the disk side by side: the file
	// system then writes its own log once for many of them.
	syncers = 16
)

// stored is a file that is written and waits for the disk and for its name.
type stored struct {
	job     *job
	temp    *file.Temp
	bytes   int64
	resumed int64
	noted   bool // there is a record beside the part
	err     error
}

// batch gathers written files, forces them to the disk together, renames them and
// only then reports them.
type batch struct {
	s *treeSync
	d Durability

	mu    sync.Mutex
	items []*stored
	bytes int64
	since time.Time
	err   error // of the journal
}

func newBatch(s *treeSync, top *folder) *batch {
	b := &batch{s: s, d: s.o.Durability}
	if top.dir != nil && b.d == DurabilityGroup && inMemory(top.dir) {
		b.d = DurabilityNone
	}
	return b
}

// add takes a written file over. It may be this call that forces a whole batch.
func (b *batch) add(it *stored) {
	it.err = it.temp.Finish()
	if it.err != nil || b.d != DurabilityGroup {
		b.settle([]*stored{it})
		return
	}
	b.mu.Lock()
	if len(b.items) == 0 {
		b.since = time.Now()
	}
	b.items = append(b.items, it)
	b.bytes += it.bytes
	var full []*stored
	if len(b.items) >= batchFiles || b.bytes >= batchBytes || time.Since(b.since) > batchAge {
		full, b.items, b.bytes = b.items, nil, 0
	}
	b.mu.Unlock()
	b.settle(full)
}

// flush settles what is left, and returns the journal's error.
func (b *batch) flush() error {
	b.mu.Lock()
	rest := b.items
	b.items, b.bytes = nil, 0
	b.mu.Unlock()
	b.settle(rest)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// settle syncs, renames, records and reports.
func (b *batch) settle(items []*stored) {
	if len(items) == 0 {
		return
	}
	if b.d != DurabilityNone {
		forceAll(items)
	}
	folders := map[*folder]bool{}
	var records []Record
	for _, it := range items {
		if it.err == nil {
			it.err = b.s.backup.keepLocal(it.job.in.dir, it.job.name, it.job.rel)
		}
		if it.err == nil {
			it.temp.New = b.s.o.KeepOld
			it.err = it.temp.Commit()
		}
		if it.err != nil {
			it.temp.Abort()
			continue
		}
		if it.noted {
			removeRecord(it.job.in.dir, it.job.name)
		}
		folders[it.job.in] = true
		records = append(records, b.s.record(&it.job.e, it.job.rel))
	}
	if b.d != DurabilityNone {
		for f := range folders {
			_ = file.SyncFolder(f.dir, "") // where this fails the journal is only too hopeful
		}
	}
	b.note(records)
	for _, it := range items {
		b.tell(it)
	}
}

// forceAll syncs the files, some side by side.
func forceAll(items []*stored) {
	var all sync.WaitGroup
	slots := make(chan struct{}, syncers)
	for _, it := range items {
		if it.err != nil {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			it.err = it.temp.Sync()
			<-slots
		})
	}
	all.Wait()
}

func (b *batch) note(records []Record) {
	err := b.s.journal.Add(records...)
	if err == nil && b.d != DurabilityNone {
		err = b.s.journal.Sync(b.d)
	}
	if err != nil {
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
		b.s.stop(err)
	}
}

func (b *batch) tell(it *stored) {
	if b.s.o.KeepOld && errors.Is(it.err, fs.ErrExist) {
		b.s.finish(it.job, it.job.result(b.s, StatusSkipped, 0))
		return
	}
	if it.err != nil {
		r := it.job.result(b.s, StatusFailed, 0)
		r.Err = it.err
		b.s.finish(it.job, r)
		return
	}
	r := it.job.result(b.s, StatusDone, it.bytes)
	r.ResumedAt = it.resumed
	b.s.finish(it.job, r)
}
