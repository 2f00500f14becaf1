package expect

import (
	"context"
	"time"

	"github.com/netclients/netclients/protocols"
)

// interact hands the stream to the caller.
func (r *runner) interact(ctx context.Context, st *step) error {
	if r.o.Interact == nil {
		return protocols.UsageError("", "", "there is nobody here to interact")
	}
	start := time.Now()
	err := r.o.Interact(ctx, r.stream)
	r.sent = false
	return r.report(st, Result{}, start, err)
}
