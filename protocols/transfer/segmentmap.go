package transfer

import "slices"

// span is a range of bytes of a file, up to and without To.
type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// missing returns how many bytes the spans have.
func missing(spans []span) (n int64) {
	for _, s := range spans {
		n += s.To - s.From
	}
	return n
}

// within reports whether spans are in order, not empty, and inside of a size. A record
// may have been changed by others.
func within(spans []span, size int64) bool {
	at := int64(0)
	for _, s := range spans {
		if s.From < at || s.To <= s.From || s.To > size {
			return false
		}
		at = s.To
	}
	return true
}

// divide halves the largest spans until there are n, or they are too small.
func divide(spans []span, n int) []span {
	spans = slices.Clone(spans)
	for len(spans) > 0 && len(spans) < n {
		big := slices.MaxFunc(spans, func(a, b span) int { return int(min(max((a.To-a.From)-(b.To-b.From), -1), 1)) })
		if big.To-big.From < 2*smallestSegment {
			break
		}
		i, half := slices.Index(spans, big), big.From+(big.To-big.From)/2
		spans[i].To = half
		spans = slices.Insert(spans, i+1, span{half, big.To})
	}
	return spans
}

// evenly divides size bytes in n spans.
func evenly(size, n int64) []span {
	each := (size + n - 1) / n
	var spans []span
	for from := int64(0); from < size; from += each {
		spans = append(spans, span{from, min(from+each, size)})
	}
	return spans
}
