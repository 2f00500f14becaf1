package imapwire

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// SetBytes bounds the part of a set that goes into one command.
const SetBytes = 8000

// IsSet reports whether text is a sequence-set (RFC 3501 9): it goes into a
// command as it is.
func IsSet(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		low, high, ranged := strings.Cut(part, ":")
		if !isNumber(low) || ranged && !isNumber(high) {
			return false
		}
	}
	return true
}

func isNumber(s string) bool {
	if s == "*" {
		return true
	}
	v, err := strconv.ParseUint(s, 10, 32)
	return err == nil && v > 0 && s[0] != '+'
}

// OneSet returns the set as a sequence of one.
func OneSet(set string) iter.Seq[string] {
	return func(yield func(string) bool) { yield(set) }
}

// EachRange returns the ranges of a sequence-set without "*" in its order, the lower
// end first. It ends at a part that is not a range.
func EachRange(set string) iter.Seq2[uint32, uint32] {
	return func(yield func(low, high uint32) bool) {
		for part := range strings.SplitSeq(set, ",") {
			first, last, ranged := strings.Cut(part, ":")
			a, err := strconv.ParseUint(first, 10, 32)
			b := a
			if err == nil && ranged {
				b, err = strconv.ParseUint(last, 10, 32)
			}
			if err != nil || !yield(uint32(min(a, b)), uint32(max(a, b))) {
				return
			}
		}
	}
}

// EachUID returns the numbers of a sequence-set in its order. Ranges are never
// expanded into lists: a few bytes can stand for billions of numbers.
func EachUID(set string) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for low, high := range EachRange(set) {
			for n := uint64(low); n <= uint64(high); n++ {
				if !yield(uint32(n)) {
					return
				}
			}
		}
	}
}

// SetSize returns how many numbers a sequence-set without "*" has.
func SetSize(set string) uint32 {
	total := uint64(0)
	for low, high := range EachRange(set) {
		total += uint64(high) - uint64(low) + 1
	}
	return uint32(min(total, 1<<32-1))
}

// Ranges are UIDs: the first and the last one of each range.
type Ranges [][2]uint32

// RangesOf returns the ranges that rising UIDs make.
func RangesOf(uids []uint32) Ranges {
	var out Ranges
	for _, uid := range uids {
		if n := len(out); n > 0 && uid == out[n-1][1]+1 {
			out[n-1][1] = uid
		} else {
			out = append(out, [2]uint32{uid, uid})
		}
	}
	return out
}

// ParseRanges reads a sequence-set without "*".
func ParseRanges(set string) Ranges {
	var out Ranges
	for low, high := range EachRange(set) {
		out = append(out, [2]uint32{low, high})
	}
	return out
}

// UIDSet writes rising UIDs as a sequence-set.
func UIDSet(uids []uint32) string { return RangesOf(uids).String() }

// String returns the ranges as a sequence-set.
func (r Ranges) String() string {
	var b []byte
	for _, e := range r {
		b = appendRange(b, e)
	}
	return string(b)
}

func appendRange(b []byte, e [2]uint32) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = strconv.AppendUint(b, uint64(e[0]), 10)
	if e[1] > e[0] {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(e[1]), 10)
	}
	return b
}

// Sets returns the ranges as sequence-sets for commands of their own.
func (r Ranges) Sets() iter.Seq[string] {
	return func(yield func(string) bool) {
		var b []byte
		for _, e := range r {
			if len(b) > SetBytes-len(",4294967295:4294967295") {
				if !yield(string(b)) {
					return
				}
				b = b[:0]
			}
			b = appendRange(b, e)
		}
		if len(b) > 0 {
			yield(string(b))
		}
	}
}

// Each returns the UIDs.
func (r Ranges) Each() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, e := range r {
			for n := uint64(e[0]); n <= uint64(e[1]); n++ {
				if !yield(uint32(n)) {
					return
				}
			}
		}
	}
}

// Count returns how many UIDs the ranges have.
func (r Ranges) Count() (n uint64) {
	for _, e := range r {
		n += uint64(e[1]) - uint64(e[0]) + 1
	}
	return n
}

// Sorted returns the same UIDs in ranges that rise and do not overlap, as
// [Ranges.Has] wants them. It may change r.
func (r Ranges) Sorted() Ranges {
	slices.SortFunc(r, func(a, b [2]uint32) int { return cmp.Compare(a[0], b[0]) })
	out := r[:0]
	for _, e := range r {
		if n := len(out); n > 0 && e[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], e[1])
			continue
		}
		out = append(out, e)
	}
	return out
}

// Has reports whether uid is in one of the ranges, which are [Ranges.Sorted].
func (r Ranges) Has(uid uint32) bool {
	i, found := slices.BinarySearchFunc(r, uid, func(e [2]uint32, uid uint32) int { return cmp.Compare(e[0], uid) })
	return found || i > 0 && uid <= r[i-1][1]
}
