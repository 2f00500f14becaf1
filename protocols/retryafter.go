package protocols

import (
	"errors"
	"time"
)

// RetryAfter returns how long the server asked to wait before the call that gave
// err is made again, or 0 when it did not. The adapter bounds it.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		return e.RetryAfter()
	}
	return 0
}
