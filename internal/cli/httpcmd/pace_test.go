package httpcmd

import (
	"context"
	"testing"
	"time"
)

// TestPaceForms: rates as curl takes them.
func TestPaceForms(t *testing.T) {
	for text, every := range map[string]time.Duration{"2/s": 500 * time.Millisecond, "30/m": 2 * time.Second, "3600": time.Second, "1/10s": 10 * time.Second, "1/d": 24 * time.Hour} {
		var p pace
		if err := p.Set(text); err != nil || p.every != every {
			t.Errorf("%s: %v, %v", text, p.every, err)
		}
	}
	for _, bad := range []string{"", "0/s", "2/", "2/x", "2/0s", "-1/s", "s", "2/s2", "99999999999/s"} {
		if err := new(pace).Set(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestPaceTurns: turns are handed out one after the other, whoever asks; the first comes
// at once.
func TestPaceTurns(t *testing.T) {
	p := pace{every: time.Hour}
	if err := p.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.wait(ctx); err == nil {
		t.Error("the second turn came within the hour")
	}
	if left := time.Until(p.next); left < 119*time.Minute || left > 2*time.Hour {
		t.Errorf("the third turn is in %v", left)
	}
}
