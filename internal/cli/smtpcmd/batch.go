package smtpcmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/smtp"
)

// maxLetter bounds one line of a batch.
const maxLetter = 64 << 20

// batch sends many messages over several connections.
type batch struct {
	m     *mailer
	e     *kit.Env
	at    *protocols.Target
	url   string
	queue chan *smtp.Mail // filled by one reader

	mu    sync.Mutex // guards the output and what follows
	tally kit.Tally
	last  error // what ended the whole
}

// sendBatch reads messages, one a line, and prints one result for each.
func (m *mailer) sendBatch(ctx context.Context, e *kit.Env, at *protocols.Target) error {
	if m.connections < 1 || m.connections > 1000 {
		return kit.Usage("--connections: want 1 to 1000")
	}
	in := e.Stdin
	if m.batch != "-" {
		f, err := os.Open(m.batch)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b := &batch{m: m, e: e, at: at, url: protocols.Redact(at.URL), queue: make(chan *smtp.Mail, 2*m.connections)}
	var work sync.WaitGroup
	for range m.connections {
		work.Go(func() { b.worker(ctx, stop) })
	}
	b.read(ctx, in)
	close(b.queue)
	work.Wait()
	if b.last != nil {
		return b.last
	}
	return b.tally.Err()
}

// read returns the messages of the lines to the workers.
func (b *batch) read(ctx context.Context, in io.Reader) {
	r := bufio.NewReaderSize(in, 256<<10)
	for number := 1; ctx.Err() == nil; number++ {
		line, err := readLetter(r)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			_ = b.done(number, nil, err)
			return
		}
		if len(line) == 0 {
			continue
		}
		x, err := b.parse(line)
		if err != nil {
			_ = b.done(number, nil, err)
			continue
		}
		x.Tag = &ticket{line: number}
		select {
		case b.queue <- x:
		case <-ctx.Done():
		}
	}
}

// readLetter reads one line; an empty one returns nothing.
func readLetter(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line == nil && err == nil {
			return bytes.TrimSpace(part), nil // valid until the next read: parsed before
		}
		line = append(line, part...)
		switch {
		case len(line) > maxLetter:
			return nil, kit.Usage("a line of the batch is longer than 64 MiB")
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil && len(line) > 0 && errors.Is(err, io.EOF):
			return bytes.TrimSpace(line), nil
		case err != nil:
			return nil, err
		default:
			return bytes.TrimSpace(line), nil
		}
	}
}

// parse makes the message of a line; the flags give what the line leaves out.
func (b *batch) parse(line []byte) (*smtp.Mail, error) {
	l := b.m.letter
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return nil, kit.Usage("a line of the batch is not a message: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, kit.Usage("a line of the batch holds more than one message")
	}
	return b.m.mail(b.e, &l)
}

// ticket follows a message through the batch.
type ticket struct {
	line  int
	tries int // that ended with an error of the kind that passes
}

// maxWaiting bounds how many messages of one worker wait for another try.
const maxWaiting = 1000

// worker sends on one connection. What may be repeated is, after a pause that
// doubles; when there is no connection to be had its messages are told as failed.
func (b *batch) worker(ctx context.Context, stop context.CancelCauseFunc) {
	client, err := b.e.Dial(b.at)
	if err != nil {
		b.drain(ctx, err)
		return
	}
	defer client.Close()
	c, _ := protocols.As[*smtp.Client](client)
	var again []*smtp.Mail
	retries, failures := b.e.Retries(), 0
	for n := 0; ; n++ {
		first, taken := again, 0
		again = nil
		err = c.SendAll(ctx, b.mails(ctx, first, &taken), func(m *smtp.Mail, r *protocols.Receipt, err error) {
			t := m.Tag.(*ticket)
			if t.tries++; protocols.IsRetryable(err) && t.tries <= b.e.Flags.Retries.Value && len(again) < maxWaiting {
				again = append(again, m)
			} else if told := b.done(t.line, r, err); told != nil {
				stop(told)
			}
		})
		again = append(again, first[taken:]...)
		if failures++; err == nil {
			failures = 0
		}
		if len(again) == 0 || failures > retries.Retries || retry.Sleep(ctx, retries.Pause(n, err)) != nil {
			break
		}
	}
	b.giveUp(ctx, again, err)
}

// giveUp reports the messages that no further try is left for.
func (b *batch) giveUp(ctx context.Context, left []*smtp.Mail, err error) {
	if err == nil {
		err = context.Cause(ctx)
	}
	for _, m := range left {
		_ = b.done(m.Tag.(*ticket).line, nil, err)
	}
	if err != nil {
		b.drain(ctx, err)
	}
}

// patience is how long messages that were read wait for others to go with them.
const patience = 20 * time.Millisecond

// flush prints the results that are there.
func (b *batch) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.e.Out.Flush()
}

// mails returns some messages, of which it counts how many were taken, and then takes
// from the queue until that ends.
func (b *batch) mails(ctx context.Context, first []*smtp.Mail, taken *int) iter.Seq[*smtp.Mail] {
	return func(yield func(*smtp.Mail) bool) {
		for _, m := range first {
			*taken++
			if !yield(m) {
				return
			}
		}
		for quiet := len(first) == 0; ; {
			m, ok := b.next(ctx, !quiet)
			if !ok || !yield(m) {
				return
			}
			if quiet = m == nil; quiet { // what was there is answered
				b.flush()
			}
		}
	}
}

// next takes a message from the queue; with soon it returns nil where none comes soon.
func (b *batch) next(ctx context.Context, soon bool) (m *smtp.Mail, ok bool) {
	select {
	case m, ok = <-b.queue:
		return m, ok
	default:
	}
	var slow <-chan time.Time
	if soon {
		slow = time.After(patience)
	}
	select {
	case m, ok = <-b.queue:
		return m, ok
	case <-slow:
		return nil, true
	case <-ctx.Done():
		return nil, false
	}
}

// drain reports messages that no connection can be had for.
func (b *batch) drain(ctx context.Context, err error) {
	for m := range b.mails(ctx, nil, new(int)) {
		if m == nil {
			continue
		}
		_ = b.done(m.Tag.(*ticket).line, nil, err)
	}
}

// done prints the result of one message. The error is that of standard output.
func (b *batch) done(line int, r *protocols.Receipt, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err = kit.Named(protocols.Wrap(err, "smtp", "send", b.url), "send")
	b.tally.Add(err)
	told := b.m.tell(b.e, way{url: b.url, line: line}, r, err)
	if show.IsStdout(told) {
		b.last = told
		return told
	}
	if err != nil && !b.e.Out.JSON {
		b.e.Tell(err)
	}
	return nil
}
