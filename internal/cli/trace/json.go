package trace

import (
	"context"
	"io"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// traceJSON writes an object for each event, one a line.
type traceJSON struct{ f io.WriteCloser }

// Line fixes the keys, which scripts depend on: time (RFC 3339, UTC), conn
// (number of the connection, from 1), protocol, channel (control or data), kind
// (resolve connect proxy tls send recv data close note error), text, bytes, took_ms,
// and head. time and kind are always there, the others when known.
type Line struct {
	Time     string              `json:"time"`
	Conn     int64               `json:"conn,omitempty"`
	Protocol string              `json:"protocol,omitempty"`
	Channel  string              `json:"channel,omitempty"`
	Kind     protocols.EventKind `json:"kind"`
	Text     string              `json:"text,omitempty"`
	Bytes    int64               `json:"bytes,omitempty"`
	TookMS   float64             `json:"took_ms,omitempty"`
	Head     string              `json:"head,omitempty"` // how content begins, where it is text
}

func openTraceJSON(ctx context.Context, path string) (tracer, error) {
	f, err := createTrace(ctx, path)
	if err != nil {
		return nil, err
	}
	return &traceJSON{f: f}, nil
}

func (t *traceJSON) event(e protocols.Event) error {
	line, err := show.Marshal(LineOf(e))
	if err != nil {
		return err
	}
	_, err = t.f.Write(line)
	return err
}

// LineOf returns the line of an event.
func LineOf(e protocols.Event) Line {
	return Line{
		Time: e.Time.UTC().Format(time.RFC3339Nano), Conn: e.Conn, Protocol: e.Protocol, Channel: e.Channel,
		Kind: e.Kind, Text: e.Text, Bytes: e.Bytes, TookMS: float64(e.Took) / float64(time.Millisecond), Head: e.Head,
	}
}

func (t *traceJSON) finish() error { return t.f.Close() }
