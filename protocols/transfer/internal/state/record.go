package state

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols/file"
)

// record is a file of lines that only grows: MARK NAME VALUE. What a run was killed over
// is at most the last line; it is dropped when the file is next opened. One process has
// it open at a time. Lines with the mark = are about the whole. Values are written as in
// the query of a URL.
type record struct {
	Path   string
	Values map[string]string
	format format
	f      *os.File // nil: read only
	w      *bufio.Writer
	lines  int
}

func newRecord(path string, k format) record {
	return record{Path: path, format: k, Values: map[string]string{}}
}

// read reads the file without writing anything; take gets the lines that are not about
// the whole. One that is not there is empty.
func (st *record) read(ctx context.Context, take func(mark, name, value string)) error {
	f, err := file.Open(ctx, st.Path, file.RulePrivate, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := st.format.check(f, st.Path); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = st.load(f, take)
	return err
}

// open opens or makes the file, and reads it.
func (st *record) open(ctx context.Context, take func(mark, name, value string)) error {
	f, err := st.format.open(ctx, st.Path)
	if err != nil {
		return err
	}
	st.Path = f.Name() // links followed
	end, err := st.load(f, take)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return err
	}
	st.f, st.w = f, bufio.NewWriterSize(f, 64<<10)
	return nil
}

// load reads all whole lines and returns where they end.
func (st *record) load(f io.Reader, take func(mark, name, value string)) (end int64, err error) {
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		if err == io.EOF {
			return end, nil
		}
		if err == errLongLine {
			return end, tooLong(st.Path)
		}
		if err != nil {
			return end, err
		}
		end += int64(len(line))
		st.lines++
		mark, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		name, coded, _ := strings.Cut(rest, " ")
		value, err := url.QueryUnescape(coded)
		switch {
		case err != nil: // none of ours
		case mark == "=" && value == "" && name != "validity":
			delete(st.Values, name)
		case mark == "=" && name != "":
			st.Values[name] = value
		default:
			take(mark, name, value)
		}
	}
}

// Value returns a value about the whole; empty when there is none.
func (st *record) Value(name string) string { return st.Values[name] }

// Set changes a value; one that is as it was costs nothing.
func (st *record) Set(name, value string) {
	if old, known := st.Values[name]; known && old == value || !known && value == "" && name != "validity" {
		return
	}
	if st.Values[name] = value; value == "" && name != "validity" {
		delete(st.Values, name)
	}
	st.line("=", name, value)
}

// line appends a line; the writer keeps an error for Sync. What is only read is
// changed in memory alone.
func (st *record) line(mark, name, value string) {
	line := mark + " " + name + " " + url.QueryEscape(value) + "\n"
	if st.w == nil || len(line) > maxRecord {
		return // one that is too long could not be read again
	}
	st.w.WriteString(line)
}

// Sync writes what was added, and forces it to the disk unless d is None.
func (st *record) Sync(d file.Durability) error {
	if err := st.w.Flush(); err != nil || d == file.None {
		return err
	}
	return st.f.Sync()
}

// compact writes the file anew, without what is forgotten, and goes on with that; all
// writes the lines that are not about the whole.
func (st *record) compact(all func()) error {
	dir, err := os.OpenRoot(filepath.Dir(st.Path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(st.Path)
	temp, err := file.Anew(dir, name+".new", 0o600)
	if err != nil {
		return err
	}
	old := st.f
	st.f, st.w = temp, bufio.NewWriterSize(temp, 64<<10)
	st.w.WriteString(st.format.title + "\n")
	for name, value := range st.Values {
		st.line("=", name, value)
	}
	all()
	err = errors.Join(file.Hold(temp, st.Path), st.Sync(file.Group))
	if err == nil {
		err = dir.Rename(name+".new", name)
	}
	if err == nil {
		err = file.SyncFolder(dir, "")
	}
	return errors.Join(err, old.Close())
}

// Close writes what was added and frees the file.
func (st *record) Close() error {
	if st.f == nil {
		return nil
	}
	return errors.Join(st.w.Flush(), st.f.Close())
}

// texts numbers the texts of flags, which many messages share.
type texts struct {
	list   []string
	number map[string]uint32
}

// Number returns the number that stands for a text of flags.
func (t *texts) Number(flags string) uint32 {
	n, known := t.number[flags]
	if known {
		return n
	}
	if t.number == nil {
		t.number = map[string]uint32{}
	}
	n = uint32(len(t.list))
	t.list, t.number[flags] = append(t.list, flags), n
	return n
}

// Text returns the text of flags that a number stands for.
func (t *texts) Text(n uint32) string { return t.list[n] }
