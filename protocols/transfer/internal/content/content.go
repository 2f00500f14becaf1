// Package content finds out whether two messages are the same.
package content

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
)

// Digest identifies the content of a message among those that one [Reader] has read.
type Digest [16]byte

// Sum is what a [Reader] finds out about a message.
type Sum struct {
	Digest Digest
	Size   int64 // with CR and LF at the end of each line, without the field of mbsync
	Lines  int64
}

// Reader reads messages. Nobody can prepare two messages that have one digest: it is
// different for each Reader.
type Reader struct{ seed [16]byte }

// New returns a Reader.
func New() *Reader {
	r := &Reader{}
	rand.Read(r.seed[:])
	return r
}

// syncField is a header field that mbsync adds to the messages it copies, and syncSize the
// size of its line.
var syncField = []byte("X-TUID:")

const syncSize = 22

// Sum reads a message to its end. Line ends count as one thing, and mbsync's field as
// nothing.
func (r *Reader) Sum(body io.Reader) (s Sum, err error) {
	h := sha256.New()
	h.Write(r.seed[:])
	in := bufio.NewReaderSize(body, 64<<10)
	header, start := true, true
	skip := false // the rest of a line that is left out
	for {
		part, err := in.ReadSlice('\n')
		text, ended := bytes.CutSuffix(part, []byte{'\n'})
		if ended {
			text = bytes.TrimSuffix(text, []byte{'\r'})
		} else if err == bufio.ErrBufferFull && part[len(part)-1] == '\r' { // it may belong to the line end
			text = part[:len(part)-1]
			_ = in.UnreadByte()
		}
		header = header && !(start && ended && len(text) == 0)
		if start {
			skip = header && bytes.HasPrefix(text, syncField)
		}
		if !skip {
			h.Write(text)
			s.Size += int64(len(text))
		}
		if ended && !skip {
			h.Write([]byte{'\n'})
			s.Size += 2
			s.Lines++
		}
		start = ended
		if err == io.EOF {
			copy(s.Digest[:], h.Sum(nil))
			return s, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return s, err
		}
	}
}

// Sizes are those of some messages.
type Sizes map[int64]struct{}

// Add adds the sizes that a server may report for a message: some count line ends as one
// byte.
func (s Sizes) Add(of Sum) {
	s[of.Size] = struct{}{}
	s[of.Size-of.Lines] = struct{}{}
}

// Announced adds a size that a server has reported.
func (s Sizes) Announced(size int64) {
	s[size] = struct{}{}
	s[size-syncSize] = struct{}{}
}

// Has reports whether one of the messages may be one that a server reports this size of.
func (s Sizes) Has(size int64) bool {
	for _, less := range []int64{0, syncSize, syncSize - 1} {
		if _, ok := s[size-less]; ok {
			return true
		}
	}
	return false
}

// Exact reports whether a server that reports this size of a message has counted its bytes
// as they are sent.
func (s Sum) Exact(size int64) bool { return size == s.Size || size == s.Size+syncSize }
