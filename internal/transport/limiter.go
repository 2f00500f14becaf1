package transport

import (
	"context"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// NewLimiter returns a token bucket of bytesPerSecond that clients may share, or
// nil (no limit) if it is zero or less. The bucket holds an eighth of a second,
// between 512 bytes and 1 MiB.
func NewLimiter(bytesPerSecond int64) protocols.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return &limiter{rate: float64(bytesPerSecond), burst: int(min(max(bytesPerSecond/8, 512), 1<<20))}
}

type limiter struct {
	rate  float64 // bytes per second
	burst int

	mu   sync.Mutex
	paid time.Time // when all bytes admitted so far are paid for
}

// Burst returns the size of the bucket in bytes.
func (l *limiter) Burst() int { return l.burst }

// Wait takes n bytes from the bucket and waits until it is no longer overdrawn.
// If the context ends first, the bytes are returned to the bucket.
func (l *limiter) Wait(ctx context.Context, n int) error {
	if ctx.Err() != nil {
		return causeError(ctx)
	}
	cost := l.cost(n)
	wait := l.take(cost)
	if wait <= 0 {
		return nil
	}
	if retry.Sleep(ctx, wait) != nil {
		l.take(-cost)
		return causeError(ctx)
	}
	return nil
}

func (l *limiter) cost(n int) time.Duration {
	return time.Duration(float64(n) / l.rate * float64(time.Second))
}

// take books cost and returns the time until it is paid for.
func (l *limiter) take(cost time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if full := now.Add(-l.cost(l.burst)); l.paid.Before(full) {
		l.paid = full
	}
	l.paid = l.paid.Add(cost)
	return l.paid.Sub(now)
}
