package nntp

import (
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Join puts the parts of a file where they belong, in any order, from several
// goroutines. Parts that overlap, or say different things of their file, are
// errors of kind Protocol.
type Join struct {
	// Max is the most bytes that the file may have; 0: no limit.
	Max int64

	dst    io.WriterAt
	mu     sync.Mutex
	size   int64 // of the file; -1: not told yet
	total  int
	crc    uint32
	hasCRC bool
	spans  []joined // sorted, neighbours put together
}

// joined is a range of the file that is there, or is being written.
type joined struct{ from, to int64 }

// NewJoin makes a join that writes into dst.
func NewJoin(dst io.WriterAt) *Join { return &Join{dst: dst, size: -1} }

// Add writes the piece that d stands at. On an error the range counts as missing. A
// piece that is there already, as of a file that was posted twice, is read and not
// written.
func (j *Join) Add(d *Decoder) error {
	p := d.Piece()
	if j.has(&p) {
		_, err := io.Copy(io.Discard, d)
		return err
	}
	if err := j.claim(&p); err != nil {
		return err
	}
	n, err := io.Copy(&atOffset{j.dst, p.Offset, j.most(&p)}, d)
	p = d.Piece()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		if p.Length >= 0 {
			j.release(p.Offset, p.Offset+p.Length)
		}
		return err
	}
	if p.Length < 0 {
		j.insert(p.Offset, p.Offset+n)
		j.size = max(j.size, p.Offset+n)
	}
	if p.HasFileCRC {
		j.crc, j.hasCRC = p.FileCRC, true
	}
	return nil
}

// claim takes the range of a piece whose length is told, before it is written.
func (j *Join) claim(p *Piece) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.size >= 0 && p.Size >= 0 && j.size != p.Size {
		return damaged(fmt.Sprintf("a part says that its file has %d bytes, another one %d", p.Size, j.size), nil)
	}
	if j.Max > 0 && max(p.Size, p.Offset+max(0, p.Length)) > j.Max {
		return &protocols.Error{Proto: proto, Kind: protocols.KindProtocol, Text: fmt.Sprintf("the file is larger than %d bytes", j.Max)}
	}
	if p.Length >= 0 {
		for _, s := range j.spans {
			if p.Offset < s.to && s.from < p.Offset+p.Length {
				return damaged("parts of the file overlap", nil)
			}
		}
		j.insert(p.Offset, p.Offset+p.Length)
	}
	j.size, j.total = max(j.size, p.Size), max(j.total, p.Total)
	return nil
}

// has reports whether all of a piece is there.
func (j *Join) has(p *Piece) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return p.Length > 0 && p.Size == j.size && slices.ContainsFunc(j.spans, func(s joined) bool {
		return s.from <= p.Offset && p.Offset+p.Length <= s.to
	})
}

// restore takes the range of a piece that an earlier run has written.
func (j *Join) restore(p *Piece) error {
	if p.Length < 0 {
		return damaged("a part without a place was noted", nil)
	}
	if err := j.claim(p); err != nil {
		return err
	}
	if p.HasFileCRC {
		j.crc, j.hasCRC = p.FileCRC, true
	}
	return nil
}

// most is how many bytes of a piece may be written.
func (j *Join) most(p *Piece) int64 {
	switch {
	case p.Length >= 0:
		return p.Length
	case j.Max > 0:
		return j.Max
	}
	return -1
}

func (j *Join) insert(from, to int64) {
	if from == to {
		return
	}
	i, _ := slices.BinarySearchFunc(j.spans, from, func(s joined, at int64) int { return int(min(1, max(-1, s.from-at))) })
	j.spans = slices.Insert(j.spans, i, joined{from, to})
	if i+1 < len(j.spans) && j.spans[i+1].from == to {
		j.spans[i].to = j.spans[i+1].to
		j.spans = slices.Delete(j.spans, i+1, i+2)
	}
	if i > 0 && j.spans[i-1].to == from {
		j.spans[i-1].to = j.spans[i].to
		j.spans = slices.Delete(j.spans, i, i+1)
	}
}

// release takes a range out again.
func (j *Join) release(from, to int64) {
	var left []joined
	for _, s := range j.spans {
		if s.to <= from || s.from >= to {
			left = append(left, s)
			continue
		}
		if s.from < from {
			left = append(left, joined{s.from, from})
		}
		if s.to > to {
			left = append(left, joined{to, s.to})
		}
	}
	j.spans = left
}

// Size returns the bytes of the file as its parts tell it, or -1.
func (j *Join) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Missing returns the ranges that are not there, each from its first byte to the
// one behind its last. Without any the file is whole.
func (j *Join) Missing() (gaps [][2]int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := int64(0)
	for _, s := range j.spans {
		if s.from > at {
			gaps = append(gaps, [2]int64{at, s.from})
		}
		at = s.to
	}
	if at < j.size {
		gaps = append(gaps, [2]int64{at, j.size})
	}
	return gaps
}

// Verify compares the checksum of the whole file, when one was told, with what
// r, the file that was written, holds now.
func (j *Join) Verify(r io.ReaderAt) error {
	j.mu.Lock()
	size, want, has := j.size, j.crc, j.hasCRC
	j.mu.Unlock()
	if !has || size < 0 {
		return nil
	}
	h := crc32.NewIEEE()
	n, err := io.Copy(h, io.NewSectionReader(r, 0, size))
	if err != nil {
		return err
	}
	if n != size || h.Sum32() != want {
		return damaged(fmt.Sprintf("checksum of the file is %08x, should be %08x", h.Sum32(), want), nil)
	}
	return nil
}

// atOffset writes at an offset, at most left bytes; -1 is no limit.
type atOffset struct {
	w        io.WriterAt
	at, left int64
}

func (a *atOffset) Write(p []byte) (int, error) {
	if a.left >= 0 && int64(len(p)) > a.left {
		return 0, damaged("more content than was announced or is allowed", nil)
	}
	n, err := a.w.WriteAt(p, a.at)
	a.at += int64(n)
	if a.left >= 0 {
		a.left -= int64(n)
	}
	return n, err
}
