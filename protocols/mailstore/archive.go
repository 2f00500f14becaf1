package mailstore

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
)

// maildirArchive is an open [protocols.Archive]. The caller of Add only fills blocks
// of memory. Each block is written to files in tmp while the next one is being
// filled, and each group of files is forced to the disk and named while the next
// group is being written. What is too large for a block goes to its file at once.
type maildirArchive struct {
	dir    string
	o      protocols.ArchiveOptions
	in     *openFolders // nil: read only
	atOnce bool         // whole groups can be forced to the disk

	free  chan []byte // blocks; nil: not made yet
	block []byte      // being filled; nil: none
	group *group      // being gathered

	busy    sync.WaitGroup // groups that are being settled
	slots   chan struct{}  // how many
	disk    sync.Mutex     // in a folder one file is made or moved at a time: who waits for that, spins
	telling sync.Mutex
	mu      sync.Mutex
	err     error // of a group; sticky

	names map[string]string // key to path; nil: not read yet
}

// OpenArchive opens the maildir name for a run that brings it up to date, and
// makes it when it is missing. A second run at the same time is refused with an
// error of class [protocols.ErrBusy]. What a killed run left in tmp is removed.
func (m *Maildir) OpenArchive(ctx context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	var a *maildirArchive
	err := m.do(ctx, "sync", name, func(ctx context.Context) (err error) {
		a, err = openMaildir(ctx, name, *o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func openMaildir(ctx context.Context, dir string, o protocols.ArchiveOptions) (*maildirArchive, error) {
	a := &maildirArchive{dir: dir, o: o, group: &group{}, free: make(chan []byte, blocks), slots: make(chan struct{}, settling)}
	if _, _, file := cutMessage(dir); file != "" {
		return nil, protocols.UsageError("maildir", "", "this is a message, not a maildir")
	}
	if o.ReadOnly {
		return a, nil
	}
	for range blocks {
		a.free <- nil
	}
	var err error
	if a.in, err = openMaildirFolders(ctx, dir); err != nil {
		return nil, err
	}
	if err := a.in.hold(); err != nil {
		a.in.close()
		return nil, err
	}
	a.atOnce = a.in.tmp.syncsAtOnce()
	a.sweep()
	return a, nil
}

// sweep removes what killed runs left in tmp: nobody else writes such names while
// this one has the lock.
func (a *maildirArchive) sweep() {
	tmp := filepath.Join(a.dir, "tmp")
	_ = namesIn(tmp, func(path string) bool {
		if keyOf(filepath.Base(path)) != "" {
			os.Remove(path)
		}
		return true
	})
}

// baseOf returns the base of the name for a message with a key. The time is part of
// it to the microsecond: no two messages have one name, even if they have one key.
func baseOf(key string) string {
	now := time.Now()
	return strconv.FormatInt(now.Unix(), 10) + ".M" + strconv.Itoa(now.Nanosecond()/1000) + ".K" + key + hostPart
}

// keyOf returns the key in a name; empty when it is not one of ours.
func keyOf(name string) string {
	base, _, _ := strings.Cut(name, infoMark[:1])
	rest, ours := strings.CutSuffix(base, hostPart)
	_, key, found := strings.Cut(rest, ".K")
	if !ours || !found || !isKey(key) {
		return ""
	}
	return key
}

// Mark is empty: keys tell all there is to know.
func (a *maildirArchive) Mark() string { return "" }

// Add takes a message.
func (a *maildirArchive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly || !isKey(key) {
		return protocols.UsageError("maildir", "sync", "cannot add: the archive is read-only, or the key is invalid: "+strconv.Quote(key))
	}
	if err := a.failed(); err != nil {
		return err
	}
	d := &delivery{base: baseOf(key), key: key, when: e.Modified}
	var flags []string
	if e.MessageInfo != nil {
		flags = e.Flags
	}
	d.folder, d.name = placeOf(d.base, flags)
	if err := a.receive(d, body); err != nil {
		return err
	}
	if a.o.Each {
		return a.Flush(ctx)
	}
	if a.group.full(a.o.NoSync) {
		a.settle()
	}
	return nil
}

// receive reads a message into the block, after others or as the first of a fresh
// one, or else into its file.
func (a *maildirArchive) receive(d *delivery, body io.Reader) error {
	if a.block == nil {
		a.block = a.fresh()
	}
	before := len(a.block)
	n, whole, err := fill(body, a.block[before:cap(a.block)])
	if err == nil && !whole && a.group.waiting() > 0 {
		next := a.fresh()
		copy(next[:n], a.block[before:cap(a.block)])
		a.handOver(true)
		a.block, before = next, 0
		var more int
		more, whole, err = fill(body, next[n:cap(next)])
		n += more
	}
	if err != nil {
		return err
	}
	d.body, d.size = a.block[before:before+n], int64(n)
	if !whole {
		return a.receiveLarge(d, body)
	}
	a.block = a.block[:before+n]
	if a.group.add(d); a.group.waiting() >= blockMessages {
		a.handOver(true)
	}
	return nil
}

// receiveLarge writes a message that does not fit into a block, which has its begin.
func (a *maildirArchive) receiveLarge(d *delivery, body io.Reader) error {
	src := &source{r: body}
	err := a.in.write(d, src, a.block[:cap(a.block)], !a.o.NoSync)
	if err != nil {
		return cmp.Or(src.err, localError(err))
	}
	a.group.add(d)
	a.group.begun++ // it is written
	return nil
}

// fill reads until buf is full or, whole, the reader has ended.
func fill(r io.Reader, buf []byte) (n int, whole bool, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	if err == io.EOF {
		return n, true, nil
	}
	return n, false, err
}

// source remembers whether it was the reader that failed.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// localError returns an error of the disk its kind; others keep theirs.
func localError(err error) error {
	if _, ok := errors.AsType[*protocols.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &protocols.Error{Kind: protocols.KindLocal, Err: err}
}

func (a *maildirArchive) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Flush waits until all that was added has its name.
func (a *maildirArchive) Flush(context.Context) error {
	if a.o.ReadOnly {
		return nil
	}
	a.settle()
	a.busy.Wait()
	return a.failed()
}

// Close frees the maildir. What was added and not flushed is removed.
func (a *maildirArchive) Close() error {
	a.busy.Wait()
	a.group.writing.Wait()
	for _, d := range a.group.list {
		a.in.abort(d)
	}
	a.group = &group{}
	if a.in != nil {
		a.in.close()
	}
	a.in = nil
	return nil
}
