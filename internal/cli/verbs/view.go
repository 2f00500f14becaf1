package verbs

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
)

// Event is one line of --json of a talk. Data is text where it is valid UTF-8,
// else hexadecimal.
type Event struct {
	Time   string `json:"time"`
	Event  string `json:"event"` // listening connected sent received closed
	ID     int64  `json:"id,omitempty"`
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
	Bytes  int    `json:"bytes,omitempty"`
	Text   string `json:"text,omitempty"`
	Hex    string `json:"hex,omitempty"`
	Sent   int64  `json:"sent,omitempty"`
	Got    int64  `json:"received,omitempty"`
	Error  string `json:"error,omitempty"`
}

// ViewOptions say how a talk is shown.
type ViewOptions struct {
	Hex, Times bool
}

// TalkView shows a talk: as it is, as a hex dump, with the time of each line, or as
// JSON events. Its methods may be called from many goroutines.
type TalkView struct {
	E  *kit.Env
	o  ViewOptions
	mu sync.Mutex

	offset map[string]int64 // of the hex dump, per direction
	line   []byte           // received, its end not yet
}

// maxViewLine is how much of a line is held back for its end.
const maxViewLine = 64 << 10

// NewView returns the view of a talk.
func NewView(e *kit.Env, o ViewOptions) *TalkView {
	return &TalkView{E: e, o: o, offset: map[string]int64{}}
}

// Plain reports whether bytes go to standard output as they are, and nothing
// else does.
func (v *TalkView) Plain() bool { return !v.o.Hex && !v.o.Times && !v.E.Out.JSON }

// now is the time as it is printed.
func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// Event prints one JSON line, at once, as the talk goes on.
func (v *TalkView) Event(x Event, data []byte) error {
	x.Time = now()
	if utf8.Valid(data) {
		x.Text = string(data)
	} else {
		x.Hex = hex.EncodeToString(data)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.E.Out.Object(x); err != nil {
		return err
	}
	return v.E.Out.Flush()
}

// Tell prints an event as JSON, or else its words on standard error.
func (v *TalkView) Tell(x Event, words string) error {
	if v.E.Out.JSON {
		return v.Event(x, nil)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.E.Out.Say(words)
	return nil
}

// Listening reports the address that is listened on.
func (v *TalkView) Listening(at string) error {
	return v.Tell(Event{Event: "listening", Local: at}, "listening on "+at)
}

// sent shows bytes that went out.
func (v *TalkView) sent(p []byte) error {
	switch {
	case v.E.Out.JSON:
		return v.Event(Event{Event: "sent", Bytes: len(p)}, p)
	case v.o.Hex:
		return v.dump(">", p)
	}
	return nil
}

// received shows bytes that came.
func (v *TalkView) received(p []byte) error {
	switch {
	case v.E.Out.JSON:
		return v.Event(Event{Event: "received", Bytes: len(p)}, p)
	case v.o.Hex:
		return v.dump("<", p)
	case v.o.Times:
		return v.timed(p)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	w, err := v.E.Out.Bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(p)
	return show.Wrote(err)
}

// dump prints bytes sixteen a line, with their offset in their direction.
func (v *TalkView) dump(mark string, p []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(p) > 0 {
		row := p[:min(16, len(p))]
		p = p[len(row):]
		if err := v.E.Out.Line(hexRow(mark, v.offset[mark], row)); err != nil {
			return err
		}
		v.offset[mark] += int64(len(row))
	}
	return v.E.Out.Flush()
}

func hexRow(mark string, offset int64, row []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %08x ", mark, offset)
	for i := range 16 {
		if i%8 == 0 {
			b.WriteByte(' ')
		}
		if i < len(row) {
			fmt.Fprintf(&b, "%02x ", row[i])
		} else {
			b.WriteString("   ")
		}
	}
	b.WriteString(" |")
	for _, c := range row {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		b.WriteByte(c)
	}
	b.WriteByte('|')
	return b.String()
}

// timed prints whole lines, made harmless, after the time their end came.
func (v *TalkView) timed(p []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.line = append(v.line, p...)
	for {
		line, rest, whole := strings.Cut(string(v.line), "\n")
		if !whole && len(v.line) < maxViewLine {
			break
		}
		if err := v.E.Out.Line(now() + "  " + show.Safe(strings.TrimSuffix(line, "\r"))); err != nil {
			return err
		}
		v.line = append(v.line[:0], rest...)
	}
	return v.E.Out.Flush()
}

// end prints what is left of a line.
func (v *TalkView) end() error {
	if len(v.line) == 0 {
		return nil
	}
	return v.timed([]byte("\n"))
}
