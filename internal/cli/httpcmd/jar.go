package httpcmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
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
	real string // where path leads to: a link of the user's own stays
	lwp  bool   // the format of libwww-perl
	mu   sync.Mutex
	last []byte // as it stands in the file
}

func newJarFile(path string, lwp bool) *jarFile {
	return &jarFile{Jar: http.NewJar(), path: path, real: path, lwp: lwp}
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
	if !isJar(b) {
		return &protocols.Error{Kind: protocols.KindLocal, Text: j.path + " is not a cookie file", Hint: "it is left unchanged; name another file"}
	}
	if j.real, err = filepath.EvalSymlinks(j.path); err != nil { // its links were checked when it was opened
		return err
	}
	j.last, j.lwp = b, j.lwp || bytes.HasPrefix(b, []byte(http.LWPHead))
	return j.Load(bytes.NewReader(b), time.Now())
}

// jarHeads begin files of cookies: ours and those of other programs.
var jarHeads = []string{"# Netscape HTTP Cookie File", "# HTTP Cookie File", "#LWP-Cookies-"}

// isJar reports whether a file may be replaced by a file of cookies: it is empty, begins as
// such files do, or holds more than comments. Lines that are no cookies are refused later.
func isJar(b []byte) bool {
	if len(bytes.TrimSpace(b)) == 0 {
		return true
	}
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && (line[0] != '#' || bytes.HasPrefix(line, []byte("#HttpOnly_"))) {
			return true
		}
	}
	return slices.ContainsFunc(jarHeads, func(head string) bool { return bytes.HasPrefix(b, []byte(head)) })
}

// maxJar is what is read of a file; a full jar has less.
const maxJar = 32 << 20

// read reads the file. It never waits: a FIFO is refused.
func (j *jarFile) read() ([]byte, error) { return readKept(j.path) }

func readKept(path string) ([]byte, error) {
	f, err := file.Open(context.Background(), path, file.RulePrivate, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxJar+1))
	if err == nil && len(b) > maxJar {
		err = &protocols.Error{Kind: protocols.KindLocal, Text: path + " is too large for a file of this kind"}
	}
	return b, err
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

// write replaces the file.
func (j *jarFile) write(content []byte) error { return replaceFile(j.real, content) }

// replaceFile replaces a file in one step. Only its owner may read it.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".netclients-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
