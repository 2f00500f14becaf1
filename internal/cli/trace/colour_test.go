package trace

import (
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// TestTraceColours: on a terminal what goes out, what comes in and what is refused differ;
// without colours the text is the same.
func TestTraceColours(t *testing.T) {
	events := []protocols.Event{
		{Time: time.Unix(0, 0), Conn: 1, Kind: protocols.EventSend, Text: "NOOP"},
		{Time: time.Unix(0, 0), Conn: 1, Kind: protocols.EventRecv, Text: "250 ok"},
		{Time: time.Unix(0, 0), Conn: 1, Kind: protocols.EventRecv, Text: "550 no"},
	}
	text := map[show.Painter]string{}
	for _, paint := range []show.Painter{true, false} {
		var b strings.Builder
		sink, done, err := Open(t.Context(), "-", &b, paint)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			sink(e)
		}
		if err := done(); err != nil {
			t.Fatal(err)
		}
		text[paint] = b.String()
	}
	plain := text[true]
	for _, colour := range []string{"\x1b[36m", "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"} {
		if !strings.Contains(text[true], colour) || strings.Contains(text[false], colour) {
			t.Errorf("%q in %q and %q", colour, text[true], text[false])
		}
		plain = strings.ReplaceAll(plain, colour, "")
	}
	if plain != text[false] {
		t.Errorf("%q is not %q", plain, text[false])
	}
}
