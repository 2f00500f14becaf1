package wire

import (
	"iter"
	"slices"
)

// maxInFlight is how many bytes of commands may be unanswered before a Window stops sending.
const maxInFlight = 16 << 10

// Window keeps a bounded number of commands in flight on one connection, for peers that answer in order.
//
// It cannot deadlock with a peer that stops reading until its answers are read. Commands are written only while fewer
// than 16 KiB of them are unanswered. Together with one more command they always fit into the buffers between the two
// sides (16 KiB is the smallest common send buffer, and the peer adds a receive buffer), so the write returns and the
// caller continues reading. Where nothing buffers (net.Pipe), use low 0: commands are then written only when no answer
// is due.
type Window[T any] struct {
	w         *Writer
	size, low int
	send      func(T) error
	queue     []flight[T]
	bytes     int // the sum over queue
	failed    T   // the item for which send failed with err
	err       error
}

type flight[T any] struct {
	item  T
	bytes int
}

// NewWindow returns a window on w of at most size commands, refilled in one write whenever low or fewer are unanswered
// (mpop's 100 and 80 are good values). A size below 1 means 1; low is clamped to 0 through size-1. The function send
// adds one item's command, or commands, to w without flushing; if it fails, what it added is discarded.
func NewWindow[T any](w *Writer, size, low int, send func(T) error) *Window[T] {
	size = max(size, 1)
	return &Window[T]{w: w, size: size, low: min(max(low, 0), size-1), send: send}
}

// All sends the commands for items (nil means none) and yields each item, in order, when its answer is the next one to
// read: the loop body must read all of it. Items are pulled ahead of the answers, up to the window's size.
//
// If send fails, All first yields the items whose answers are still due and then, last, the failed item with the error.
// If writing fails, it yields the oldest unanswered item with the error at once, and ends. After an early break Pending
// returns the items that are still unanswered.
func (p *Window[T]) All(items iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if items == nil {
			items = func(func(T) bool) {}
		}
		next, stop := iter.Pull(items)
		defer stop()
		for {
			if err := p.refill(next); err != nil {
				yield(p.queue[0].item, err)
				return
			}
			if len(p.queue) == 0 {
				break
			}
			if !yield(p.pop(), nil) {
				return
			}
		}
		p.report(yield)
	}
}

// report yields the error of send, once.
func (p *Window[T]) report(yield func(T, error) bool) {
	var zero T
	item, err := p.failed, p.err
	p.failed, p.err = zero, nil
	if err != nil {
		yield(item, err)
	}
}

// refill sends items until the window is full, if it has run low, and writes them in one call.
func (p *Window[T]) refill(next func() (T, bool)) error {
	if len(p.queue) > p.low || p.bytes*p.size > maxInFlight*p.low { // long commands are batched too
		return nil
	}
	for p.err == nil && len(p.queue) < p.size && p.bytes < maxInFlight {
		item, ok := next()
		if !ok {
			break
		}
		before := p.w.mark()
		if p.err = p.send(item); p.err != nil {
			p.failed = item
			p.w.cutTo(before) // half an item must not reach the peer
			break
		}
		p.push(flight[T]{item, max(p.w.Buffered()-before.bytes, 0)})
	}
	if len(p.queue) == 0 {
		return nil
	}
	return p.w.Flush()
}

func (p *Window[T]) push(f flight[T]) {
	p.queue = append(p.queue, f)
	p.bytes += f.bytes
}

func (p *Window[T]) pop() T {
	head := p.queue[0]
	p.bytes -= head.bytes
	p.queue = slices.Delete(p.queue, 0, 1)
	return head.item
}

// Pending returns the items whose commands were sent (or passed to a write that failed) but which were not yielded,
// oldest first. The item in whose loop body the caller stopped is not among them: reading its answer was the caller's
// task. A later All on the same window yields them first, so use All(nil) to read the remaining answers.
func (p *Window[T]) Pending() []T {
	items := make([]T, len(p.queue))
	for i, f := range p.queue {
		items[i] = f.item
	}
	return items
}
