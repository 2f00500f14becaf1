package httpcmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/http"
)

// timeParse is time.Parse in the local zone.
func timeParse(form, text string) (time.Time, error) {
	return time.ParseInLocation(form, text, time.Local)
}

// jarFile is a jar that is kept in a file, or in none when the path is empty.
type jarFile struct {
	*http.Jar
	path string
	lwp  bool // the format of libwww-perl
	mu   sync.Mutex
	last []byte // as it stands in the file
}

func newJarFile(path string, lwp bool) *jarFile {
	return &jarFile{Jar: http.NewJar(), path: path, lwp: lwp}
}

// load reads the file. One that is missing is made, so that a place where it
// cannot be is told at once and not after the work.
func (j *jarFile) load() error {
	if j.path == "" {
		return nil
	}
	b, err := j.read()
	if errors.Is(err, fs.ErrNotExist) {
		return j.write(nil)
	}
	if err != nil {
		return err
	}
	j.last, j.lwp = b, j.lwp || bytes.HasPrefix(b, []byte(http.LWPHead))
	return j.Load(bytes.NewReader(b), time.Now())
}

// read reads the file. It never waits: a FIFO is refused.
func (j *jarFile) read() ([]byte, error) {
	f, err := file.Open(context.Background(), j.path, file.RulePrivate, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// save writes the file, when something has changed. Cookies of a session are kept
// too: a session is more than one command.
func (j *jarFile) save() error {
	if j.path == "" {
		return nil
	}
	var b bytes.Buffer
	save := j.Save
	if j.lwp {
		save = j.SaveLWP
	}
	if err := save(&b, true, time.Now()); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if bytes.Equal(b.Bytes(), j.last) {
		return nil
	}
	j.last = b.Bytes()
	return j.write(b.Bytes())
}

// write replaces the file in one step. Only its owner may read it.
func (j *jarFile) write(content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(j.path), ".cookies-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
