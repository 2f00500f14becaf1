package verbs

import (
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func TestProbeCertificate(t *testing.T) {
	p := newProber()
	for days, want := range map[int]int{-1: 2, 3: 1, 30: 0} {
		r := &result{Report: &protocols.Report{Up: true, CertNotAfter: time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour)}}
		if days < 0 {
			r.CertNotAfter = time.Now().Add(-time.Hour)
		}
		if got, why := p.state(r); got != want {
			t.Errorf("%d days: %d %s", days, got, why)
		}
	}
}
