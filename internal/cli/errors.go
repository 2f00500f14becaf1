package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/netclients/netclients/protocols"
)

// failures stands for errors that were printed already, one by one.
type failures struct {
	kind protocols.Kind
	n    int
}

func (f *failures) Error() string { return fmt.Sprintf("%d failed", f.n) }

// ExitCode returns the code of the kind that all of them are.
func (f *failures) ExitCode() int { return f.kind.Exit() }

// tally counts what became of many targets.
type tally struct {
	done, failed int
	kind         protocols.Kind
	mixed        bool
}

func (t *tally) add(err error) {
	if err == nil {
		t.done++
		return
	}
	k := protocols.KindOf(err)
	t.mixed = t.mixed || t.failed > 0 && k != t.kind
	t.failed++
	t.kind = k
}

// err returns nil when all worked; else one kind: partial when some worked or the
// failures differ, or what all the failures were.
func (t *tally) err() error {
	switch {
	case t.failed == 0:
		return nil
	case t.done > 0, t.mixed:
		return &failures{protocols.KindPartial, t.failed}
	}
	return &failures{t.kind, t.failed}
}

// causeOf puts the reason why a context ended in the place of the bare end.
func causeOf(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if kind := protocols.KindOf(err); ctx.Err() == context.Canceled && (kind == protocols.KindConnect || kind == protocols.KindProtocol) {
		return &protocols.Error{Kind: protocols.KindInterrupted, Err: context.Canceled} // whatever the cut looked like from where it was seen
	}
	if err == nil || cause == nil || cause == ctx.Err() {
		return err
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	why, ok := errors.AsType[*protocols.Error](cause)
	if !ok {
		return err
	}
	e := &protocols.Error{}
	if errors.As(err, &e) {
		return &protocols.Error{Proto: e.Proto, Op: e.Op, URL: e.URL, Kind: why.Kind, Text: why.Text}
	}
	return why
}

// usage returns an error of kind usage.
func usage(format string, args ...any) error {
	return protocols.UsageError("", "", fmt.Sprintf(format, args...))
}

// exitStatus ends the program with a code that says all there is to say.
type exitStatus struct{ code int }

func (e *exitStatus) Error() string { return "ended" }

// ExitCode returns the code.
func (e *exitStatus) ExitCode() int { return e.code }

// final reports whether an error ends the whole command.
func final(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || isStdout(err))
}
