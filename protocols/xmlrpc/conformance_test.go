package xmlrpc

import (
	"context"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// add is the call that all dialogues make.
func add(ctx context.Context, c protocols.Client) ([]any, error) {
	v, err := c.(*Client).Call(ctx, "add", 1, 2)
	return []any{v}, err
}

func book() *dialogs.Book[Settings] {
	none := "the adapter has no verbs of the contract but Probe: calls are its own"
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{
			Spec: Spec(), URL: "http://localhost/RPC2", Secret: "Xyzzy-7072", Garbage: "this is no HTTP",
			Skip: map[string]string{
				"caller": none, "list": none, "get": none, "put": none, "bulk": none, "busy": none, "errors": none,
				"credentials": "logins are the HTTP adapter's",
			},
		},
		Rows: []dialogs.Recording[Settings]{
			{Name: "call", Call: add}, {Name: "fault", Call: add},
			{Name: "not-found", Call: add, Spare: 1}, // the page after a refusal
		},
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
	}
}

// TestConformance runs those laws of the suite that are about any client.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

// TestUpdateDialogs looks for stray files, and with -update writes down what the calls give now.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }
