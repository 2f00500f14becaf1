package socket

import (
	"context"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// What a script asks of its connection by an assertion that nothing else would miss.
var _ interface {
	AllowSecret() error
	Event(kind protocols.EventKind, text string, n int64)
	SendUrgent(p []byte) error
	StartTLS(ctx context.Context) error
	CloseWrite() error
} = (*Conn)(nil)

// TestScriptsAreTraced: what a script shows of its steps comes to the trace of the client,
// and a connection within this machine may carry its secrets.
func TestScriptsAreTraced(t *testing.T) {
	var texts []string
	c, _, err := protocols.Open[*Client](TCP(), serve(t, "tcp://127.0.0.1:0", &ListenOptions{}), &protocols.Options{Trace: func(e protocols.Event) { texts = append(texts, e.Text) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Event(protocols.EventSend, "a step", 6)
	if err := conn.AllowSecret(); err != nil {
		t.Error(err)
	}
	conn.Close()
	if !slices.Contains(texts, "a step") {
		t.Errorf("%q", texts)
	}
}
