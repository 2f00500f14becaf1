package trace

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/pattern"
	"github.com/netclients/netclients/protocols"
)

// maxLine bounds a line of a trace that is read: an event's text is a line of a
// protocol, which has limits of its own.
const maxLine = 4 << 20

// Read returns the events of a trace, JSON lines or text, in their order. Times of a
// text trace count from the Unix epoch, and their events have no protocol. The first
// line that is not an event ends the sequence with an error of kind usage that names it.
func Read(name string, r io.Reader) iter.Seq2[protocols.Event, error] {
	return func(yield func(protocols.Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			text := strings.TrimRight(lines.Text(), "\r")
			if text == "" {
				continue
			}
			e, err := parseLine(text)
			if err != nil {
				err = notATrace(name, n, text, err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(protocols.Event{}, &protocols.Error{Kind: protocols.KindLocal, Text: "cannot read " + name, Err: err})
		}
	}
}

// notATrace says what is wrong with a line.
func notATrace(name string, n int, text string, err error) error {
	hint := "--trace FILE.jsonl and --trace FILE.txt record what can be read again"
	if start := strings.ToLower(strings.TrimSpace(text)); n == 1 && (strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html")) {
		return &protocols.Error{Kind: protocols.KindUsage, Text: name + " is a page for people", Hint: hint}
	}
	return &protocols.Error{Kind: protocols.KindUsage, Text: fmt.Sprintf("%s, line %d is not a line of a trace: %v", name, n, err), Hint: hint}
}

func parseLine(text string) (protocols.Event, error) {
	if strings.HasPrefix(text, "{") {
		return parseJSON(text)
	}
	return parseText(text)
}

func parseJSON(text string) (protocols.Event, error) {
	var l Line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return protocols.Event{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, l.Time)
	if err == nil && l.Kind == "" {
		err = fmt.Errorf("it has no kind")
	}
	return protocols.Event{
		Time: at, Conn: l.Conn, Protocol: l.Protocol, Channel: l.Channel, Kind: l.Kind, Text: l.Text, Bytes: l.Bytes,
		Took: time.Duration(l.TookMS * float64(time.Millisecond)), Head: l.Head,
	}, err
}

// textForm is what traceText writes.
var textForm = pattern.Lazy{Text: `^ *(-?\d+\.\d+)ms  (?:#(\d+))? *([a-z]*) *([><!*»«])(?: (.*))?$`}

var (
	tookForm = pattern.Lazy{Text: ` ?\((\d+\.\d+)ms\)$`}
	dataForm = pattern.Lazy{Text: `^(.*?) ?(\d+) bytes$`}
)

// namedKinds are those that a text trace writes before their texts.
var namedKinds = []protocols.EventKind{
	protocols.EventResolve, protocols.EventConnect, protocols.EventProxy, protocols.EventTLS, protocols.EventData,
	protocols.EventClose, protocols.EventWarning, protocols.EventError,
}

func parseText(text string) (protocols.Event, error) {
	m := textForm.Re().FindStringSubmatch(text)
	if m == nil {
		return protocols.Event{}, fmt.Errorf("%.40q", text)
	}
	e := protocols.Event{Time: time.Unix(0, 0).UTC().Add(millis(m[1])), Channel: m[3], Kind: protocols.EventNote, Text: m[5]}
	e.Conn, _ = strconv.ParseInt(cmp.Or(m[2], "0"), 10, 64)
	switch m[4] {
	case ">":
		e.Kind = protocols.EventSend
		return e, nil
	case "<":
		e.Kind = protocols.EventRecv
		return e, nil
	}
	if word, rest, _ := strings.Cut(e.Text, " "); slices.Contains(namedKinds, protocols.EventKind(word)) {
		e.Kind, e.Text = protocols.EventKind(word), rest
	}
	if took := tookForm.Re().FindStringSubmatch(e.Text); took != nil {
		e.Took, e.Text = millis(took[1]), strings.TrimSuffix(e.Text, took[0])
	}
	if size := dataForm.Re().FindStringSubmatch(e.Text); size != nil && e.Kind == protocols.EventData {
		e.Text = size[1]
		e.Bytes, _ = strconv.ParseInt(size[2], 10, 64)
	}
	return e, nil
}

func millis(text string) time.Duration {
	ms, _ := strconv.ParseFloat(text, 64) // matched as digits
	return time.Duration(ms * float64(time.Millisecond))
}
