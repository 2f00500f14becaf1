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
	"github.com/netclients/netclients/protocols/file"
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
	flags map[string][]string // by key, to be written

	missing bool // there was no file when it was opened
}

// Emptied reports whether the file was not there: what earlier runs stored has been
// removed with it.
func (a *mboxArchive) Emptied() bool { return a.missing }

// added is a message in the spool.
type added struct {
	key  string
	size int64
}

// OpenArchive opens the file name for a run that brings it up to date.
func (m *Mbox) OpenArchive(ctx context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	if _, number := cutNumber(name); number > 0 {
		return nil, m.wrap(protocols.UsageError("mbox", "sync", "this is a message, not an mbox"), "sync", name)
	}
	var a *mboxArchive
	err := m.do(ctx, "sync", name, func(ctx context.Context) (err error) {
		a, err = openMbox(ctx, name, *o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// openMbox opens an mbox to append to. An append that a killed run could not finish
// is undone.
func openMbox(ctx context.Context, path string, o protocols.ArchiveOptions) (*mboxArchive, error) {
	_, err := os.Stat(path)
	a := &mboxArchive{path: path, o: o, missing: errors.Is(err, errNotExist)}
	if o.ReadOnly {
		return a, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := writable(ctx, path); err != nil {
		return nil, err
	}
	if err := a.repair(ctx); err != nil {
		return nil, err
	}
	a.spool, err = newSpool(filepath.Dir(path))
	return a, err
}

// writable reports, before anything is fetched for it, why an mbox cannot be written.
func writable(ctx context.Context, path string) error {
	f, err := file.Open(ctx, path, file.RuleMailbox, os.O_RDWR, 0)
	if errors.Is(err, errNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// intent names the file that says what an append is doing: offset and length.
func (a *mboxArchive) intent() string {
	dir, base := filepath.Split(a.path)
	return dir + "." + base + ".netclients-append"
}

// repair undoes an append that was cut off: everything after its offset, up to the
// first message of another program, is ours.
func (a *mboxArchive) repair(ctx context.Context) error {
	text, err := a.promised()
	if errors.Is(err, errNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var offset, length int64
	if n, _ := fmt.Sscan(text, &offset, &length); n != 2 || offset < 0 || length < 0 {
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
	// A line "From " that was cut off is a message like others after this one.
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
	return apply(f, []edit{{start: offset, end: foreign}})
}

// Mark is empty: keys tell all there is to know.
func (a *mboxArchive) Mark() string { return "" }

// Add puts a message into the spool.
func (a *mboxArchive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly || !isKey(key) {
		return protocols.UsageError("mbox", "sync", "cannot add: the archive is read-only, or the key is invalid: "+strconv.Quote(key))
	}
	src := &source{r: body}
	before := a.spool.size
	var flags []string
	if e.MessageInfo != nil {
		flags = e.Flags
	}
	if err := a.spool.add(key, flags, protocols.MessageTime(e), src); err != nil {
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

// Flush appends the spool, and reports its messages. Then it writes flags.
func (a *mboxArchive) Flush(ctx context.Context) error {
	if a.spool != nil && a.spool.size > 0 {
		if err := a.flush(ctx); err != nil {
			return localError(err)
		}
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
	flags := a.flags
	a.flags = nil
	if len(flags) == 0 {
		return nil
	}
	return rewrite(ctx, a.path, func(f io.ReaderAt, s span) (*edit, error) {
		key := keyOfFrom(s.from)
		if _, ours := flags[key]; !ours {
			return nil, nil
		}
		return reflag(f, s, key, flags[key])
	})
}

// reflag returns the edit that changes the flags of a message.
func reflag(f io.ReaderAt, s span, key string, flags []string) (*edit, error) {
	body, err := content(f, s)
	head, fields := fromHead(key, flags)
	_, date, _ := strings.Cut(strings.TrimPrefix(s.from, fromMark), " ")
	return &edit{s.start, body, head + " " + date + "\n" + fields}, err
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
		_ = l.Truncate(end)
		return err
	}
	return os.Remove(a.intent())
}

// promised reads what promise wrote down. Another user's word for it is not taken:
// what was appended is cut off.
func (a *mboxArchive) promised() (string, error) {
	dir, err := os.OpenRoot(filepath.Dir(a.path))
	if err != nil {
		return "", err
	}
	defer dir.Close()
	f, err := file.OpenOwn(dir, filepath.Base(a.intent()), os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 100))
	return string(text), err
}

// promise writes down what will be appended before it is.
func (a *mboxArchive) promise(offset, length int64) error {
	dir, err := os.OpenRoot(filepath.Dir(a.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(a.intent())
	f, err := file.Anew(dir, name+".new", 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d %d\n", offset, length)
	if err == nil && !a.o.NoSync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return dir.Rename(name+".new", name)
}

// endLine ends the last line of a file that some program left without its end, and
// adds the empty line that separates messages.
func endLine(f *os.File, end int64) (int64, error) {
	if end == 0 {
		return 0, nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], end-1); err != nil || last[0] == '\n' {
		return end, err
	}
	n, err := f.WriteString("\n\n")
	return end + int64(n), err
}

// Keys lists the messages that have a key.
func (a *mboxArchive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		f, err := file.Open(ctx, a.path, file.RuleNamed, os.O_RDONLY, 0)
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

// SetFlags notes flags, which Flush writes.
func (a *mboxArchive) SetFlags(_ context.Context, key string, flags []string) error {
	if a.flags == nil {
		a.flags = map[string][]string{}
	}
	a.flags[key] = flags
	return nil
}

// Delete writes the file anew without some messages.
func (a *mboxArchive) Delete(ctx context.Context, keys []string) error {
	doomed := map[string]bool{}
	for _, k := range keys {
		doomed[k] = true
	}
	if len(doomed) == 0 {
		return nil
	}
	return rewrite(ctx, a.path, without(func(s span) bool { return doomed[keyOfFrom(s.from)] }))
}

// Close frees the spool.
func (a *mboxArchive) Close() error {
	if a.spool == nil {
		return nil
	}
	return a.spool.close()
}

// StatePath returns a hidden file beside the mbox.
func (m *Mbox) StatePath(name, source string) (string, error) {
	dir, base := filepath.Split(name)
	return dir + "." + base + ".netclients-" + source, nil
}

// OpenMailbox opens an mbox as a source. Messages of an archive are known by their
// keys, others by where they lie.
func (m *Mbox) OpenMailbox(ctx context.Context, name string) (*protocols.Mailbox, error) {
	err := m.do(ctx, "sync", name, func(context.Context) error {
		_, err := os.Stat(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m.source(name, m.list), nil
}
