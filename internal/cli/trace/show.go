package trace

import (
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/pattern"
	"github.com/netclients/netclients/protocols"
)

// Printer writes events as lines of text, in colours where the terminal shows them.
type Printer struct {
	W     io.Writer
	Paint show.Painter
	last  time.Time
	text  traceText
}

// longPause is the silence that a Printer makes visible.
const longPause = time.Second

// Event writes one event.
func (p *Printer) Event(e protocols.Event) error {
	if p.text.start.IsZero() {
		p.text.start, p.last = e.Time, e.Time
	}
	if gap := e.Time.Sub(p.last); gap >= longPause {
		if _, err := io.WriteString(p.W, p.Paint.As(show.Dim, "              ... "+shortTime(gap)+" pass")+"\n"); err != nil {
			return show.Wrote(err)
		}
	}
	p.last = e.Time
	before, words := p.text.line(e)
	_, err := io.WriteString(p.W, strings.TrimRight(p.Paint.As(show.Dim, before)+p.Paint.As(colourOf(e), words), " ")+"\n")
	return show.Wrote(err)
}

// kindColours are those of what stands beside the lines of a dialogue.
var kindColours = map[protocols.EventKind]string{
	protocols.EventSend: show.Cyan, protocols.EventRecv: show.Green, protocols.EventData: show.Magenta, protocols.EventError: show.Red,
	protocols.EventWarning: show.Yellow, protocols.EventTLS: show.Yellow,
}

// refusals are replies that say no.
var refusals = pattern.Lazy{Text: `^(?:[45]\d\d(?:[ -]|$)|-ERR|\S+ (?:NO|BAD) |HTTP/\S+ [45])`}

func colourOf(e protocols.Event) string {
	if e.Kind == protocols.EventRecv && refusals.Re().MatchString(e.Text) {
		return show.Red
	}
	return kindColours[e.Kind]
}
