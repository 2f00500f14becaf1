package socketcmd

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// TestReceiveEvents: recv --json prints what came as JSON, at most as much as wanted.
func TestReceiveEvents(t *testing.T) {
	for limit, want := range map[kit.Size]string{0: "text", 2: "te"} {
		var out bytes.Buffer
		o, err := show.New(&out, &out, show.Options{JSON: true})
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{bytes: limit}
		at := &protocols.Target{URL: &url.URL{Scheme: "tcp", Host: "h:1"}}
		if err := r.events(&kit.Env{Out: o}, at, strings.NewReader("text")); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, `"event":"received"`) || !strings.Contains(got, `"text":"`+want+`"`) {
			t.Error(got)
		}
	}
}
