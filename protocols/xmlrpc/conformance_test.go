package xmlrpc

import (
	"context"
	"flag"
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "write down in testdata/*.dialog what the calls give now")

// add is the call that all dialogues make.
func add(ctx context.Context, c protocols.Client) ([]any, error) {
	v, err := c.(*Client).Call(ctx, "add", 1, 2)
	return []any{v}, err
}

func harness() protocoltest.Harness {
	none := "the adapter has no verbs of the contract but Probe: calls are its own"
	h := protocoltest.Harness{
		Spec: Spec(), URL: "http://localhost/RPC2", Secret: "Xyzzy-7072", Garbage: "this is no HTTP",
		Skip: map[string]string{
			"caller": none, "list": none, "get": none, "put": none, "bulk": none, "busy": none, "errors": none,
			"credentials": "logins are the HTTP adapter's",
		},
	}
	for _, name := range []string{"call", "fault", "not-found"} {
		h.Dialogs = append(h.Dialogs, protocoltest.Dialog{File: filepath.Join("testdata", name+".dialog"), Call: add})
	}
	h.Dialogs[2].Spare = 1 // the page behind a refusal
	return h
}

// TestConformance runs those laws of the suite that are about any client.
func TestConformance(t *testing.T) { protocoltest.Run(t, harness()) }

// TestUpdateDialogs does what the flag says.
func TestUpdateDialogs(t *testing.T) {
	h := harness()
	if !*update {
		for _, d := range h.Dialogs {
			if s, err := protocoltest.LoadScript(d.File); err != nil || s.Error == "" && len(s.Result) == 0 {
				t.Errorf("%s has no result: %v", d.File, err)
			}
		}
		return
	}
	for _, d := range h.Dialogs {
		s, err := protocoltest.LoadScript(d.File)
		if err == nil {
			err = protocoltest.Rewrite(t, h, d, s)
		}
		if err != nil {
			t.Errorf("%s: %v", d.File, err)
		}
	}
}
