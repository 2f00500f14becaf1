package transfer

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// Retry calls try until it succeeds, fails with an error that does not pass by waiting
// ([protocols.IsRetryable]), or has had the attempts of the options; nil means the
// defaults. It pauses in between as copies do, and for as long as a server asks. When ctx
// ends, the error is its cause.
func Retry(ctx context.Context, o *Options, try func(ctx context.Context) error) error {
	if o == nil {
		o = &Options{}
	}
	return protocols.Wrap(o.policy().Do(ctx, func() error { return try(ctx) }), "", "", "")
}
