//go:build linux

package socketcmd

import (
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/socket"
)

// TestExecAnswersDatagrams: the datagram is the input of the command, its output the answer.
func TestExecAnswersDatagrams(t *testing.T) {
	for _, c := range []struct{ command, want, fails string }{
		{command: "tr a-z A-Z", want: "HELLO"},
		{command: "true"},
		{command: `printf '%s %s' "$NETCLIENTS_REMOTE" "$EXTRA"`, want: "there more"},
		{command: "cat; exit 3", fails: "exit status 3"},
		{command: "head -c 65508 /dev/zero", fails: "does not go into one datagram"},
	} {
		x, err := newExecutor(c.command, true, map[string]string{"EXTRA": "more"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.answer(t.Context(), []byte("hello"), "there", "here")
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", c.command, err)
			}
		} else if string(got) != c.want || err != nil {
			t.Errorf("%s: %q, %v", c.command, got, err)
		}
	}
	x, err := newExecutor("head -c 65507 /dev/zero", false, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.answer(t.Context(), nil, "", ""); len(got) != socket.MaxDatagram || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
