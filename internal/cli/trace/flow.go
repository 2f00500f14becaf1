package trace

import (
	"fmt"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// Bounds of the plot of content over time.
const (
	flowMaxMoves = 50_000
	flowBuckets  = 200
	flowHeight   = 116.0
)

// flow collects when content moved.
type flow struct {
	moves []move
	last  map[int64]time.Time // of the event before on each connection: content moved since
}

type move struct {
	from, to time.Time
	bytes    int64
	out      bool
}

func (f *flow) add(e protocols.Event) {
	if f.last == nil {
		f.last = map[int64]time.Time{}
	}
	if e.Kind == protocols.EventData && e.Bytes > 0 && len(f.moves) < flowMaxMoves {
		from := f.last[e.Conn]
		if from.IsZero() {
			from = e.Time
		}
		if e.Took > 0 {
			from = e.Time.Add(-e.Took)
		}
		f.moves = append(f.moves, move{from, e.Time, e.Bytes, outward(e)})
	}
	switch {
	case e.Kind == protocols.EventClose:
		delete(f.last, e.Conn)
	case len(f.last) < htmlMaxConns:
		f.last[e.Conn] = e.Time
	}
}

// flowPlot is the plot: areas of bytes a second.
type flowPlot struct{ In, Out, Most, End string }

// plot returns nothing where no content moved.
func (f *flow) plot(first, last time.Time) *flowPlot {
	whole := last.Sub(first)
	if len(f.moves) == 0 || whole <= 0 {
		return nil
	}
	var in, out [flowBuckets]float64
	for _, m := range f.moves {
		to := &in
		if m.out {
			to = &out
		}
		m.spread(to, first, whole)
	}
	most := 0.0
	for i := range in {
		most = max(most, in[i], out[i])
	}
	second := whole.Seconds() / flowBuckets
	return &flowPlot{In: area(&in, most), Out: area(&out, most), Most: show.HumanBytes(int64(most / second)), End: shortTime(whole)}
}

// spread divides the bytes among the time in which they moved.
func (m *move) spread(to *[flowBuckets]float64, first time.Time, whole time.Duration) {
	at := func(t time.Time) float64 {
		return min(max(flowBuckets*float64(t.Sub(first))/float64(whole), 0), flowBuckets-1e-9)
	}
	from, until := at(m.from), at(m.to)
	if until-from < 1e-6 {
		to[int(until)] += float64(m.bytes)
		return
	}
	for i := int(from); i <= int(until); i++ {
		part := min(until, float64(i+1)) - max(from, float64(i))
		to[i] += float64(m.bytes) * part / (until - from)
	}
}

// area is the outline of a plot in the coordinates of the page.
func area(values *[flowBuckets]float64, most float64) string {
	var b strings.Builder
	b.WriteString("M0 120")
	for i, v := range values {
		y := 120 - flowHeight*v/most
		fmt.Fprintf(&b, "L%d %.1fH%d", i*1000/flowBuckets, y, (i+1)*1000/flowBuckets)
	}
	b.WriteString("V120Z")
	return b.String()
}
