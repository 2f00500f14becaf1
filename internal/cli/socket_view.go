package cli

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// event is one line of --json of a talk. Data is text where it is valid UTF-8,
// else hexadecimal.
type event struct {
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

// viewOptions say how a talk is shown.
type viewOptions struct {
	hex, times bool
}

// talkView shows a talk: as it is, as a hex dump, with the time of each line, or as
// JSON events. Its methods may be called from many goroutines.
type talkView struct {
	e  *env
	o  viewOptions
	mu sync.Mutex

	offset map[string]int64 // of the hex dump, per direction
	line   []byte           // received, its end not yet
}

// maxViewLine is how much of a line is held back for its end.
const maxViewLine = 64 << 10

func newView(e *env, o viewOptions) *talkView {
	return &talkView{e: e, o: o, offset: map[string]int64{}}
}

// plain reports whether bytes go to standard output as they are, and nothing
// else does.
func (v *talkView) plain() bool { return !v.o.hex && !v.o.times && !v.e.out.json }

// now is the time as it is printed.
func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// event prints one JSON line, at once, as the talk goes on.
func (v *talkView) event(x event, data []byte) error {
	x.Time = now()
	if utf8.Valid(data) {
		x.Text = string(data)
	} else {
		x.Hex = hex.EncodeToString(data)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.e.out.object(x); err != nil {
		return err
	}
	return v.e.out.flush()
}

// tell prints an event as JSON, or else its words on standard error.
func (v *talkView) tell(x event, words string) error {
	if v.e.out.json {
		return v.event(x, nil)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.e.out.say(words)
	return nil
}

func (v *talkView) listening(at string) error {
	return v.tell(event{Event: "listening", Local: at}, "listening on "+at)
}

// sent shows bytes that went out.
func (v *talkView) sent(p []byte) error {
	switch {
	case v.e.out.json:
		return v.event(event{Event: "sent", Bytes: len(p)}, p)
	case v.o.hex:
		return v.dump(">", p)
	}
	return nil
}

// received shows bytes that came.
func (v *talkView) received(p []byte) error {
	switch {
	case v.e.out.json:
		return v.event(event{Event: "received", Bytes: len(p)}, p)
	case v.o.hex:
		return v.dump("<", p)
	case v.o.times:
		return v.timed(p)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	w, err := v.e.out.bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(p)
	return wrote(err)
}

// dump prints bytes sixteen a line, with their offset in their direction.
func (v *talkView) dump(mark string, p []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(p) > 0 {
		row := p[:min(16, len(p))]
		p = p[len(row):]
		if err := v.e.out.line(hexRow(mark, v.offset[mark], row)); err != nil {
			return err
		}
		v.offset[mark] += int64(len(row))
	}
	return v.e.out.flush()
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

// timed prints whole lines, made harmless, behind the time their end came.
func (v *talkView) timed(p []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.line = append(v.line, p...)
	for {
		line, rest, whole := strings.Cut(string(v.line), "\n")
		if !whole && len(v.line) < maxViewLine {
			break
		}
		if err := v.e.out.line(now() + "  " + safe(strings.TrimSuffix(line, "\r"))); err != nil {
			return err
		}
		v.line = append(v.line[:0], rest...)
	}
	return v.e.out.flush()
}

// end prints what is left of a line.
func (v *talkView) end() error {
	if len(v.line) == 0 {
		return nil
	}
	return v.timed([]byte("\n"))
}
