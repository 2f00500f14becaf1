// Package upbody has the readers that HTTP requests' bodies go through: they may have to
// be sent again, be taken back, and must be as long as was announced. It implements no RFC.
package upbody

import (
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/netclients/netclients/protocols"
)

// Counter counts what is read.
type Counter struct {
	R io.Reader
	N int64 // bytes so far
}

// Read reads, and counts.
func (s *Counter) Read(p []byte) (int, error) {
	n, err := s.R.Read(p)
	s.N += int64(n)
	return n, err
}

// Seekable can be sent again.
type Seekable struct {
	*Counter
	S io.Seeker // the same source
}

// Seek goes to where the body is read again.
func (s Seekable) Seek(at int64, whence int) (int64, error) {
	s.N = 0
	return s.S.Seek(at, whence)
}

// File is what an *os.File can do.
type File interface {
	io.ReadSeeker
	Stat() (fs.FileInfo, error)
	Fd() uintptr
}

// Length returns how many bytes a reader will give as far as it knows, or -1.
func Length(r io.Reader) int64 {
	switch r := r.(type) {
	case File:
		info, err := r.Stat()
		at, serr := r.Seek(0, io.SeekCurrent)
		if err == nil && serr == nil && info.Mode().IsRegular() {
			return max(info.Size()-at, 0)
		}
	case interface{ Len() int }:
		return int64(r.Len())
	}
	return -1
}

// Exactly notes when all of a length was read, before that is sent.
type Exactly struct {
	In    io.Reader
	Left  int64
	Whole *atomic.Bool
}

// Read reads, and stores true in Whole with the last byte.
func (e *Exactly) Read(p []byte) (int, error) {
	n, err := e.In.Read(p)
	if e.Left -= int64(n); e.Left == 0 {
		e.Whole.Store(true)
	}
	return n, err
}

// TooLong is an error of what is sent, not of the server: without it the rest would be
// lost unseen.
func TooLong() error {
	return &protocols.Error{Kind: protocols.KindLocal, Text: "the body is longer than its length says"}
}

// TooShort is an error of what is sent, not of the server.
func TooShort(got, want int64) error {
	return &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("the body ended after %d of %d bytes", got, want)}
}
