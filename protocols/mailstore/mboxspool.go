package mailstore

import (
	"bufio"
	"io"
	"os"
	"time"
)

// spool gathers messages as an mbox holds them, in a file without a name, so that
// the mbox is locked for no longer than it takes to append them.
type spool struct {
	f    *os.File
	w    *bufio.Writer
	q    *quoter
	size int64 // of the whole messages in it
	buf  []byte
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, ".netclients-spool-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	s := &spool{f: f, w: bufio.NewWriterSize(f, 256<<10), buf: make([]byte, 64<<10)}
	s.q = &quoter{w: s.w}
	return s, nil
}

// add takes one message. What came of one that was cut short is taken back.
func (s *spool) add(key string, flags []string, when time.Time, r io.Reader) error {
	if when.IsZero() {
		when = time.Now()
	}
	head, fields := fromHead(key, flags)
	s.w.WriteString(head + " " + when.UTC().Format(time.ANSIC) + "\n" + fields)
	_, err := io.CopyBuffer(s.q, r, s.buf)
	if err == nil {
		err = s.q.end()
	}
	if err == nil {
		s.w.WriteByte('\n')
		err = s.w.Flush()
	}
	if err != nil {
		_ = s.cutTo(s.size)
		return err
	}
	s.size, err = s.f.Seek(0, io.SeekCurrent)
	return err
}

// cutTo drops the rest after size.
func (s *spool) cutTo(size int64) error {
	s.w.Reset(s.f)
	s.q.inner, s.q.got = false, 0
	err := s.f.Truncate(size)
	if err == nil {
		_, err = s.f.Seek(size, io.SeekStart)
	}
	s.size = size
	return err
}

// appendTo writes all of the spool to the end of f, and empties it.
func (s *spool) appendTo(f *os.File) error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(f, io.LimitReader(s.f, s.size)); err != nil {
		return err
	}
	return s.cutTo(0)
}

func (s *spool) close() error { return s.f.Close() }
