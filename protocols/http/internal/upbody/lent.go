package upbody

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/netclients/netclients/protocols"
)

// Lent lets a library read a request's body until it is taken back: the
// library may go on with that for a while after the answer has come, and the body
// may have to go out again.
type Lent struct {
	r     io.Reader
	left  int64 // of the length that was announced; -1: none was
	waits bool  // for a read that goes on: one that cannot be repeated may block for ever
	mu    sync.Mutex
	over  atomic.Bool
	ended atomic.Bool // all of it was read
	long  atomic.Bool // there is more than the length says
}

// NewLent lends a body of that length, or -1.
func NewLent(r io.Reader, length int64) *Lent {
	_, seeks := r.(io.Seeker)
	b := &Lent{r: r, left: length, waits: seeks}
	if f, is := r.(File); is && length >= 0 { // it may grow meanwhile
		b.r = io.LimitReader(f, length)
	}
	return b
}

// Read reads for the library.
func (b *Lent) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() {
		return 0, protocols.ErrClosed
	}
	n, err := b.r.Read(p)
	if err != nil {
		b.ended.Store(true)
	}
	if b.left >= 0 {
		if int64(n) > b.left {
			b.long.Store(true)
			return 0, TooLong()
		}
		b.left -= int64(n)
	}
	return n, err
}

// Surplus returns the error of a body that has more than its length says.
func (b *Lent) Surplus() error {
	if b.long.Load() {
		return TooLong()
	}
	return nil
}

// Sending reports whether there is a body, and not all of it was read.
func (b *Lent) Sending() bool { return b.r != nil && !b.ended.Load() }

// Close does nothing: the body is its owner's.
func (b *Lent) Close() error { return nil }

// TakeBack ends the library's reading.
func (b *Lent) TakeBack() {
	b.over.Store(true)
	if b.waits {
		b.mu.Lock() // waits for a Read in progress
		defer b.mu.Unlock()
	}
}
