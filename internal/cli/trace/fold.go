package trace

import (
	"slices"

	"github.com/netclients/netclients/protocols"
)

// fewData is how many data connections have a row of their own each.
const fewData = 8

// overview puts data connections into one row where there are many of them; total also
// counts those whose events are not kept.
func overview(conns []*traceConn, total int) []*traceConn {
	isData := func(c *traceConn) bool { return c.Channel == "data" }
	data := slices.DeleteFunc(slices.Clone(conns), func(c *traceConn) bool { return !isData(c) })
	if len(data) <= fewData {
		return conns
	}
	one := &traceConn{Number: data[0].Number, Channel: "data", Many: max(total, len(data)), begin: data[0].begin, shared: data}
	for _, c := range data {
		one.end = max(one.end, c.end)
	}
	return append(slices.DeleteFunc(slices.Clone(conns), isData), one)
}

// fewLines is how many lines of a reply stand one below the other.
const fewLines = 3

// folded returns how many events from i on are one row: the lines that one side says at a
// stretch, where they are many.
func (t *traceHTML) folded(i, gap int) int {
	e, n := t.events[i], 1
	if e.Kind != protocols.EventRecv && e.Kind != protocols.EventSend {
		return 1
	}
	for i+n < len(t.events) && (gap == 0 || i+n != gap) {
		next := t.events[i+n]
		if next.Kind != e.Kind || next.Conn != e.Conn || next.Time.Sub(t.events[i+n-1].Time) >= htmlPause || !continues(e.Kind, next.Text, t.events[i+n-1].Text) {
			break
		}
		n++
	}
	if n <= fewLines {
		return 1
	}
	return n
}

// continues reports whether a line belongs to the one before: those of a reply with a
// number, the untagged ones of IMAP, and the fields of HTTP.
func continues(kind protocols.EventKind, line, before string) bool {
	switch {
	case kind == protocols.EventSend:
		return field.Re().MatchString(line)
	case numbered.Re().MatchString(before) && !field.Re().MatchString(line):
		return false // it was the last line of a reply
	case spoken.Re().MatchString(line), tagged.Re().MatchString(before):
		return false
	}
	return true
}
