package expect

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that keeps the connection open after the last step is not a failure: the run ends
// soon after the peer has become silent, and also when the whole time is over.
func TestPeerThatStaysAfterTheLastStep(t *testing.T) {
	for _, tc := range []struct {
		name         string
		answers      int           // one each half second, after the last step
		whole        time.Duration // of the run
		atLeast, end time.Duration
	}{
		{"silent", 0, time.Hour, 0, 2 * time.Second},
		{"answers for three seconds", 6, time.Hour, 3 * time.Second, 5 * time.Second},
		{"answers for ever", 1000, time.Hour, DefaultTimeout - time.Second, DefaultTimeout + 2*time.Second},
		{"the whole time ends", 1000, 4 * time.Second, 4 * time.Second, 4 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { staysAfter(t, tc.answers, tc.whole, tc.atLeast, tc.end) })
		})
	}
}

func staysAfter(t *testing.T, answers int, whole, atLeast, end time.Duration) {
	s, err := Parse(strings.NewReader("expect \"name\"\nsend \"eve\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), whole)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.WriteString(theirs, "name? ")
		theirs.Read(make([]byte, 100))
		for range answers {
			time.Sleep(time.Second / 2)
			if _, err := io.WriteString(theirs, "."); err != nil {
				return
			}
		}
		io.Copy(io.Discard, theirs)
	}()
	var got []Result
	start := time.Now()
	err = s.Run(ctx, NewStream(ours, 0), nil, &RunOptions{Report: func(r Result) error { got = append(got, r); return nil }})
	took := time.Since(start)
	ours.Close()
	theirs.Close()
	<-done
	if err != nil || took < atLeast || took > end {
		t.Errorf("after %v: %v", took, err)
	}
	if last := got[len(got)-1]; last.Action != "rest" || len(last.Received) < min(answers, int(atLeast/time.Second)*2-2) {
		t.Errorf("the rest is %+v", last)
	}
}
