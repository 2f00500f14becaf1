package file

import (
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Durability says when written files are forced to the disk.
type Durability int

// The values of --durability.
const (
	Group Durability = iota // before the work is reported as done; many files at once where there are many
	Each                    // every file before it gets its name, and its folder after that
	None                    // when the system likes
)

// RecordSuffix ends the name of the record that says what a part is a part of.
const RecordSuffix = protocols.PartSuffix + ".json"

// Temp is a file that is being written under a temporary name, in the folder
// that will hold it. Commit gives it its name; Abort or Keep ends it otherwise.
// Each of the three may follow the others, and then does nothing.
type Temp struct {
	*os.File
	Modified time.Time   // set by Finish when not zero
	Mode     fs.FileMode // exact permission bits, set by Finish; 0: as it was made
	New      bool        // Commit replaces nothing: what has the name is an error of class fs.ErrExist

	dir  *os.Root
	name string
	temp string
	done bool
}

// CreateTemp makes a new file with a random name beside name, below dir, which
// must stay open until the Temp is done. Its mode is perm less the umask.
func CreateTemp(dir *os.Root, name string, perm fs.FileMode) (*Temp, error) {
	folder, base := split(name)
	temp := folder + "." + cut(base, 200) + "." + rand.Text()[:10] + protocols.PartSuffix
	f, err := dir.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm.Perm())
	if err != nil {
		return nil, err
	}
	return &Temp{File: f, dir: dir, name: name, temp: temp}, nil
}

// CreatePart makes the temporary file whose name follows from name, so that a
// later run finds it. One that exists is removed first.
func CreatePart(dir *os.Root, name string, perm fs.FileMode) (*Temp, error) {
	temp := PartName(name)
	f, err := Anew(dir, temp, perm)
	if err != nil {
		return nil, err
	}
	return &Temp{File: f, dir: dir, name: name, temp: temp}, nil
}

// OpenPart opens the temporary file that an earlier run left, at the offset at.
// The rest after the offset is cut off. Anything but a file as [OpenOwn] takes
// it, of at least that size, is an error.
func OpenPart(dir *os.Root, name string, at int64) (*Temp, error) {
	temp := PartName(name)
	f, err := OpenOwn(dir, temp, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	t := &Temp{File: f, dir: dir, name: name, temp: temp}
	info, err := f.Stat()
	if err == nil && info.Size() < at {
		err = &fs.PathError{Op: "resume", Path: temp, Err: fs.ErrInvalid}
	}
	if err == nil {
		err = t.Rewind(at)
	}
	if err != nil {
		t.Keep()
		return nil, err
	}
	return t, nil
}

// PartName returns the name of the temporary file that belongs to name: the name
// and [protocols.PartSuffix], shortened where a file system would not take it.
func PartName(name string) string {
	folder, base := split(name)
	if short := cut(base, 200); short != base {
		base = short + "~" + hash(base)
	}
	return folder + base + protocols.PartSuffix
}

// RecordName returns the name of the record beside the part of name.
func RecordName(name string) string {
	return strings.TrimSuffix(PartName(name), protocols.PartSuffix) + RecordSuffix
}

// IsPart reports whether a name is one that [CreateTemp], [CreatePart] or the
// record beside a part has: never content.
func IsPart(name string) bool {
	return strings.HasSuffix(name, protocols.PartSuffix) || strings.HasSuffix(name, RecordSuffix)
}

// Rename changes the name that the file gets from Commit.
func (t *Temp) Rename(name string) { t.name = name }

// Another opens the same file once more, at the offset at, for a second writer.
// The caller closes it.
func (t *Temp) Another(at int64) (*os.File, error) {
	f, err := t.dir.OpenFile(t.temp, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Rewind cuts the file off at the offset at, and goes on writing there.
func (t *Temp) Rewind(at int64) error {
	if err := t.Truncate(at); err != nil {
		return err
	}
	_, err := t.Seek(at, io.SeekStart)
	return err
}

// Finish sets mode and time, the last thing before Sync and Commit.
func (t *Temp) Finish() error {
	if t.Mode != 0 {
		if err := t.Chmod(t.Mode.Perm()); err != nil {
			return err
		}
	}
	if t.Modified.IsZero() {
		return nil
	}
	return t.dir.Chtimes(t.temp, time.Time{}, t.Modified)
}

// Commit closes the file and gives it its name. A file of that name is replaced
// in one step; a folder of that name is an error. On error the temporary file is
// still there, for Abort.
func (t *Temp) Commit() error {
	if t.done {
		return nil
	}
	if err := t.Close(); err != nil {
		return err
	}
	if t.New {
		if err := t.claim(); err != nil {
			return err
		}
	}
	if err := t.dir.Rename(t.temp, t.name); err != nil {
		if t.New {
			t.dir.Remove(t.name)
		}
		return err
	}
	t.done = true
	return nil
}

// Store is Finish, Sync and Commit as d says; on error the temporary file is gone.
func (t *Temp) Store(d Durability) error {
	err := t.Finish()
	if err == nil && d != None {
		err = t.Sync()
	}
	if err == nil {
		err = t.Commit()
	}
	if err != nil {
		t.Abort()
		return err
	}
	if d != Each {
		return nil
	}
	folder, _ := split(t.name)
	return SyncFolder(t.dir, folder)
}

// Abort closes and removes the temporary file, and no other.
func (t *Temp) Abort() {
	if !t.done {
		t.done = true
		t.Close()
		t.dir.Remove(t.temp)
	}
}

// Keep closes the temporary file and leaves it for a later run.
func (t *Temp) Keep() {
	if !t.done {
		t.done = true
		t.Close()
	}
}

// SyncFolder forces the names in a folder to the disk. The empty name is dir itself.
// Windows has no such call: its file systems keep a journal of names.
func SyncFolder(dir *os.Root, name string) error {
	if !foldersSync(runtime.GOOS) {
		return nil
	}
	if name == "" {
		name = "."
	}
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// foldersSync reports whether a system forces an open folder to the disk. Windows
// refuses that to everybody who may not write to the folder as if it were a file.
func foldersSync(system string) bool { return system != "windows" }
