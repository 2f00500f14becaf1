// Package roundtrip proves that a service works from end to end: a message that is sent
// arrives in a mailbox, an article that is posted can be read, a file that is written
// can be read and deleted. What it leaves is removed again.
//
// Which way fits two URLs is a row of the table ways: by what their clients can do.
package roundtrip

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// End is one end of a trip: a target, and how to open clients of it.
type End struct {
	Target *protocols.Target
	Open   func() (protocols.Client, error)
}

// Options say how a message is addressed.
type Options struct {
	From, To string // addresses; empty: those of the user of the end where it arrives
}

// Step is a part of a trip that was done: "write", "send", "arrive", "read", "delete".
type Step struct {
	Name string
	Took time.Duration
}

// way is one kind of trip.
type way struct {
	fits func(from, to protocols.Client) bool
	run  func(ctx context.Context, t *trip) error
}

// ways are tried in order.
func ways() []way {
	return []way{
		{func(from, to protocols.Client) bool { return can[*nntp.Client](from) && can[*nntp.Client](to) }, news},
		{func(from, to protocols.Client) bool {
			return can[protocols.Sender](from) && can[protocols.Getter](to) && can[protocols.MessageSource](to)
		}, mail},
		{func(from, to protocols.Client) bool {
			return can[protocols.Putter](from) && can[protocols.Getter](to) && can[protocols.Remover](to)
		}, files},
	}
}

func can[T any](c protocols.Client) bool {
	_, is := protocols.As[T](c)
	return is
}

// trip is one that is under way.
type trip struct {
	from, to End
	o        Options
	token    string // that nothing else has
	steps    []Step
}

// Run makes a trip from one end to the other, within the context. The steps that were
// done are returned also with an error, whose Op is the step that failed.
func Run(ctx context.Context, from, to End, o Options) ([]Step, error) {
	a, err := from.Open()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	b, err := to.Open()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	to.Target = inbox(to.Target)
	t := &trip{from: from, to: to, o: o, token: "netclients-probe-" + strings.ToLower(rand.Text())}
	for _, w := range ways() {
		if w.fits(a, b) {
			err := w.run(ctx, t)
			return t.steps, err
		}
	}
	return nil, protocols.UsageError(from.Target.Spec.Name, "", "no round trip leads from here to "+to.Target.Spec.Name+": known are SMTP to IMAP or POP3, NNTP to itself, and files that are written and read")
}

// inbox is the mailbox where mail arrives in an account that is named without one.
func inbox(t *protocols.Target) *protocols.Target {
	if t.Name != "" || t.Spec.Name != "imap" {
		return t
	}
	named := *t
	named.Name = "INBOX"
	return &named
}

// step does one part with a client of its own, and notes how long it took.
func (t *trip) step(name string, at End, do func(c protocols.Client) error) error {
	start := time.Now()
	c, err := at.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := do(c); err != nil {
		return protocols.Wrap(err, at.Target.Spec.Name, name, protocols.Redact(at.Target.URL))
	}
	t.steps = append(t.steps, Step{name, time.Since(start)})
	return nil
}

// errNotYet is the error of a look that has found nothing.
var errNotYet = errors.New("it has not arrived")

// await repeats a look, with a client of its own each time, until it finds something.
func (t *trip) await(ctx context.Context, look func(c protocols.Client) error) error {
	start := time.Now()
	p := retry.Policy{Retries: 1 << 20, First: 200 * time.Millisecond, Max: 3 * time.Second, Again: func(err error) bool { return errors.Is(err, errNotYet) }}
	err := p.Do(ctx, func() error {
		c, err := t.to.Open()
		if err != nil {
			return err
		}
		defer c.Close()
		return look(c)
	})
	if ctx.Err() != nil && (err == nil || errors.Is(err, errNotYet) || errors.Is(err, ctx.Err())) {
		err = &protocols.Error{Kind: protocols.KindTimeout, Text: fmt.Sprintf("what was sent has not arrived within %v", time.Since(start).Round(time.Second))}
	}
	if err != nil {
		return protocols.Wrap(err, t.to.Target.Spec.Name, "arrive", protocols.Redact(t.to.Target.URL))
	}
	t.steps = append(t.steps, Step{"arrive", time.Since(start)})
	return nil
}

// cleanUp is how long removing what is left may take, also when the trip has no time
// any more.
const cleanUp = 10 * time.Second

// after returns a context for removing what is left.
func after(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
}

// files writes a file beside what the URL names, reads it and deletes it.
func files(ctx context.Context, t *trip) (err error) {
	name := folder(t.from.Target.Name) + t.token + ".txt"
	content := []byte(t.token + "\r\n" + strings.Repeat("0123456789abcdef", 64) + "\n")
	err = t.step("write", t.from, func(c protocols.Client) error {
		_, err := protocols.Put(ctx, c, name, bytes.NewReader(content), &protocols.PutOptions{Size: int64(len(content))})
		return err
	})
	if err != nil {
		t.discard(ctx, name)
		return err
	}
	err = t.step("read", t.to, func(c protocols.Client) error { return same(ctx, c, folder(t.to.Target.Name)+t.token+".txt", content) })
	if err != nil {
		t.discard(ctx, name)
		return err
	}
	return t.step("delete", t.from, func(c protocols.Client) error {
		ctx, cancel := after(ctx)
		defer cancel()
		return protocols.Remove(ctx, c, name)
	})
}

// folder returns the folder that a name is, or is in.
func folder(name string) string {
	if name == "" {
		return ""
	}
	return name[:strings.LastIndexByte(name, '/')+1]
}

// discard removes a file that may be there, after a failure.
func (t *trip) discard(ctx context.Context, name string) {
	ctx, cancel := after(ctx)
	defer cancel()
	if c, err := t.from.Open(); err == nil {
		defer c.Close()
		_ = protocols.Remove(ctx, c, name)
	}
}

// same reads an object and compares it.
func same(ctx context.Context, c protocols.Client, name string, want []byte) error {
	got, err := read(ctx, c, name)
	if err == nil && !bytes.Equal(got, want) {
		err = protocols.ProtocolError("", "", fmt.Sprintf("what comes back is not what was written: %d bytes of %d", len(got), len(want)))
	}
	return err
}

// mostRead bounds what is read back.
const mostRead = 256 << 10

func read(ctx context.Context, c protocols.Client, name string) ([]byte, error) {
	o, err := protocols.Get(ctx, c, name, nil)
	if err != nil {
		return nil, err
	}
	defer o.Body.Close()
	return io.ReadAll(io.LimitReader(o.Body, mostRead))
}
