package mailstore

import (
	"io"
	"os"
	"path/filepath"
	"time"
)

// delivery is one message on its way into a maildir: it is written in tmp, forced
// to the disk, and moved to its folder.
type delivery struct {
	dir, base    string
	folder, name string
	key          string
	f            *os.File // nil: closed
	size         int64
	err          error
}

func (d *delivery) temp() string { return filepath.Join(d.dir, "tmp", d.base) }
func (d *delivery) path() string { return filepath.Join(d.dir, d.folder, d.name) }

// write makes the file and fills it.
func (d *delivery) write(r io.Reader, when time.Time) (err error) {
	if d.f, err = create(d.temp()); err != nil {
		return err
	}
	if d.size, err = io.Copy(plain{d.f}, r); err != nil {
		return err
	}
	if when.IsZero() {
		return nil
	}
	return os.Chtimes(d.temp(), time.Time{}, when)
}

// plain hides ReadFrom, which for a message costs more than it gives.
type plain struct{ io.Writer }

func (d *delivery) force() error { return d.f.Sync() }

// finish closes the file and moves it to its place.
func (d *delivery) finish() error {
	err := d.f.Close()
	d.f = nil
	if err != nil {
		return err
	}
	return rename(d.temp(), d.path())
}

// abort removes what is there of a message that did not get its place.
func (d *delivery) abort() {
	if d.f != nil {
		d.f.Close()
		d.f = nil
	}
	os.Remove(d.temp())
}
