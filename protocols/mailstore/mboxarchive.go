package mailstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

const (
	spoolMessages = 500
	spoolBytes    = 8 << 20
)

// mboxArchive is an open [protocols.Archive]. Messages are gathered in a spool and
// appended by groups.
type mboxArchive struct {
	path  string
	o     protocols.ArchiveOptions
	spool *spool
	added []added
}

// added is a message in the spool.
type added struct {
	key  string
	size int64
}

// OpenArchive opens the file name for a run that brings it up to date. An append
// that a killed run could not finish is undone. Flags are not kept.
func (m *Mbox) OpenArchive(ctx context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	if _, number := cutNumber(name); number > 0 {
		return nil, m.wrap(protocols.UsageError("mbox", "sync", "this is a message, not an mbox"), "sync", name)
	}
	a, err := openMbox(name, *o)
	if err == nil && !o.ReadOnly {
		err = a.repair(ctx)
	}
	if err != nil {
		return nil, m.wrap(err, "sync", name)
	}
	return a, nil
}

func openMbox(path string, o protocols.ArchiveOptions) (*mboxArchive, error) {
	a := &mboxArchive{path: path, o: o}
	if o.ReadOnly {
		return a, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	var err error
	a.spool, err = newSpool(filepath.Dir(path))
	return a, err
}

// intent names the file that says what an append is doing: offset and length.
func (a *mboxArchive) intent() string {
	dir, base := filepath.Split(a.path)
	return dir + "." + base + ".netclients-append"
}

// repair undoes an append that was cut off: what lies behind its offset, up to the
// first message of another program, is ours.
func (a *mboxArchive) repair(ctx context.Context) error {
	text, err := os.ReadFile(a.intent())
	if errors.Is(err, errNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var offset, length int64
	if n, _ := fmt.Sscan(string(text), &offset, &length); n != 2 || offset < 0 || length < 0 {
		return os.Remove(a.intent()) // nothing was appended before it was whole
	}
	l, err := lockMbox(ctx, a.path)
	if err != nil {
		return err
	}
	defer l.unlock()
	if err := a.undo(l.File, offset, length); err != nil {
		return err
	}
	return os.Remove(a.intent())
}

func (a *mboxArchive) undo(f *os.File, offset, length int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() <= offset {
		return err // nothing of it is there
	}
	// A line "From " that was cut off is a message like others behind this one.
	const before = "From netclients Thu Jan  1 00:00:00 1970\n"
	foreign := int64(-1)
	rest := io.MultiReader(strings.NewReader(before), io.NewSectionReader(f, offset, info.Size()-offset))
	_, err = scan(rest, offset-int64(len(before)), func(s span) error {
		if s.start >= offset && keyOfFrom(s.from) == "" && foreign < 0 {
			foreign = s.start
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case foreign == offset+length || foreign < 0 && info.Size() == offset+length:
		return nil // all of it is there
	case foreign < 0:
		return f.Truncate(offset)
	}
	return cutOut(f, a.path, []hole{{offset, foreign}})
}

// Mark is empty: keys tell all there is to know.
func (a *mboxArchive) Mark() string { return "" }

const senderMark = "netclients-"

func keyOfFrom(from string) string {
	key, host, _ := strings.Cut(strings.TrimPrefix(senderOf(from), senderMark), "@")
	if host != "localhost" || !isKey(key) {
		return ""
	}
	return key
}

// Add puts a message into the spool.
func (a *mboxArchive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly || !isKey(key) {
		return protocols.UsageError("mbox", "sync", "nothing can be added, or not under the key "+strconv.Quote(key))
	}
	src := &source{r: body}
	before := a.spool.size
	if err := a.spool.add(senderMark+key+"@localhost", protocols.MessageTime(e), src); err != nil {
		if src.err != nil {
			return src.err
		}
		return localError(err)
	}
	a.added = append(a.added, added{key, a.spool.size - before})
	if a.o.Each || len(a.added) >= spoolMessages || a.spool.size >= spoolBytes {
		return a.Flush(ctx)
	}
	return nil
}

// Flush appends what is in the spool, and tells of it.
func (a *mboxArchive) Flush(ctx context.Context) error {
	if a.spool == nil || a.spool.size == 0 {
		return nil
	}
	if err := a.flush(ctx); err != nil {
		return localError(err)
	}
	list := a.added
	a.added = nil
	for _, d := range list {
		if a.o.Stored == nil {
			break
		}
		if err := a.o.Stored(d.key, d.size, nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *mboxArchive) flush(ctx context.Context) error {
	l, err := lockMbox(ctx, a.path)
	if err != nil {
		return err
	}
	defer l.unlock()
	end, err := l.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end, err = endLine(l.File, end); err != nil {
		return err
	}
	length := a.spool.size
	if err := a.promise(end, length); err != nil {
		return err
	}
	err = a.spool.appendTo(l.File)
	if err == nil && !a.o.NoSync {
		err = l.Sync()
	}
	if err != nil {
		l.Truncate(end)
		return err
	}
	return os.Remove(a.intent())
}

// promise writes down what will be appended before it is.
func (a *mboxArchive) promise(offset, length int64) error {
	temp := a.intent() + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	fmt.Fprintf(f, "%d %d\n", offset, length)
	if !a.o.NoSync {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp, a.intent())
}

// endLine ends the last line of a file that some program left without its end, so
// that the next message begins a line.
func endLine(f *os.File, end int64) (int64, error) {
	if end == 0 {
		return 0, nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], end-1); err != nil || last[0] == '\n' {
		return end, err
	}
	n, err := f.Write([]byte{'\n'})
	return end + int64(n), err
}

// Keys lists the messages that have a key.
func (a *mboxArchive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		f, err := os.Open(a.path)
		if errors.Is(err, errNotExist) {
			return
		}
		if err == nil {
			defer f.Close()
			number := 0
			_, err = scan(f, 0, func(s span) error {
				number++
				key := keyOfFrom(s.from)
				e := protocols.Entry{ID: key, Path: a.path + numberMark + strconv.Itoa(number), Size: s.end - s.body}
				if key != "" && !yield(e, nil) {
					return errEnough
				}
				return context.Cause(ctx)
			})
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(protocols.Entry{}, localError(err))
		}
	}
}

// SetFlags does nothing: flags in an mbox would change the messages.
func (a *mboxArchive) SetFlags(context.Context, string, []string) error { return nil }

// Delete writes the file anew without some messages.
func (a *mboxArchive) Delete(ctx context.Context, keys []string) error {
	doomed := map[string]bool{}
	for _, k := range keys {
		doomed[k] = true
	}
	if len(doomed) == 0 {
		return nil
	}
	return rewrite(ctx, a.path, func(s span) bool { return !doomed[keyOfFrom(s.from)] })
}

// Close frees the spool.
func (a *mboxArchive) Close() error {
	if a.spool == nil {
		return nil
	}
	return a.spool.close()
}

// rewrite writes an mbox anew with the messages that keep keeps.
func rewrite(ctx context.Context, path string, keep func(span) bool) error {
	l, err := lockMbox(ctx, path)
	if err != nil {
		return localError(err)
	}
	defer l.unlock()
	holes, err := unwanted(l.File, keep)
	if err == nil {
		err = cutOut(l.File, path, holes)
	}
	if err != nil {
		return localError(err)
	}
	return nil
}

// hole is a part of a file that goes.
type hole struct{ start, end int64 }

// unwanted gives the parts of an mbox that keep does not keep.
func unwanted(f *os.File, keep func(span) bool) ([]hole, error) {
	var holes []hole
	open := false // the last hole goes on to the next message
	end, err := scan(f, 0, func(s span) error {
		if open {
			holes[len(holes)-1].end = s.start
		}
		if open = !keep(s); open {
			holes = append(holes, hole{start: s.start})
		}
		return nil
	})
	if open {
		holes[len(holes)-1].end = end
	}
	return holes, err
}

// cutOut writes a locked file without some parts to a temporary one beside it,
// which then takes its name.
func cutOut(f *os.File, path string, holes []hole) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".netclients-*"+protocols.PartSuffix)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	pos := int64(0)
	for _, h := range append(holes, hole{info.Size(), info.Size()}) {
		if _, err := io.Copy(temp, io.NewSectionReader(f, pos, h.start-pos)); err != nil {
			return err
		}
		pos = h.end
	}
	if err := errors.Join(temp.Chmod(info.Mode().Perm()), temp.Sync()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// StatePath gives a hidden file beside the mbox.
func (m *Mbox) StatePath(name, source string) (string, error) {
	dir, base := filepath.Split(name)
	return dir + "." + base + ".netclients-" + source, nil
}

// OpenMailbox opens an mbox as a source. Messages of an archive are known by their
// keys, others by where they lie.
func (m *Mbox) OpenMailbox(_ context.Context, name string) (*protocols.Mailbox, error) {
	if _, err := os.Stat(name); err != nil {
		return nil, m.wrap(err, "sync", name)
	}
	return localMailbox(name, func(ctx context.Context, yield func(protocols.Entry) bool) error {
		return m.wrap(m.list(ctx, name, false, yield), "sync", name)
	}), nil
}
