package imapwire

import (
	"cmp"
	"fmt"
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

// EachRange returns the ranges of a sequence-set without "*" in its order, the lower end
// first, up to what is none.
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

// EachUID returns the numbers of a sequence-set in its order. Ranges are never made
// into lists.
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

// UIDSet writes rising UIDs as a sequence-set.
func UIDSet(uids []uint32) string {
	var b strings.Builder
	for i := 0; i < len(uids); {
		k := i
		for k+1 < len(uids) && uids[k+1] == uids[k]+1 {
			k++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(uids[i]), 10))
		if k > i {
			fmt.Fprintf(&b, ":%d", uids[k])
		}
		i = k + 1
	}
	return b.String()
}

// CutSet cuts a sequence-set into parts for commands of their own.
func CutSet(set string) []string {
	var out []string
	for len(set) > SetBytes {
		i := strings.LastIndexByte(set[:SetBytes], ',')
		if i < 0 {
			break
		}
		out = append(out, set[:i])
		set = set[i+1:]
	}
	return append(out, set)
}

// Ranges are ranges that rise and do not overlap: first and last of each.
type Ranges [][2]uint32

// SortedRanges reads a sequence-set without "*".
func SortedRanges(set string) Ranges {
	var all Ranges
	for low, high := range EachRange(set) {
		all = append(all, [2]uint32{low, high})
	}
	slices.SortFunc(all, func(a, b [2]uint32) int { return cmp.Compare(a[0], b[0]) })
	out := all[:0]
	for _, r := range all {
		if n := len(out); n > 0 && r[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

// Has reports whether uid is in one of the ranges.
func (r Ranges) Has(uid uint32) bool {
	i, found := slices.BinarySearchFunc(r, uid, func(e [2]uint32, uid uint32) int { return cmp.Compare(e[0], uid) })
	return found || i > 0 && uid <= r[i-1][1]
}
