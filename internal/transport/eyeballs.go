package transport

import (
	"context"
	"net"
	"time"
)

// attemptDelay is how long an attempt runs alone before the next one starts, RFC
// 8305 section 5.
const attemptDelay = 250 * time.Millisecond

type attempt struct {
	conn net.Conn
	err  error
}

// race connects to the first address that answers. Attempts start one after the
// other: after a delay, or at once when one has failed. All attempts have ended
// when race returns; connections that lost the race are closed.
func (d *Dialer) race(ctx context.Context, host, network string, addresses []string) (net.Conn, error) {
	if len(addresses) == 1 {
		conn, err := d.dial(ctx, network, addresses[0])
		if err != nil {
			return nil, dialError(ctx, err, addresses[0])
		}
		return conn, nil
	}
	tries, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt, len(addresses))
	next, running := 0, 0
	start := func() {
		address := addresses[next]
		next, running = next+1, running+1
		go func() {
			conn, err := d.dial(tries, network, address)
			if err != nil {
				err = dialError(ctx, err, address)
			}
			results <- attempt{conn, err}
		}()
	}
	defer func() {
		cancel()
		for range running {
			if r := <-results; r.conn != nil {
				r.conn.Close()
			}
		}
	}()
	conn, err := firstOf(tries, host, len(addresses), results, start, &next, &running)
	if err != nil && ctx.Err() != nil {
		return nil, causeError(ctx)
	}
	return conn, err
}

// firstOf starts attempts and returns the first success.
func firstOf(ctx context.Context, host string, count int, results <-chan attempt, start func(), next, running *int) (net.Conn, error) {
	var errs []error
	delay := time.NewTimer(attemptDelay)
	defer delay.Stop()
	for start(); *running > 0; {
		select {
		case r := <-results:
			*running--
			if r.err == nil {
				return r.conn, nil
			}
			errs = append(errs, r.err)
		case <-delay.C:
		}
		if *next < count && ctx.Err() == nil {
			start()
			delay.Reset(attemptDelay)
		}
	}
	return nil, dialErrors(host, errs)
}
