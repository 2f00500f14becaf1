package wire

import (
	"iter"
	"slices"
)

// maxInFlight is how many bytes of commands may be unanswered before a Window sends no more.
const maxInFlight = 16 << 10

// Window keeps a bounded number of commands in flight on one connection, for peers that answer in order.
//
// It cannot deadlock with a peer that stops reading while its answers are not read: commands are written only while
// fewer than 16 KiB of them are unanswered, so that together with one more command they always fit into the buffers
// between the two sides (16 KiB is the smallest send buffer of common systems, and a receive buffer follows it), the
// write returns, and the caller goes on reading. Where nothing buffers (net.Pipe), use low 0: then commands are
// written only when no answer is due.
type Window[T any] struct {
	w         *Writer
	size, low int
	send      func(T) error
	queue     []flight[T]
	bytes     int // the sum over queue
	failed    T   // what send refused with err
	err       error
}

type flight[T any] struct {
	item  T
	bytes int
}

// NewWindow returns a window on w of at most size commands, refilled in one write whenever low or fewer are unanswered
// (mpop's 100 and 80 are good figures). A size below 1 means 1; low is kept within 0 and size-1. The function send
// adds one item's command, or commands, to w and does not flush; what it added is taken back if it fails.
func NewWindow[T any](w *Writer, size, low int, send func(T) error) *Window[T] {
	size = max(size, 1)
	return &Window[T]{w: w, size: size, low: min(max(low, 0), size-1), send: send}
}

// All sends the commands for items, a nil items meaning none, and yields each item, in order, when its answer is the
// next to read: the loop body must read all of it. Items are taken ahead of the answers, at most the window's size.
//
// If send fails, the answers that are still due come first and then, last, the refused item with the error. If
// writing fails, the oldest unanswered item comes with the error at once, and last. After an early break Pending says
// what is still to be answered.
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

// refill sends items until the window is full, if it has run low, and writes them at once.
func (p *Window[T]) refill(next func() (T, bool)) error {
	if len(p.queue) > p.low || p.bytes*p.size > maxInFlight*p.low { // long commands too go out many at once
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

// Pending returns the items whose commands were sent (or handed to a write that failed) but which were not yielded,
// oldest first. The item in whose loop body the caller stopped is not among them: its answer was the caller's to read.
// A later All on the same window yields them first, so All(nil) is the way to read what is left.
func (p *Window[T]) Pending() []T {
	items := make([]T, len(p.queue))
	for i, f := range p.queue {
		items[i] = f.item
	}
	return items
}
