package mailstore

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
)

const (
	groupFiles = 128
	groupBytes = 16 << 20
	// forcers is how many files are forced to the disk side by side: the file
	// system then writes its own log once for many of them.
	forcers = 16
)

// maildirArchive is an open [protocols.Archive]. Messages are written by the
// caller of Add, forced to the disk and named by groups, each while the next one
// is being written.
type maildirArchive struct {
	dir   string
	o     protocols.ArchiveOptions
	held  *os.File // tmp, locked for this process
	group []*delivery
	bytes int64

	busy sync.WaitGroup // the group that is being settled
	mu   sync.Mutex
	err  error // of a group; sticky

	names map[string]string // key to path; nil: not read yet
}

// OpenArchive opens the maildir name for a run that brings it up to date, and
// makes it when it is missing. A second run at the same time is refused with an
// error of class [protocols.ErrBusy]. What a killed run left in tmp is removed.
func (m *Maildir) OpenArchive(_ context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	a, err := openMaildir(name, *o)
	if err != nil {
		return nil, m.wrap(err, "sync", name)
	}
	return a, nil
}

func openMaildir(dir string, o protocols.ArchiveOptions) (*maildirArchive, error) {
	a := &maildirArchive{dir: dir, o: o}
	if _, _, file := cutMessage(dir); file != "" {
		return nil, protocols.UsageError("maildir", "", "this is a message, not a maildir")
	}
	if o.ReadOnly {
		return a, nil
	}
	if err := makeMaildir(dir); err != nil {
		return nil, err
	}
	var err error
	if a.held, err = os.Open(filepath.Join(dir, "tmp")); err != nil {
		return nil, err
	}
	if err := holdAlone(a.held, dir); err != nil {
		a.held.Close()
		return nil, err
	}
	a.sweep()
	return a, nil
}

// holdAlone locks an open file or folder for this process. A file system without
// locks is no error.
func holdAlone(f *os.File, name string) error {
	if heldByAnother(f) {
		return &protocols.Error{Kind: protocols.Local, Class: protocols.ErrBusy, Text: name + " is in use by another run"}
	}
	return nil
}

// sweep removes what killed runs left in tmp: nobody else writes such names while
// this one has the lock.
func (a *maildirArchive) sweep() {
	tmp := filepath.Join(a.dir, "tmp")
	namesIn(tmp, func(path string) bool {
		if keyOf(filepath.Base(path)) != "" {
			os.Remove(path)
		}
		return true
	})
}

// baseOf gives the base of the name for a message with a key. The time is part of
// it to the microsecond: no two messages have one name, even if they have one key.
func baseOf(key string) string {
	now := time.Now()
	return strconv.FormatInt(now.Unix(), 10) + ".M" + strconv.Itoa(now.Nanosecond()/1000) + ".K" + key + hostPart
}

// keyOf gives the key in a name; empty when it is not one of ours.
func keyOf(name string) string {
	base, _, _ := strings.Cut(name, ":")
	rest, ours := strings.CutSuffix(base, hostPart)
	_, key, found := strings.Cut(rest, ".K")
	if !ours || !found || !isKey(key) {
		return ""
	}
	return key
}

// Mark is empty: keys tell all there is to know.
func (a *maildirArchive) Mark() string { return "" }

// Add writes a message to tmp.
func (a *maildirArchive) Add(_ context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly || !isKey(key) {
		return protocols.UsageError("maildir", "sync", "nothing can be added, or not under the key "+strconv.Quote(key))
	}
	if err := a.failed(); err != nil {
		return err
	}
	d := &delivery{dir: a.dir, base: baseOf(key), key: key}
	var flags []string
	if e.MessageInfo != nil {
		flags = e.Flags
	}
	d.folder, d.name = placeOf(d.base, flags)
	src := &source{r: body}
	if err := d.write(src, e.Modified); err != nil {
		d.abort()
		if src.err != nil {
			return src.err
		}
		return localError(err)
	}
	a.group, a.bytes = append(a.group, d), a.bytes+d.size
	if a.o.Each {
		return a.Flush(context.Background())
	}
	if len(a.group) >= groupFiles || a.bytes >= groupBytes {
		a.settle()
	}
	return nil
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

// WriteTo keeps the fast path of the reader open.
func (s *source) WriteTo(w io.Writer) (int64, error) {
	k := &sink{w: w}
	n, err := io.Copy(k, s.r)
	if err != nil && k.err == nil {
		s.err = err
	}
	return n, err
}

// sink remembers whether it was the writer that failed.
type sink struct {
	w   io.Writer
	err error
}

func (k *sink) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if err != nil {
		k.err = err
	}
	return n, err
}

// localError gives an error of the disk its kind; others keep theirs.
func localError(err error) error {
	if _, ok := errors.AsType[*protocols.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &protocols.Error{Kind: protocols.Local, Err: err}
}

func (a *maildirArchive) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// settle hands the group over to a goroutine, when it is done with the one before.
func (a *maildirArchive) settle() {
	a.busy.Wait()
	group := a.group
	a.group, a.bytes = nil, 0
	if len(group) == 0 {
		return
	}
	a.busy.Go(func() {
		a.forceAll(group)
		if err := a.name(group); err != nil {
			a.mu.Lock()
			a.err = err
			a.mu.Unlock()
		}
	})
}

// forceAll forces the files of a group to the disk, some side by side.
func (a *maildirArchive) forceAll(group []*delivery) {
	if a.o.NoSync {
		return
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, forcers)
	for _, d := range group {
		slots <- struct{}{}
		all.Go(func() {
			d.err = d.force()
			<-slots
		})
	}
	all.Wait()
}

// name gives the files of a group their names, and tells of them when the names
// are on the disk too.
func (a *maildirArchive) name(group []*delivery) error {
	touched := map[string]bool{}
	for _, d := range group {
		if d.err == nil {
			d.err = d.finish()
		}
		if d.err != nil {
			d.abort()
			continue
		}
		touched[d.folder] = true
	}
	if !a.o.NoSync {
		for folder := range touched {
			if err := syncFolder(filepath.Join(a.dir, folder)); err != nil {
				return localError(err)
			}
		}
	}
	if a.o.Stored == nil {
		return nil
	}
	for _, d := range group {
		err := d.err
		if err != nil {
			err = localError(err)
		}
		if err := a.o.Stored(d.key, d.size, err); err != nil {
			return err
		}
	}
	return nil
}

// Flush waits until all that was added has its name.
func (a *maildirArchive) Flush(context.Context) error {
	a.settle()
	a.busy.Wait()
	return a.failed()
}

// Keys lists the messages that have a key.
func (a *maildirArchive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		for path, err := range files(a.dir) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if errors.Is(err, errNotExist) && a.o.ReadOnly {
				return // not made yet
			}
			if err != nil {
				yield(protocols.Entry{}, localError(err))
				return
			}
			key := keyOf(filepath.Base(path))
			if key == "" {
				continue
			}
			_, flags := cutInfo(filepath.Base(path))
			e := protocols.Entry{ID: key, Path: path, MessageInfo: &protocols.MessageInfo{Flags: flags}}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// path gives the file of a key; empty when it is not there.
func (a *maildirArchive) path(ctx context.Context, key string) (string, error) {
	if a.names == nil {
		a.names = map[string]string{}
		for e, err := range a.Keys(ctx) {
			if err != nil {
				return "", err
			}
			a.names[e.ID] = e.Path
		}
	}
	return a.names[key], nil
}

// SetFlags renames a message so that its name tells the flags. Flags that a maildir
// has no letter for are not kept.
func (a *maildirArchive) SetFlags(ctx context.Context, key string, flags []string) error {
	path, err := a.path(ctx, key)
	if err != nil || path == "" {
		return err
	}
	base, _ := cutInfo(filepath.Base(path))
	to := filepath.Join(a.dir, "cur", base+infoMark+strings.TrimPrefix(info(flags), infoMark))
	if err := os.Rename(path, to); err != nil && !errors.Is(err, errNotExist) {
		return localError(err)
	}
	a.names[key] = to
	return nil
}

// Delete removes messages.
func (a *maildirArchive) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		path, err := a.path(ctx, key)
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, errNotExist) {
			return localError(err)
		}
		delete(a.names, key)
	}
	return nil
}

// Close frees the maildir. What was added and not flushed is removed.
func (a *maildirArchive) Close() error {
	a.busy.Wait()
	for _, d := range a.group {
		d.abort()
	}
	a.group = nil
	if a.held == nil {
		return nil
	}
	return a.held.Close()
}

// StatePath gives a hidden file in the maildir, which no mail program takes for a
// folder.
func (m *Maildir) StatePath(name, source string) (string, error) {
	return filepath.Join(name, ".netclients-"+source), nil
}

// OpenMailbox opens a maildir as a source: its messages are known by the unique
// part of their names.
func (m *Maildir) OpenMailbox(_ context.Context, name string) (*protocols.Mailbox, error) {
	if !isMaildir(name) {
		return nil, m.wrap(&protocols.Error{Kind: protocols.Local, Class: errNotExist, Text: "no maildir"}, "sync", name)
	}
	return localMailbox(name, func(ctx context.Context, yield func(protocols.Entry) bool) error {
		return m.wrap(m.list(ctx, name, false, yield), "sync", name)
	}), nil
}

// localMailbox is a mailbox that is listed as a whole each time.
func localMailbox(name string, list func(ctx context.Context, yield func(protocols.Entry) bool) error) *protocols.Mailbox {
	box := &protocols.Mailbox{Account: "local", Name: name}
	box.Changes = func(ctx context.Context, _ string) iter.Seq2[protocols.Entry, error] {
		box.Complete = false
		return func(yield func(protocols.Entry, error) bool) {
			err := list(ctx, func(e protocols.Entry) bool { return yield(e, nil) })
			if err != nil && !errors.Is(err, errEnough) {
				yield(protocols.Entry{}, err)
			}
			box.Complete = err == nil
		}
	}
	return box
}
