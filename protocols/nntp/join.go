package nntp

import (
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Join writes the parts of a file to their places, in any order and from several
// goroutines. Overlapping or contradictory parts are errors of kind Protocol.
type Join struct {
	// Max is the maximum size of the file in bytes; 0: no limit.
	Max int64
	// Vote allows parts to disagree on the size of the file, for parts that are known to
	// belong together: the size that most parts state holds.
	Vote bool

	dst   io.WriterAt
	mu    sync.Mutex
	sizes map[int64]int // how many parts state each size
	size  int64         // of the file; -1: not yet known
	total int           // number of parts; 0: unknown
	parts map[int]bool  // that are written, of files whose size no part states
	crcs  map[uint32]bool
	spans []joined // sorted; adjacent ranges are merged
}

// joined is a range of the file that is written or being written.
type joined struct{ from, to int64 }

// NewJoin returns a Join that writes to dst.
func NewJoin(dst io.WriterAt) *Join {
	return &Join{dst: dst, size: -1, sizes: map[int64]int{}, parts: map[int]bool{}, crcs: map[uint32]bool{}}
}

// Add writes the current piece of d. After an error its range counts as missing. A
// piece that was written before, such as of a file posted twice, is read but not
// written.
func (j *Join) Add(d *Decoder) error {
	p := d.Piece()
	if j.Has(&p) {
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
		j.drop(&p)
		return err
	}
	if p.Length < 0 {
		j.insert(p.Offset, p.Offset+n)
		j.size = max(j.size, p.Offset+n)
	}
	j.written(&p)
	return nil
}

// written notes a part that is in its place. Parts that disagree on the checksum of the
// file state that of something else.
func (j *Join) written(p *Piece) {
	if p.Part > 0 {
		j.parts[p.Part] = true
	}
	if p.HasFileCRC && len(j.crcs) < 2 {
		j.crcs[p.FileCRC] = true
	}
}

// Drop forgets a piece that was added: its range counts as missing.
func (j *Join) Drop(p *Piece) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.drop(p)
}

func (j *Join) drop(p *Piece) {
	if p.Length >= 0 {
		j.release(p.Offset, p.Offset+p.Length)
	}
	delete(j.parts, p.Part)
	if p.Size >= 0 && j.sizes[p.Size] > 0 {
		j.sizes[p.Size]--
		j.size = j.elected()
	}
}

// Empty reports whether nothing is written.
func (j *Join) Empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.spans) == 0
}

// claim reserves the range of a piece of known length before it is written.
func (j *Join) claim(p *Piece) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.Vote && j.size >= 0 && p.Size >= 0 && j.size != p.Size {
		return damaged(fmt.Sprintf("parts disagree on the size of the file: %d and %d bytes", p.Size, j.size), nil)
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
	if j.total = max(j.total, p.Total); p.Size >= 0 {
		j.sizes[p.Size]++
		j.size = j.elected()
	}
	return nil
}

// elected returns the size that most parts state. Of two with as many votes the one
// where the parts end wins.
func (j *Join) elected() int64 {
	end := int64(-1)
	if len(j.spans) > 0 {
		end = j.spans[len(j.spans)-1].to
	}
	best := int64(-1)
	for size, n := range j.sizes {
		if votes := j.sizes[best]; best < 0 || n > votes || n == votes && (size == end || best != end && size > best) {
			best = size
		}
	}
	return best
}

// Has reports whether the whole piece is written.
func (j *Join) Has(p *Piece) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return p.Length > 0 && (j.Vote || p.Size == j.size) && slices.ContainsFunc(j.spans, func(s joined) bool {
		return s.from <= p.Offset && p.Offset+p.Length <= s.to
	})
}

// Free reports whether nothing is written in the range of a piece.
func (j *Join) Free(p *Piece) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !slices.ContainsFunc(j.spans, func(s joined) bool { return p.Offset < s.to && s.from < p.Offset+p.Length })
}

// restore marks the range of a piece from an earlier run as written.
func (j *Join) restore(p *Piece) error {
	if p.Length < 0 {
		return damaged("part of an earlier run without an offset", nil)
	}
	if err := j.claim(p); err != nil {
		return err
	}
	j.written(p)
	return nil
}

// most is the maximum number of bytes of a piece.
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

// release removes a range.
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

// Size returns the size of the file in bytes according to its parts, or -1.
func (j *Join) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.whole()
}

// whole returns the size that the parts state. Where none does it is the end of the last
// one, if all of their number are written.
func (j *Join) whole() int64 {
	if j.size >= 0 || j.total == 0 || len(j.parts) < j.total || len(j.spans) == 0 {
		return j.size
	}
	return j.spans[len(j.spans)-1].to
}

// Missing returns the missing ranges, each from its first byte to the one after its
// last, or to -1 where the size of the file is unknown. An empty result means that the
// file is complete.
func (j *Join) Missing() (gaps [][2]int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, size := int64(0), j.whole()
	for _, s := range j.spans {
		if s.from > at {
			gaps = append(gaps, [2]int64{at, s.from})
		}
		at = s.to
	}
	if at < size || size < 0 && len(j.parts) > 0 {
		gaps = append(gaps, [2]int64{at, size})
	}
	return gaps
}

// Verify compares the checksum of the whole file, if a part has it, with the content
// of r, the written file.
func (j *Join) Verify(r io.ReaderAt) error {
	size, want, has := j.Size(), uint32(0), false
	j.mu.Lock()
	for crc := range j.crcs {
		want, has = crc, len(j.crcs) == 1
	}
	last := int64(0)
	if len(j.spans) > 0 {
		last = j.spans[len(j.spans)-1].to
	}
	j.mu.Unlock()
	if size >= 0 && last > size {
		return damaged(fmt.Sprintf("the parts of the file end at byte %d, but it has %d", last, size), nil)
	}
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

// atOffset writes at an offset, at most left bytes; -1 means no limit.
type atOffset struct {
	w        io.WriterAt
	at, left int64
}

func (a *atOffset) Write(p []byte) (int, error) {
	if a.left >= 0 && int64(len(p)) > a.left {
		return 0, damaged("more content than announced or allowed", nil)
	}
	n, err := a.w.WriteAt(p, a.at)
	a.at += int64(n)
	if a.left >= 0 {
		a.left -= int64(n)
	}
	return n, err
}
