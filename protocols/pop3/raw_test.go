package pop3

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestRawHidesSecrets: a trace shows no secret of a raw command, nor of the response to
// a challenge.
func TestRawHidesSecrets(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	var trace strings.Builder
	c := labtest.Connect(t, New, s, &protocols.Options{Trace: func(e protocols.Event) { trace.WriteString(e.Text + "\n") }})
	for _, command := range []string{" pass hunter22", "AUTH PLAIN AGpvZQBodW50ZXIyMg==", "APOP joe c4c9334bac560ecc979e58001b3e22fb"} {
		if _, err := c.Do(t.Context(), command); err != nil {
			t.Errorf("%q: %v", command, err)
		}
	}
	for _, secret := range []string{"hunter22", "AGpvZ", "c4c933"} {
		if strings.Contains(trace.String(), secret) {
			t.Errorf("the trace shows %q:\n%s", secret, trace.String())
		}
	}
}
