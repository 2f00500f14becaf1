package trace

import (
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/pattern"
	"github.com/netclients/netclients/protocols"
)

// maxKept bounds the events of a trace that is held as a whole.
const maxKept = 500_000

// Exchange is a command and what came of it. The first one of a connection has no
// command: it is all up to the first one, such as the greeting.
type Exchange struct {
	Command string   // as it was sent; empty: none
	Lines   []string // the command and what followed, each with its mark
	At      int      // number of its first event in the trace, from 1
	Events  []protocols.Event
	key     string   // the command without what is volatile
	keys    []string // the lines likewise
	verb    string
	open    bool // the last word to it has not been said
}

// Dialogue is what was said on one connection. What went over the data connections that
// were opened meanwhile is part of it.
type Dialogue struct {
	Conn      int64
	Protocol  string
	Exchanges []*Exchange
	pending   []*Exchange // commands without their final answer, oldest first
	answered  *Exchange   // what the last line that came was about
}

// Dialogues reads a trace as dialogues, in the order in which they began.
func Dialogues(name string, r io.Reader) ([]*Dialogue, error) {
	var all []*Dialogue
	known := map[int64]*Dialogue{}
	var last *Dialogue
	n := 0
	for e, err := range Read(name, r) {
		if err != nil {
			return nil, err
		}
		if n++; n > maxKept {
			return nil, &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("%s has more than %d events", name, maxKept)}
		}
		d := known[e.Conn]
		switch {
		case e.Channel == "data" || d == nil && e.Conn == 0:
			d = last
		case d == nil:
			d = &Dialogue{Conn: e.Conn, Protocol: e.Protocol}
			all = append(all, d)
			known[e.Conn] = d
		}
		if d == nil {
			continue // before anything was said
		}
		if d.add(e, n); e.Channel != "data" {
			last = d
		}
	}
	return all, nil
}

// add takes the next event of the dialogue.
func (d *Dialogue) add(e protocols.Event, n int) {
	if len(d.Exchanges) == 0 {
		d.Exchanges = append(d.Exchanges, &Exchange{At: n})
	}
	newest := d.Exchanges[len(d.Exchanges)-1]
	switch {
	case e.Kind == protocols.EventSend && !(field.Re().MatchString(e.Text) && newest.open && len(d.pending) > 0):
		x := &Exchange{Command: e.Text, At: n, Events: []protocols.Event{e}, key: steady(e.Text), verb: verbOf(e.Text), open: true}
		x.put("> "+e.Text, x.key)
		d.Exchanges = append(d.Exchanges, x)
		d.pending = append(d.pending, x)
	case e.Kind == protocols.EventRecv:
		d.answer(e)
	default:
		x := newest
		if goesOut := e.Kind == protocols.EventSend || e.Kind == protocols.EventData && outward(e); !goesOut && d.answered != nil {
			x = d.answered
		}
		x.Events = append(x.Events, e)
		if text, key := d.aside(e); text != "" {
			x.put(text, key)
		}
	}
}

// Is reports whether a command is that of the exchange, but for what is volatile or was
// masked.
func (x *Exchange) Is(command string) bool {
	if !strings.Contains(x.key, masked) {
		return steady(command) == x.key
	}
	begin, rest, _ := strings.Cut(x.key, masked)
	return strings.HasPrefix(steady(command), begin) && (rest == "" || !strings.Contains(rest, " ") || strings.HasSuffix(command, rest))
}

// Sent reports whether the exchange began with a command; gopher has empty ones.
func (x *Exchange) Sent() bool { return len(x.Events) > 0 && x.Events[0].Kind == protocols.EventSend }

// Verb is the word that says what the command is about, in capitals, past a tag.
func (x *Exchange) Verb() string { return x.verb }

// VerbOf is the Verb of a command.
func VerbOf(command string) string { return verbOf(command) }

// masked stands in a trace for a secret.
const masked = "****"

func (x *Exchange) put(line, key string) {
	x.Lines, x.keys = append(x.Lines, line), append(x.keys, line[:1]+key)
}

// field is a line of a header, which belongs to the request before it.
var field = pattern.Lazy{Text: `^[A-Za-z][A-Za-z0-9-]*: `}

// The ends of answers: a reply of numbers whose last line has no hyphen, POP3's, and
// the status of HTTP, which later lines belong to.
var (
	numbered  = pattern.Lazy{Text: `^([1-5])\d\d(?: |$)`}
	spoken    = pattern.Lazy{Text: `^(?:\+OK|-ERR)(?: |$)`}
	tagged    = pattern.Lazy{Text: `^([A-Za-z]+[A-Za-z0-9]*\d+) (?:OK|NO|BAD)\b`}
	statusOf  = pattern.Lazy{Text: `^HTTP/\d\S* [2-5]`}
	newsVerbs = pattern.Lazy{Text: `^(?:CAPABILITIES|MODE READER|GROUP |ARTICLE|LISTGROUP|OVER|XOVER|NEWNEWS|NEWGROUPS|HDR|LIST )`}
)

// answer puts a line to the command that it answers: the oldest one that waits, or the
// one whose tag it has.
func (d *Dialogue) answer(e protocols.Event) {
	x, at := d.Exchanges[len(d.Exchanges)-1], -1
	if len(d.pending) > 0 {
		x, at = d.pending[0], 0
	}
	if m := tagged.Re().FindStringSubmatch(e.Text); m != nil {
		for i, p := range d.pending {
			if strings.HasPrefix(p.Command, m[1]+" ") {
				x, at = p, i
			}
		}
		d.done(at)
	} else if statusOf.Re().MatchString(e.Text) && len(d.pending) > 1 && !x.open {
		d.done(0)
		x = d.pending[0]
	}
	d.answered, x.Events = x, append(x.Events, e)
	x.put("< "+e.Text, steady(e.Text))
	if statusOf.Re().MatchString(e.Text) {
		x.open = false // the fields of the answer follow
	} else if spoken.Re().MatchString(e.Text) || d.final(x, e) {
		d.done(at)
	}
}

// final reports whether a line of numbers is the last one. 1xx announces more, but with
// news.
func (d *Dialogue) final(x *Exchange, e protocols.Event) bool {
	m := numbered.Re().FindStringSubmatch(e.Text)
	return m != nil && (m[1] != "1" || e.Protocol == "nntp" || newsVerbs.Re().MatchString(x.Command))
}

// done takes the command out of those that wait.
func (d *Dialogue) done(at int) {
	if at >= 0 && at < len(d.pending) {
		d.pending[at].open = false
		d.pending = append(d.pending[:at:at], d.pending[at+1:]...)
	}
}

// aside returns the line of what is not a line of the dialogue; nothing where it does not
// matter.
func (d *Dialogue) aside(e protocols.Event) (text, key string) {
	if e.Channel == "data" && e.Kind != protocols.EventData && e.Kind != protocols.EventError {
		return "", "" // that there is content says it
	}
	switch e.Kind {
	case protocols.EventSend:
		return "> " + e.Text, steady(e.Text)
	case protocols.EventResolve:
		return "", ""
	case protocols.EventClose:
		return "* close", "close" // how much went over it is said by what went
	case protocols.EventConnect:
		return "* connect " + e.Text, steady("connect " + e.Text)
	}
	e.Took = 0
	mark := "* "
	if e.Kind == protocols.EventError {
		mark = "! "
	}
	words := traceWords(e)
	return mark + words, steady(words)
}

// verbOf returns the word that says what a command is about, past a tag.
func verbOf(command string) string {
	words := strings.Fields(command)
	if len(words) > 1 && tagForm.Re().MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	return strings.ToUpper(words[0])
}

var tagForm = pattern.Lazy{Text: `^[A-Za-z]+[A-Za-z0-9]*\d+$`}
