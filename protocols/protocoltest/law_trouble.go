package protocoltest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func itoa(n int) string { return strconv.Itoa(n) }

// lawCut closes the connections before each line of the server.
func lawCut(t *testing.T, h *Harness) { h.lawGone(t, "close") }

// lawReset does it with a reset.
func lawReset(t *testing.T, h *Harness) { h.lawGone(t, "reset") }

// soon is as long as a client may take for its goodbyes.
const soon = 10 * time.Second

func (h *Harness) lawGone(t *testing.T, how string) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		h.points(t, d, func(t *testing.T, where string, upTo int) {
			tr := h.try(t, d, where, d.script.with(upTo, Step{Mark: "S!", Text: how}), d.script)
			start := time.Now()
			o, err := tr.call(t.Context(), d.Call)
			switch kind := protocols.KindOf(err); {
			case err == nil:
				tr.errorf("success on a connection that was cut: %s", o)
			case kind == protocols.KindTimeout || kind == protocols.KindUsage || kind == protocols.KindInterrupted:
				tr.errorf("kind %v: %v", kind, err)
			case time.Since(start) > soon:
				tr.errorf("took %v", time.Since(start))
			}
			tr.again(d)
			tr.end()
		})
	})
}

// lawHang lets the server fall silent before each of its lines, under a deadline.
func lawHang(t *testing.T, h *Harness) {
	const limit = 7 * time.Second
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		h.points(t, d, func(t *testing.T, where string, upTo int) {
			if h.careful(t, d, where, upTo, limit) {
				return
			}
			tr := h.try(t, d, where, d.script.with(upTo, Step{Mark: "S!", Text: "hang"}), d.script)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			o, err := tr.call(ctx, d.Call)
			if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != limit {
				tr.errorf("after %v, want %v: %v %s", took, limit, err, o)
			}
			tr.again(d)
			tr.end()
		})
	})
}

// lawIdle is lawHang without a deadline: the idle time ends the call.
func lawIdle(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		h.points(t, d, func(t *testing.T, where string, upTo int) {
			if h.careful(t, d, where, upTo, protocols.DefaultIdleTimeout+soon) {
				return
			}
			tr := h.try(t, d, where, d.script.with(upTo, Step{Mark: "S!", Text: "hang"}), d.script)
			start := time.Now()
			o, err := tr.call(t.Context(), d.Call)
			took := time.Since(start)
			if protocols.KindOf(err) != protocols.KindTimeout || took > protocols.DefaultIdleTimeout+soon {
				tr.errorf("after %v: %v %s", took, err, o)
			}
			tr.again(d)
			tr.end()
		})
		h.spare(t, d)
	})
}

// careful is the law for a client that connects again, and repeats what it can one
// command at a time, when the server falls silent before step at: the call succeeds
// within the time. It reports whether that is what the client does there.
func (h *Harness) careful(t *testing.T, d *Dialog, where string, at int, within time.Duration) bool {
	if h.Careful == nil {
		return false
	}
	next, after := h.Careful(d.script, at)
	if next == nil || after >= within {
		return false
	}
	tr := h.try(t, d, where, d.script.with(at, Step{Mark: "S!", Text: "hang"}), next)
	start := time.Now()
	o, _ := tr.call(t.Context(), d.Call)
	if took := time.Since(start); took < after || took > after+soon || o.String() != d.script.want().String() {
		tr.errorf("after %v, want %v: %s", took, after, o)
	}
	tr.end()
	return true
}

// spare lets the server fall silent where the call can do without it: the result
// is the same, and is not waited for long.
func (h *Harness) spare(t *testing.T, d *Dialog) {
	if d.Spare == 0 || t.Failed() {
		return
	}
	steps := d.script.serverSteps()[:d.needed]
	for _, at := range steps[max(len(steps)-d.Spare, 0):] {
		bubble(t, func(t *testing.T) {
			tr := h.try(t, d, d.script.Name+", silent before "+d.script.Steps[at].String(), d.script.with(at, Step{Mark: "S!", Text: "hang"}))
			start := time.Now()
			o, _ := tr.call(t.Context(), d.Call)
			if took := time.Since(start); took > soon || o.String() != d.script.want().String() {
				tr.errorf("after %v: %s", took, o)
			}
			tr.end()
		})
	}
}

// lawCancel cancels the context before each line of the server.
func lawCancel(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		h.points(t, d, func(t *testing.T, where string, upTo int) {
			tr := h.try(t, d, where, d.script.with(upTo, Step{Mark: "S!", Text: "cancel"}), d.script)
			ctx, cancel := context.WithCancel(t.Context())
			tr.player.OnCancel = cancel
			start := time.Now()
			o, err := tr.call(ctx, d.Call)
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 0 {
				tr.errorf("after %v, want at once: %v %s", took, err, o)
			}
			tr.again(d)
			tr.end()
		})
	})
}

// lawClosed closes the client before each line of the server, from another goroutine.
func lawClosed(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		h.points(t, d, func(t *testing.T, where string, upTo int) {
			tr := h.try(t, d, where, d.script.with(upTo, Step{Mark: "S!", Text: "cancel"}), d.script)
			tr.player.OnCancel = func() { tr.client.Close() }
			start := time.Now()
			o, err := tr.call(t.Context(), d.Call)
			if took := time.Since(start); !errors.Is(err, protocols.ErrClosed) || !errors.Is(err, net.ErrClosed) || protocols.IsRetryable(err) || took != 0 {
				tr.errorf("after %v, want ErrClosed at once: %v (retryable: %v) %s", took, err, protocols.IsRetryable(err), o)
			}
			tr.end()
		})
	})
}
