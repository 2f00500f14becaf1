package trace

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/look"
	"github.com/netclients/netclients/protocols"
)

// Bounds of the page, so that it stays below 2 MB: what is kept in memory until the end.
// Of the events, the first ones and the last ones are.
const (
	htmlMaxEvents = 5000
	htmlLast      = 500
	htmlMaxConns  = 20_000
	htmlMaxText   = 1024
	htmlHead      = 400
	htmlMaxHeads  = 200 << 10
	htmlMaxLanes  = 10
	htmlMaxStrips = 40
)

// htmlPause is the silence that gets a line of its own.
const htmlPause = 500 * time.Millisecond

//go:embed html.tmpl
var traceTemplate string

// traceHTML collects events and writes a page at the end: a sequence diagram
// with a lane for the client and lanes for the connections.
type traceHTML struct {
	path   string
	events []protocols.Event
	newest []protocols.Event // the last ones, a ring once it is full
	total  int
	heads  int // bytes of content that are kept
	sums   traceSums
	flow   flow
}

// traceSums are of all events, also of those that are not kept.
type traceSums struct {
	server, tls     string
	first, last     time.Time
	conns           map[int64]bool
	in, out         int64
	sent, got, errs int
	data            int // connections for content
}

// openTraceHTML makes sure that the page can be written before anything is done.
func openTraceHTML(_ context.Context, path string) (tracer, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".trace-*")
	if err != nil {
		return nil, err
	}
	f.Close()
	return &traceHTML{path: path, sums: traceSums{conns: map[int64]bool{}}}, os.Remove(f.Name())
}

func (t *traceHTML) event(e protocols.Event) error {
	t.total++
	t.sums.add(e)
	t.flow.add(e)
	e.Text = clip(e.Text, htmlMaxText)
	if e.Head = clip(e.Head, htmlHead); e.Head != "" {
		if t.heads += len(e.Head); t.heads > htmlMaxHeads {
			e.Head = ""
		}
	}
	switch {
	case len(t.events) < htmlMaxEvents-htmlLast:
		t.events = append(t.events, e)
	case len(t.newest) < htmlLast:
		t.newest = append(t.newest, e)
	default:
		t.newest[(t.total-1-(htmlMaxEvents-htmlLast))%htmlLast] = e
	}
	return nil
}

// clip cuts a text that is too long for the page.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

// all joins the first events with the last ones, and returns how many of the former there
// are where some between are missing, else 0.
func (t *traceHTML) all() (events []protocols.Event, gap int) {
	n := len(t.newest)
	if n < htmlLast || t.total <= htmlMaxEvents {
		return slices.Concat(t.events, t.newest), 0
	}
	oldest := (t.total - len(t.events)) % n
	return slices.Concat(t.events, t.newest[oldest:], t.newest[:oldest]), len(t.events)
}

func (s *traceSums) add(e protocols.Event) {
	if s.first.IsZero() || e.Time.Before(s.first) {
		s.first = e.Time
	}
	if e.Time.After(s.last) {
		s.last = e.Time
	}
	if e.Conn != 0 && len(s.conns) < htmlMaxConns {
		s.conns[e.Conn] = true
	}
	switch e.Kind {
	case protocols.EventConnect:
		s.server = cmp.Or(s.server, strings.TrimSpace(e.Protocol+" "+e.Text))
		if e.Channel == "data" {
			s.data++
		}
	case protocols.EventTLS:
		s.tls = cmp.Or(s.tls, e.Text)
	case protocols.EventSend:
		s.sent++
	case protocols.EventRecv:
		s.got++
	case protocols.EventError:
		s.errs++
	case protocols.EventData:
		if outward(e) {
			s.out += e.Bytes
		} else {
			s.in += e.Bytes
		}
	}
}

// finish writes a temporary file and renames it, so that a page is never half.
func (t *traceHTML) finish() (err error) {
	f, err := os.CreateTemp(filepath.Dir(t.path), ".trace-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = t.render(f); err != nil {
		f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), t.path)
}

func (t *traceHTML) render(w io.Writer) error {
	page, err := template.New("trace").Parse(traceTemplate)
	if err != nil {
		return err
	}
	p := t.page()
	p.Look = template.CSS(look.CSS()) // ours
	return page.Execute(w, p)
}

// tracePage is what the template shows.
type tracePage struct {
	Look            template.CSS
	Server, Started string
	Facts           []traceFact
	Lanes           []*traceLane
	Kinds           []traceKind
	Strips          []*traceConn
	MoreStrips      int
	Flow            *flowPlot
	Rows            iter.Seq[traceRow]
	Kept, More      int
}

type traceFact struct{ Name, Value, Title string }

type traceKind struct {
	Kind  protocols.EventKind
	Count int
}

// traceLane is a column; connections that follow one another share it.
type traceLane struct {
	Number  int
	Share   float64 // where it stands, 0 at the client to 1 at the right
	Channel string
	ends    int // index of the last event in it
	first   int64
	last    int64
}

// Conns names the connections of the lane.
func (l *traceLane) Conns() string {
	if l.first == l.last {
		return fmt.Sprintf("#%d", l.first)
	}
	return fmt.Sprintf("#%d to #%d", l.first, l.last)
}

// traceConn is one connection in the overview; From and Width are percent.
type traceConn struct {
	Number      int64
	Channel     string
	Many        int // short connections that share the row; 0: it is one
	From, Width float64
	Title       string
	Ticks       []traceTick
	begin, end  int // indexes of its first and last event
	lane        *traceLane
	shared      []*traceConn
}

// traceTick is an event on the time axis; Width is how long it took, in percent.
type traceTick struct {
	Kind      protocols.EventKind
	At, Width float64
}

// traceRow is one line of the diagram.
type traceRow struct {
	Kind             protocols.EventKind
	Way              string // in, out or note
	Lane             int
	Conn             int64
	Pause            string
	At, Delta, Heat  string
	Text, Took, Size string
	Lines            int    // of a reply that is folded
	Head             string // how content begins
	Left             int    // events that are left out before this row
}

func (t *traceHTML) page() *tracePage {
	var gap int
	t.events, gap = t.all()
	conns := traceConns(t.events)
	lanes := traceLanes(conns)
	strips := overview(conns, t.sums.data)
	p := &tracePage{
		Server: show.Safe(t.sums.server), Facts: t.facts(), Lanes: lanes, Kinds: traceKinds(t.events),
		Strips: strips[:min(len(strips), htmlMaxStrips)], MoreStrips: max(len(strips)-htmlMaxStrips, 0), Flow: t.flow.plot(t.sums.first, t.sums.last),
		Rows: t.rows(conns, gap), Kept: len(t.events), More: t.total - len(t.events),
	}
	if !t.sums.first.IsZero() {
		p.Started = t.sums.first.Format("2 January 2006, 15:04:05 MST")
	}
	t.strip(p.Strips)
	return p
}

func (t *traceHTML) facts() []traceFact {
	s := &t.sums
	version, _, _ := strings.Cut(show.Safe(s.tls), ",")
	facts := []traceFact{
		{Name: "Total time", Value: shortTime(s.last.Sub(s.first))},
		{Name: "Connections", Value: fmt.Sprint(len(s.conns))},
		{Name: "TLS", Value: cmp.Or(version, "none"), Title: show.Safe(s.tls)},
		{Name: "Lines sent / received", Value: fmt.Sprintf("%d / %d", s.sent, s.got)},
		{Name: "Content received", Value: show.HumanBytes(s.in)},
		{Name: "Content sent", Value: show.HumanBytes(s.out)},
	}
	if s.errs > 0 {
		facts = append(facts, traceFact{Name: "Errors", Value: fmt.Sprint(s.errs)})
	}
	return facts
}

// traceConns returns the connections in the order of their first events.
func traceConns(events []protocols.Event) []*traceConn {
	known := map[int64]*traceConn{}
	var conns []*traceConn
	for i, e := range events {
		if e.Conn == 0 {
			continue
		}
		c := known[e.Conn]
		if c == nil {
			c = &traceConn{Number: e.Conn, begin: i}
			known[e.Conn] = c
			conns = append(conns, c)
		}
		c.Channel = cmp.Or(c.Channel, show.Safe(e.Channel))
		c.end = i
	}
	return conns
}

// traceLanes puts each connection into a lane of its channel that is free by
// then, or a new one; when there are too many, into the one free soonest.
func traceLanes(conns []*traceConn) []*traceLane {
	var lanes []*traceLane
	for _, c := range conns {
		c.lane = pickLane(lanes, c)
		if c.lane == nil {
			c.lane = &traceLane{Number: len(lanes) + 1, Channel: c.Channel, first: c.Number}
			lanes = append(lanes, c.lane)
		}
		c.lane.ends = max(c.lane.ends, c.end)
		c.lane.last = c.Number
	}
	step := min(0.16, 0.5/float64(max(len(lanes)-1, 1)))
	for i, l := range lanes {
		l.Share = 1 - step*float64(len(lanes)-1-i)
	}
	return lanes
}

func pickLane(lanes []*traceLane, c *traceConn) *traceLane {
	for _, l := range lanes {
		if l.Channel == c.Channel && l.ends < c.begin {
			return l
		}
	}
	if len(lanes) < htmlMaxLanes {
		return nil
	}
	return slices.MinFunc(lanes, func(a, b *traceLane) int { return cmp.Compare(a.ends, b.ends) })
}

func traceKinds(events []protocols.Event) []traceKind {
	counts := map[protocols.EventKind]int{}
	var kinds []traceKind
	for _, e := range events {
		if counts[e.Kind] == 0 {
			kinds = append(kinds, traceKind{Kind: e.Kind})
		}
		counts[e.Kind]++
	}
	for i := range kinds {
		kinds[i].Count = counts[kinds[i].Kind]
	}
	return kinds
}

// strip places connections and their events on the time axis.
func (t *traceHTML) strip(conns []*traceConn) {
	known := map[int64]*traceConn{}
	for _, c := range conns {
		for _, part := range c.shared {
			known[part.Number] = c
		}
		known[c.Number] = c
		begin, end := t.events[c.begin].Time, t.events[c.end].Time
		c.From = t.percent(begin)
		c.Width = max(t.percent(end)-c.From, 0.3)
		c.Title = fmt.Sprintf("#%d %s, open for %s", c.Number, c.Channel, shortTime(end.Sub(begin)))
		if c.Many > 0 {
			c.Title = fmt.Sprintf("%d data connections", c.Many)
		}
	}
	for _, e := range t.events {
		c := known[e.Conn]
		if c == nil {
			continue
		}
		at := t.percent(e.Time.Add(-e.Took))
		if n := len(c.Ticks); n == 0 || at-c.Ticks[n-1].At > 0.25 || c.Ticks[n-1].Kind != e.Kind && n < 1000 {
			c.Ticks = append(c.Ticks, traceTick{e.Kind, max(at, 0), t.percent(e.Time) - max(at, 0)})
		}
	}
}

func (t *traceHTML) percent(at time.Time) float64 {
	whole := t.sums.last.Sub(t.sums.first)
	if whole <= 0 {
		return 0
	}
	return 100 * float64(at.Sub(t.sums.first)) / float64(whole)
}

func (t *traceHTML) rows(conns []*traceConn, gap int) iter.Seq[traceRow] {
	lanes := map[int64]int{}
	for _, c := range conns {
		lanes[c.Number] = c.lane.Number
	}
	return func(yield func(traceRow) bool) {
		before := t.sums.first
		for i := 0; i < len(t.events); {
			e, n := t.events[i], t.folded(i, gap)
			row := t.row(e, e.Time.Sub(before))
			row.Lane = max(lanes[e.Conn], 1)
			if i == gap && gap > 0 {
				row.Left, row.Pause = t.total-len(t.events), ""
			}
			if n > 1 {
				row.Lines = n
				for _, more := range t.events[i+1 : i+n] {
					row.Text += "\n" + show.Safe(more.Text)
				}
			}
			if !yield(row) {
				return
			}
			i += n
			before = t.events[i-1].Time
		}
	}
}

func (t *traceHTML) row(e protocols.Event, delta time.Duration) traceRow {
	r := traceRow{
		Kind: e.Kind, Way: traceWay(e), Conn: e.Conn, Text: show.Safe(e.Text),
		At: inMillis(e.Time.Sub(t.sums.first)), Delta: "+" + shortTime(delta), Heat: heat(delta), Head: show.SafeLines(e.Head),
	}
	if delta >= htmlPause {
		r.Pause = shortTime(delta)
	}
	if e.Took > 0 {
		r.Took = shortTime(e.Took)
	}
	if e.Bytes > 0 && e.Kind == protocols.EventData {
		r.Size = show.HumanBytes(e.Bytes)
	}
	return r
}

func traceWay(e protocols.Event) string {
	switch e.Kind {
	case protocols.EventSend, protocols.EventConnect, protocols.EventClose:
		return "out"
	case protocols.EventRecv:
		return "in"
	case protocols.EventTLS:
		return "both"
	case protocols.EventData:
		if outward(e) {
			return "out"
		}
		return "in"
	}
	return "note"
}

// heat says how long a step took, for its colour.
func heat(d time.Duration) string {
	switch {
	case d >= htmlPause:
		return "hot"
	case d >= 50*time.Millisecond:
		return "warm"
	case d >= 5*time.Millisecond:
		return "mild"
	}
	return "cool"
}

// shortTime returns a duration in three digits or so.
func shortTime(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}
