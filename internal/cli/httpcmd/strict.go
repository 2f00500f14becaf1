package httpcmd

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/http/hsts"
)

// strictFile is the file of --hsts: hosts that want HTTPS only.
type strictFile struct {
	*hsts.Store
	path string

	mu   sync.Mutex
	last []byte // as it stands in the file
}

// openStrict reads the file. One that is missing is made, so that a place where it cannot
// be is told at once.
func openStrict(path string) (*strictFile, error) {
	s := &strictFile{Store: hsts.New(), path: path}
	b, err := readKept(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, replaceFile(path, nil)
	}
	if err != nil {
		return nil, err
	}
	if s.path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	s.last = b
	return s, s.Load(bytes.NewReader(b), time.Now())
}

// save writes the file, when something has changed.
func (s *strictFile) save() error {
	var b bytes.Buffer
	if err := s.Save(&b, time.Now()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(b.Bytes(), s.last) {
		return nil
	}
	s.last = b.Bytes()
	return replaceFile(s.path, b.Bytes())
}
