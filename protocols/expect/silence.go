package expect

import (
	"context"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Silence waits until moved, which counts bytes, has stood still for limit: then
// the error is of kind Timeout. It is nil when the context ends before.
func Silence(ctx context.Context, limit time.Duration, moved func() int64) error {
	tick := time.NewTicker(max(limit/8, time.Millisecond))
	defer tick.Stop()
	for last, since := moved(), time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n := moved(); n != last {
			last, since = n, time.Now()
		} else if time.Since(since) >= limit {
			return &protocols.Error{Kind: protocols.KindTimeout, Text: "no byte moved for " + limit.String()}
		}
	}
}

// restWait is how long, after the end of the peer's stream, input that does not
// move is waited for.
const restWait = 500 * time.Millisecond

// Rest waits for the end of the input, which comes through sent, after the end of
// the peer's stream: a peer may close one direction and read on. Input that does
// not come, so that written, which counts its bytes, stands still, is not waited
// for: it may be that of a person at a terminal.
func Rest(sent <-chan error, written func() int64) error {
	t := time.NewTicker(restWait)
	defer t.Stop()
	for last := written(); ; {
		select {
		case err := <-sent:
			return err
		case <-t.C:
		}
		now := written()
		if now == last {
			return nil
		}
		last = now
	}
}
