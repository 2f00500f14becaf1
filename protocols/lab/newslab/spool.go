package newslab

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Spool is an in-memory news spool. It is safe for concurrent use.
type Spool struct {
	mu     sync.RWMutex
	groups map[string]*newsGroup
	byID   map[string]*newsArticle
}

// newsGroup is one group. A group with virtual articles has the numbers 1 to
// virtual, whose content a function makes.
type newsGroup struct {
	name, about, status string
	created             time.Time
	numbers             []int64
	articles            map[int64]*newsArticle
	last                int64 // highest number ever given
	virtual             int64
	make                func(n int64) []byte
}

// newsArticle is one article with its content in wire form: CRLF, no stuffing.
type newsArticle struct {
	id      string
	data    []byte
	arrived time.Time
	xref    string
	lines   int
	lost    atomic.Bool
}

// NewSpool returns a spool without groups.
func NewSpool() *Spool {
	return &Spool{groups: map[string]*newsGroup{}, byID: map[string]*newsArticle{}}
}

// AddGroup makes a group. status is "y", "n" (no posting) or "m" (moderated).
func (n *Spool) AddGroup(name, about, status string, created time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups[name] = &newsGroup{name: name, about: about, status: status, created: created, articles: map[int64]*newsArticle{}}
}

// Virtual makes a group of count articles whose content the function makes when
// it is asked for: with CRLF, a header, and the message-id <v.NUMBER@GROUP>.
func (n *Spool) Virtual(name string, count int64, content func(number int64) []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups[name] = &newsGroup{name: name, about: "Made up as it is read", status: "n", virtual: count, last: count, make: content}
}

// Renumber sets the number of the last article of a group, so that the next one
// gets the number after it.
func (n *Spool) Renumber(group string, last int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if g := n.groups[group]; g != nil {
		g.last = last
	}
}

// Add puts an article into the groups of its Newsgroups header, and returns its
// message-id. Line ends are made CRLF.
func (n *Spool) Add(article string, arrived time.Time) (id string, err error) {
	text := strings.ReplaceAll(strings.ReplaceAll(article, "\r\n", "\n"), "\n", "\r\n")
	return n.add([]byte(text), arrived)
}

func (n *Spool) add(data []byte, arrived time.Time) (string, error) {
	id := newsHeader(data, "Message-ID")
	if id == "" {
		id = fmt.Sprintf("<%d.%d@lab.invalid>", arrived.UnixNano(), len(data))
		data = append([]byte("Message-ID: "+id+"\r\n"), data...)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byID[id] != nil {
		return id, fmt.Errorf("%s is there already", id)
	}
	var into []*newsGroup
	for name := range strings.SplitSeq(newsHeader(data, "Newsgroups"), ",") {
		if g := n.groups[strings.TrimSpace(name)]; g != nil {
			into = append(into, g)
		}
	}
	if len(into) == 0 {
		return id, fmt.Errorf("none of its groups is here")
	}
	a := &newsArticle{id: id, data: data, arrived: arrived, xref: "lab.invalid"}
	_, body := splitArticle(data)
	a.lines = bytes.Count(body, []byte("\n"))
	for _, g := range into {
		g.last++
		g.articles[g.last] = a
		g.numbers = append(g.numbers, g.last)
		a.xref += " " + g.name + ":" + strconv.FormatInt(g.last, 10)
	}
	n.byID[id] = a
	return id, nil
}

// Cancel takes an article out of its groups.
func (n *Spool) Cancel(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.byID[id]
	delete(n.byID, id)
	for _, g := range n.groups {
		for number, in := range g.articles {
			if in == a {
				delete(g.articles, number)
				g.numbers = slices.DeleteFunc(g.numbers, func(x int64) bool { return x == number })
			}
		}
	}
}

// Lose loses the content of an article that stays in the overview, as servers do
// that keep the one for longer than the other.
func (n *Spool) Lose(id string) {
	if a := n.find(id); a != nil {
		a.lost.Store(true)
	}
}

// Article returns the content of an article, with CRLF.
func (n *Spool) Article(id string) ([]byte, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	a := n.byID[id]
	if a == nil {
		return nil, false
	}
	return bytes.Clone(a.data), true
}

// group returns a group, or nil.
func (n *Spool) group(name string) *newsGroup {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.groups[name]
}

// matching returns the groups that fit a wildmat, sorted by name.
func (n *Spool) matching(wildmat string) []*newsGroup {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var out []*newsGroup
	for _, g := range n.groups {
		if newsMatch(wildmat, g.name) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *newsGroup) int { return strings.Compare(a.name, b.name) })
	return out
}

// newsMatch: patterns apart by commas, the last that fits decides (RFC 3977 4).
func newsMatch(wildmat, name string) bool {
	fits := wildmat == ""
	for pattern := range strings.SplitSeq(wildmat, ",") {
		rest, not := strings.CutPrefix(pattern, "!")
		if ok, err := path.Match(rest, name); ok && err == nil {
			fits = !not
		}
	}
	return fits
}

// bounds returns count, low and high as GROUP has them.
func (n *Spool) bounds(g *newsGroup) (count, low, high int64) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	switch {
	case g.virtual > 0:
		return g.virtual, 1, g.virtual
	case len(g.numbers) == 0:
		return 0, g.last + 1, g.last
	}
	return int64(len(g.numbers)), g.numbers[0], g.last
}

// at returns an article by its number, or nil.
func (n *Spool) at(g *newsGroup, number int64) *newsArticle {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if g.virtual > 0 {
		if number < 1 || number > g.virtual {
			return nil
		}
		return &newsArticle{id: fmt.Sprintf("<v.%d@%s>", number, g.name), data: g.make(number), xref: fmt.Sprintf("lab.invalid %s:%d", g.name, number), lines: 1}
	}
	return g.articles[number]
}

// next returns the first number from low to high that has an article, or 0.
func (n *Spool) next(g *newsGroup, low, high int64) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if g.virtual > 0 {
		if low = max(low, 1); low <= min(high, g.virtual) {
			return low
		}
		return 0
	}
	i, _ := slices.BinarySearch(g.numbers, low)
	if i < len(g.numbers) && g.numbers[i] <= high {
		return g.numbers[i]
	}
	return 0
}

// before returns the last number below high that has an article, or 0.
func (n *Spool) before(g *newsGroup, high int64) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if g.virtual > 0 {
		return max(0, high-1)
	}
	i, _ := slices.BinarySearch(g.numbers, high)
	if i == 0 {
		return 0
	}
	return g.numbers[i-1]
}

// since returns the ids of articles that came to groups of a wildmat since a time.
func (n *Spool) since(wildmat string, at time.Time) (ids []string) {
	for _, g := range n.matching(wildmat) {
		n.mu.RLock()
		for _, number := range g.numbers {
			if a := g.articles[number]; !a.arrived.Before(at) && !slices.Contains(ids, a.id) {
				ids = append(ids, a.id)
			}
		}
		n.mu.RUnlock()
	}
	return ids
}

// find returns an article by its message-id, or nil.
func (n *Spool) find(id string) *newsArticle {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.byID[id]
}

// splitArticle splits header and body at the empty line, which belongs to neither.
func splitArticle(data []byte) (head, body []byte) {
	head, body, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if ok {
		head = data[:len(head)+2]
	}
	return head, body
}

// Header returns a field of an article unfolded, or nothing.
func Header(article []byte, name string) string { return newsHeader(article, name) }

// newsHeader returns a header unfolded, or nothing.
func newsHeader(data []byte, name string) string {
	head, _ := splitArticle(data)
	value, found := "", false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if found && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			value += " " + strings.TrimSpace(line)
			continue
		}
		if found {
			break
		}
		key, rest, ok := strings.Cut(line, ":")
		if found = ok && strings.EqualFold(key, name); found {
			value = strings.TrimSpace(rest)
		}
	}
	return strings.ReplaceAll(value, "\t", " ")
}

// overviewFields are the columns of an overview after the number.
func overviewFields() []string {
	return []string{"Subject:", "From:", "Date:", "Message-ID:", "References:", ":bytes", ":lines", "Xref:full"}
}

// overview is a line of OVER without the number.
func (a *newsArticle) overview() string {
	var b strings.Builder
	for i, f := range overviewFields() {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(a.item(f))
	}
	return b.String()
}

// item is a header or metadata item as OVER and HDR have it.
func (a *newsArticle) item(field string) string {
	switch strings.ToLower(field) {
	case ":bytes", "bytes":
		return strconv.Itoa(len(a.data))
	case ":lines", "lines":
		return strconv.Itoa(a.lines)
	case "xref:full":
		return "Xref: " + a.xref
	case "xref":
		return a.xref
	}
	return newsHeader(a.data, strings.TrimSuffix(field, ":"))
}
