package delivery

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// spoolMemory is how much of a message is in memory; longer ones are in a file.
const spoolMemory = 1 << 20

// spooled is a message that has come to its end, so that its delivery will.
type spooled struct {
	held []byte
	file *os.File // nil: all is held
	size int64
}

// spool reads a message. The caller closes it.
func spool(body io.Reader) (*spooled, error) {
	m := &spooled{}
	var buf bytes.Buffer
	n, err := io.CopyN(&buf, body, spoolMemory)
	m.held, m.size = buf.Bytes(), n
	if err == io.EOF {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if m.file, err = os.CreateTemp("", "netclients-message-*"); err != nil {
		return nil, local(err)
	}
	os.Remove(m.file.Name()) // it goes when it is closed, or then, where open files cannot be removed
	in := &source{r: body}
	n, err = io.Copy(m.file, in)
	m.size += n
	if err != nil {
		m.close()
		if in.err != nil {
			return nil, in.err
		}
		return nil, local(err)
	}
	return m, nil
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

func local(err error) error { return &protocols.Error{Kind: protocols.KindLocal, Err: err} }

func (m *spooled) close() {
	if m.file != nil {
		m.file.Close()
		os.Remove(m.file.Name())
	}
}

func (m *spooled) content() io.Reader {
	if m.file == nil {
		return bytes.NewReader(m.held)
	}
	return io.MultiReader(bytes.NewReader(m.held), io.NewSectionReader(m.file, 0, m.size-int64(len(m.held))))
}

// reader returns the content. last is called before the last bytes are handed out, each
// time; its error is the reader's. The reader can go back to its start.
func (m *spooled) reader(last func() error) io.ReadSeeker {
	return &lastReader{m: m, left: m.size, r: m.content(), last: last}
}

// lastReader reports before it hands out the last bytes.
type lastReader struct {
	m    *spooled
	left int64
	r    io.Reader
	last func() error
}

func (l *lastReader) Read(p []byte) (int, error) {
	if l.left > 0 && l.left <= int64(len(p)) {
		if err := l.last(); err != nil {
			return 0, local(err)
		}
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// Seek goes back to the start, or says where the reader is.
func (l *lastReader) Seek(offset int64, whence int) (int64, error) {
	switch {
	case whence == io.SeekCurrent && offset == 0:
		return l.m.size - l.left, nil
	case whence == io.SeekStart && offset == 0:
		l.r, l.left = l.m.content(), l.m.size
		return 0, nil
	}
	return 0, os.ErrInvalid
}

// returnPath returns the address in the first field Return-Path of the header; empty when
// there is none, or none that can be read.
func (m *spooled) returnPath() string {
	for in := bufio.NewReader(bytes.NewReader(m.held)); ; {
		line, err := in.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimRight(name, " \t"), "Return-Path") {
			_, value, _ = strings.Cut(value, "<")
			address, _, closed := strings.Cut(value, ">")
			if !closed || strings.ContainsAny(address, " \t\r\n<>") {
				return ""
			}
			return address
		}
		if line == "" || err != nil {
			return ""
		}
	}
}
