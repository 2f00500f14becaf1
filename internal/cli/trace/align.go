package trace

import (
	"slices"
	"sort"
)

// quadratic bounds the work of comparing all of one part with all of another.
const quadratic = 4 << 20

// align returns the indexes of the elements that a and b have in common, in order: most
// of them for parts of ordinary size. Of longer ones it finds those that stand around
// elements that each side has once.
func align(a, b []string) [][2]int {
	var out [][2]int
	alignAt(a, b, 0, 0, func(i, j int) { out = append(out, [2]int{i, j}) })
	return out
}

func alignAt(a, b []string, ai, bi int, match func(i, j int)) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		match(ai, bi)
		a, b, ai, bi = a[1:], b[1:], ai+1, bi+1
	}
	same := 0
	for same < min(len(a), len(b)) && a[len(a)-1-same] == b[len(b)-1-same] {
		same++
	}
	middle(a[:len(a)-same], b[:len(b)-same], ai, bi, match)
	for k := range same {
		match(ai+len(a)-same+k, bi+len(b)-same+k)
	}
}

// middle aligns parts that begin and end differently.
func middle(a, b []string, ai, bi int, match func(i, j int)) {
	if len(a) == 0 || len(b) == 0 {
		return
	}
	if len(a)*len(b) <= quadratic {
		longest(a, b, ai, bi, match)
		return
	}
	from, to := 0, 0
	anchors := unique(a, b)
	for _, at := range anchors {
		alignAt(a[from:at[0]], b[to:at[1]], ai+from, bi+to, match)
		match(ai+at[0], bi+at[1])
		from, to = at[0]+1, at[1]+1
	}
	if len(anchors) > 0 {
		alignAt(a[from:], b[to:], ai+from, bi+to, match)
	}
}

// longest finds the longest common subsequence.
func longest(a, b []string, ai, bi int, match func(i, j int)) {
	width := len(b) + 1
	best := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				best[i*width+j] = best[(i+1)*width+j+1] + 1
			} else {
				best[i*width+j] = max(best[(i+1)*width+j], best[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			match(ai+i, bi+j)
			i, j = i+1, j+1
		case best[(i+1)*width+j] >= best[i*width+j+1]:
			i++
		default:
			j++
		}
	}
}

// unique returns the elements that each side has once and that stand in the same order:
// the longest such sequence.
func unique(a, b []string) [][2]int {
	inA, inB := once(a), once(b)
	var pairs [][2]int
	for i, s := range a {
		if _, ok := inA[s]; !ok {
			continue
		}
		if j, ok := inB[s]; ok {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	return ascending(pairs)
}

// once returns the indexes of the elements that are there once.
func once(list []string) map[string]int {
	at, twice := map[string]int{}, map[string]bool{}
	for i, s := range list {
		if _, seen := at[s]; seen {
			twice[s] = true
		}
		at[s] = i
	}
	for s := range twice {
		delete(at, s)
	}
	return at
}

// ascending returns the longest run of pairs whose second indexes ascend.
func ascending(pairs [][2]int) [][2]int {
	var tails []int                     // indexes of pairs that end the best run of each length
	before := make([]int, len(pairs)+1) // of each pair, the one before it in its run
	for k, p := range pairs {
		n := sort.Search(len(tails), func(i int) bool { return pairs[tails[i]][1] >= p[1] })
		before[k] = -1
		if n > 0 {
			before[k] = tails[n-1]
		}
		tails = append(tails[:n], append([]int{k}, tails[min(n+1, len(tails)):]...)...)
	}
	var run [][2]int
	if len(tails) > 0 {
		for k := tails[len(tails)-1]; k >= 0; k = before[k] {
			run = append(run, pairs[k])
		}
	}
	slices.Reverse(run)
	return run
}
