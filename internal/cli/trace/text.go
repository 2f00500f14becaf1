package trace

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// traceText writes a line for each event: time since the first one, connection,
// channel, a mark for the direction, and the text.
type traceText struct {
	w     io.Writer
	paint show.Painter // colours, on a terminal
	close func() error
	start time.Time
}

func openTraceText(ctx context.Context, path string) (tracer, error) {
	f, err := createTrace(ctx, path)
	if err != nil {
		return nil, err
	}
	return &traceText{w: f, close: f.Close}, nil
}

// traceMarks are the directions: out, in, and notes for all else.
var traceMarks = map[protocols.EventKind]string{
	protocols.EventSend: ">", protocols.EventRecv: "<", protocols.EventError: "!",
}

func traceMark(e protocols.Event) string {
	if e.Kind == protocols.EventData {
		if outward(e) {
			return "»"
		}
		return "«"
	}
	return cmp.Or(traceMarks[e.Kind], "*")
}

func (t *traceText) event(e protocols.Event) error {
	if t.start.IsZero() {
		t.start = e.Time
	}
	before, words := t.line(e)
	if words = strings.TrimRight(words, " "); t.paint {
		before, words = t.paint.As(show.Dim, before), t.paint.As(colourOf(e), words)
	}
	_, err := io.WriteString(t.w, strings.TrimRight(before+words, " ")+"\n")
	return err
}

// line returns the line of an event: when and where it was, and what.
func (t *traceText) line(e protocols.Event) (before, words string) {
	conn := ""
	if e.Conn != 0 {
		conn = fmt.Sprintf("#%d", e.Conn)
	}
	before = fmt.Sprintf("%12s  %-3s %-7s ", inMillis(e.Time.Sub(t.start)), conn, show.Safe(e.Channel))
	return before, traceMark(e) + " " + traceWords(e)
}

func (t *traceText) finish() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}

// traceWords returns the text of an event with what else is known: lines as they
// went, other kinds with their name, bytes and duration.
func traceWords(e protocols.Event) string {
	text := show.Safe(e.Text)
	if e.Kind == protocols.EventSend || e.Kind == protocols.EventRecv {
		return text
	}
	words := []string{string(e.Kind)}
	if e.Kind == protocols.EventNote {
		words = nil
	}
	if text != "" {
		words = append(words, text)
	}
	if e.Bytes > 0 && e.Kind == protocols.EventData {
		words = append(words, fmt.Sprintf("%d bytes", e.Bytes))
	}
	if e.Took > 0 {
		words = append(words, "("+inMillis(e.Took)+")")
	}
	return strings.Join(words, " ")
}

func inMillis(d time.Duration) string {
	return fmt.Sprintf("%.3fms", float64(d)/float64(time.Millisecond))
}
