package kit

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/netclients/netclients/internal/cli/show"
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

// Tally counts what became of many targets.
type Tally struct {
	Done, Failed int
	kind         protocols.Kind
	mixed        bool
}

// Add counts one target, with its error or nil.
func (t *Tally) Add(err error) {
	if err == nil {
		t.Done++
		return
	}
	k := protocols.KindOf(err)
	t.mixed = t.mixed || t.Failed > 0 && k != t.kind
	t.Failed++
	t.kind = k
}

// Err returns nil when all worked; else one kind: partial when some worked or the
// failures differ, or what all the failures were.
func (t *Tally) Err() error {
	switch {
	case t.Failed == 0:
		return nil
	case t.Done > 0, t.mixed:
		return &failures{protocols.KindPartial, t.Failed}
	}
	return &failures{t.kind, t.Failed}
}

// CauseOf puts the reason why a context ended in the place of the bare end.
func CauseOf(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if kind := protocols.KindOf(err); ctx.Err() == context.Canceled && (kind == protocols.KindConnect || kind == protocols.KindProtocol || errors.Is(err, protocols.ErrClosed)) {
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

// Usage returns an error of kind usage.
func Usage(format string, args ...any) error {
	return protocols.UsageError("", "", fmt.Sprintf(format, args...))
}

// exitStatus ends the program with a code that says all there is to say.
type exitStatus struct{ code int }

// Exit returns the error that ends the program with a code, and says nothing.
func Exit(code int) error { return &exitStatus{code} }

func (e *exitStatus) Error() string { return "ended" }

// ExitCode returns the code.
func (e *exitStatus) ExitCode() int { return e.code }

// Final reports whether an error ends the whole command: no other item would fare
// better where nothing can be written any more.
func Final(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || show.IsStdout(err) || full(err))
}

// full reports whether a disk has no room, or is read-only.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EDQUOT)
}
