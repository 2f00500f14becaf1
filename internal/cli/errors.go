package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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

// exitCode returns the code that the program ends with. Monitoring plug-ins and
// the commands that lab runs have codes of their own.
func exitCode(err error) int {
	if c, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return c.ExitCode()
	}
	return protocols.KindOf(err).Exit()
}

// errorJSON is the line that --json writes to standard error.
type errorJSON struct {
	Protocol  string `json:"protocol"`
	Op        string `json:"op"`
	URL       string `json:"url"`
	Kind      string `json:"kind"`
	Code      int    `json:"code"`
	Enhanced  string `json:"enhanced"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	Hint      string `json:"hint,omitempty"`
	Body      string `json:"body,omitempty"` // what came with a refusal, where it is text
}

// detailOf returns what an error is made of.
func detailOf(err error) errorJSON {
	e := &protocols.Error{}
	errors.As(protocols.Wrap(err, "", "", ""), &e)
	d := errorJSON{e.Proto, e.Op, e.URL, e.Kind.String(), e.Code, e.Enhanced, strings.ToValidUTF8(e.Message(), "\uFFFD"), e.Retryable, hint(e), ""}
	if with, ok := errors.AsType[interface {
		error
		Said() string
	}](err); ok {
		d.Body = with.Said()
	}
	return d
}

// printError tells of a failure: one line and perhaps a hint, or one line of JSON.
func printError(w io.Writer, asJSON bool, err error) {
	if err == nil || silent(err) {
		return
	}
	if _, told := errors.AsType[interface {
		error
		ExitCode() int
	}](err); told {
		return
	}
	if asJSON {
		line, _ := marshal(map[string]errorJSON{"error": detailOf(err)})
		w.Write(line)
		return
	}
	text := safe(strings.Join(strings.Fields(err.Error()), " "))
	fmt.Fprintf(w, "netclients: %s\n", text)
	e := &protocols.Error{}
	errors.As(protocols.Wrap(err, "", "", ""), &e)
	if h := hint(e); h != "" {
		fmt.Fprintf(w, "  try: %s\n", safe(h))
	}
}

// hint returns the error's own hint, or what the command line knows for its class.
func hint(e *protocols.Error) string {
	if e.Hint != "" {
		return e.Hint
	}
	for _, h := range hints {
		if errors.Is(e, h.class) {
			return h.text
		}
	}
	return ""
}

var hints = []struct {
	class error
	text  string
}{
	{protocols.ErrCleartext, "--tls require, or --allow-plaintext-auth if the network can be trusted"},
	{protocols.ErrNeedsTLS, "--tls require"},
	{protocols.ErrLoginNeeded, "--user NAME with --password-file FILE"},
	{protocols.ErrTooMany, "a smaller --parallel"},
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
