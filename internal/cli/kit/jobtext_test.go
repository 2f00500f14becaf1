package kit

import (
	"testing"

	"github.com/netclients/netclients/protocols/transfer"
)

// A result names its file as the user's shell would, however its URL was written.
func TestResultText(t *testing.T) {
	for _, c := range []struct{ destination, want string }{
		{"file:///tmp/a%20b", "done: /tmp/a b  6 B"},
		{"file:a.txt", "done: a.txt  6 B"},
		{"file://elsewhere/a", "done: file://elsewhere/a  6 B"},
		{"ftp://host/a%20b", "done: ftp://host/a%20b  6 B"},
	} {
		t.Run(c.destination, func(t *testing.T) {
			if got := resultText(transfer.Result{Status: transfer.StatusDone, Destination: c.destination, Bytes: 6}); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
