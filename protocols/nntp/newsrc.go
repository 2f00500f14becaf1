package nntp

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Newsrc is the list of groups and of the articles read in each, as newsreaders keep
// it in ~/.newsrc: "group: 1-57,60" for a subscribed group,
// "group! 1-5" for one that is not. Other lines, such as options, stay
// unchanged. It is safe for concurrent use.
type Newsrc struct {
	mu    sync.Mutex
	lines []newsrcLine
	index map[string]int
}

type newsrcLine struct {
	group      string // empty: text is written unchanged
	subscribed bool
	read       []joined // sorted; to is after the last number
	text       string
}

// The limits of a .newsrc.
const (
	mostNewsrcLines = 1_000_000
	mostNewsrcLine  = 1 << 20
)

// ParseNewsrc reads a list. An invalid range is an error of kind Local that names the
// line, so that no data of the user is lost silently.
func ParseNewsrc(r io.Reader) (*Newsrc, error) {
	n := &Newsrc{index: map[string]int{}}
	in := bufio.NewScanner(r)
	in.Buffer(nil, mostNewsrcLine)
	for in.Scan() {
		if len(n.lines) == mostNewsrcLines {
			return nil, newsrcError(len(n.lines)+1, "too many lines")
		}
		line, err := parseNewsrcLine(strings.TrimRight(in.Text(), "\r"))
		if err != nil {
			return nil, newsrcError(len(n.lines)+1, err.Error())
		}
		if at, twice := n.index[line.group]; twice && line.group != "" {
			for _, span := range line.read {
				n.lines[at].add(span)
			}
			continue
		}
		if line.group != "" {
			n.index[line.group] = len(n.lines)
		}
		n.lines = append(n.lines, line)
	}
	if err := in.Err(); err != nil {
		return nil, newsrcError(len(n.lines)+1, err.Error())
	}
	return n, nil
}

func newsrcError(line int, why string) error {
	return &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Text: fmt.Sprintf("line %d of the .newsrc: %s", line, why)}
}

func parseNewsrcLine(text string) (newsrcLine, error) {
	i := strings.IndexAny(text, ":!")
	if i <= 0 || strings.ContainsAny(text[:i], " \t") {
		return newsrcLine{text: text}, nil
	}
	line := newsrcLine{group: text[:i], subscribed: text[i] == ':'}
	for part := range strings.SplitSeq(strings.TrimSpace(text[i+1:]), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, ok := parseRange(part)
		if !ok || high == lastNumber || high < low {
			return line, fmt.Errorf("%q is not a range of articles", wire.Clip(part))
		}
		line.add(joined{low, high + 1})
	}
	return line, nil
}

// add marks a range as read.
func (l *newsrcLine) add(span joined) {
	out := l.read[:0:0]
	for _, s := range l.read {
		if s.to < span.from || s.from > span.to {
			out = append(out, s)
			continue
		}
		span = joined{min(span.from, s.from), max(span.to, s.to)}
	}
	i, _ := slices.BinarySearchFunc(out, span.from, func(s joined, at int64) int {
		if s.from < at {
			return -1
		}
		return 1
	})
	l.read = slices.Insert(out, i, span)
}

// WriteTo writes the list.
func (n *Newsrc) WriteTo(w io.Writer) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	total := int64(0)
	for _, l := range n.lines {
		k, err := io.WriteString(w, l.String()+"\n")
		total += int64(k)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// String returns the line as written to the file.
func (l newsrcLine) String() string {
	if l.group == "" {
		return l.text
	}
	mark := "!"
	if l.subscribed {
		mark = ":"
	}
	var ranges []string
	for _, s := range l.read {
		ranges = append(ranges, span(s.from, s.to-1))
	}
	return strings.TrimRight(l.group+mark+" "+strings.Join(ranges, ","), " ")
}

// Groups returns the subscribed groups, in their order.
func (n *Newsrc) Groups() (groups []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lines {
		if l.group != "" && l.subscribed {
			groups = append(groups, l.group)
		}
	}
	return groups
}

// Read reports whether an article of a group is marked as read.
func (n *Newsrc) Read(group string, number int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.index[group]
	if !ok {
		return false
	}
	return slices.ContainsFunc(n.lines[i].read, func(s joined) bool { return number >= s.from && number < s.to })
}

// Marked reports whether any article of a group is marked as read.
func (n *Newsrc) Marked(group string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.index[group]
	return ok && len(n.lines[i].read) > 0
}

// fit drops the marks of a group that go beyond its last article, and returns the highest
// one that was marked; 0 if they fit. An empty group says nothing about its numbers.
func (n *Newsrc) fit(group string, g protocols.GroupInfo) (last int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.index[group]
	if !ok || len(n.lines[i].read) == 0 || g.High < max(g.Low, 1) {
		return 0
	}
	read := n.lines[i].read
	if last = read[len(read)-1].to - 1; last <= g.High {
		return 0
	}
	n.lines[i].read = nil
	return last
}

// Mark marks the articles from low to high as read, and subscribes to a new group.
func (n *Newsrc) Mark(group string, low, high int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.index[group]
	if !ok {
		i = len(n.lines)
		n.lines = append(n.lines, newsrcLine{group: group, subscribed: true})
		n.index[group] = i
	}
	if low <= high && high < lastNumber {
		n.lines[i].add(joined{low, high + 1})
	}
}

// MarkArticle marks the article "group/number" as read; it ignores other names.
func (n *Newsrc) MarkArticle(name string) {
	if t, err := article(name); err == nil && t.group != "" {
		n.Mark(t.group, t.low, t.high)
	}
}

// Count returns the number of unread articles from low to high.
func (n *Newsrc) Count(group string, low, high int64) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	left := max(0, high-low+1)
	if i, ok := n.index[group]; ok {
		for _, s := range n.lines[i].read {
			left -= max(0, min(s.to-1, high)-max(s.from, low)+1)
		}
	}
	return left
}

// Subscribed reports whether the list has a group as subscribed.
func (n *Newsrc) Subscribed(group string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.index[group]
	return ok && n.lines[i].subscribed
}

// Unread returns the lowest unread number from low on.
func (n *Newsrc) Unread(group string, low int64) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i, ok := n.index[group]; ok {
		for _, s := range n.lines[i].read {
			if low >= s.from && low < s.to {
				low = s.to
			}
		}
	}
	return low
}
