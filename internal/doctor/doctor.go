// Package doctor finds out what works with a server, step by step: the name, the
// address families, the ports, TLS and its versions, the certificate, the greeting, the
// capabilities, the ways to log in, and what each protocol has of its own. Each step is
// a row of a table (common.go, ftp.go, mail.go, http.go) with a name and a function; a
// walk runs them in order, one connection at a time, and collects the settings that a
// profile needs for the server to be usable.
//
// The steps use the adapters as every other verb does: what TLS must be verified for
// and where a secret may go is decided there. The two looks at TLS that do not verify
// (to say why a certificate fails, and which versions there are) send nothing but the
// handshake and the question for capabilities.
package doctor

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Status is what a step came to.
type Status string

// The results of steps.
const (
	OK      Status = "ok"
	Without Status = "without" // it does not work, and what the user wants works without it
	Failed  Status = "failed"
	Skipped Status = "skipped" // it could not be tried, or was not asked for
)

// Result is what one step found.
type Result struct {
	Step   string // such as "certificate"
	Status Status
	Text   string // what was found; may hold text of the server
	Ask    string // what to ask the administrator; empty: nothing
	Took   time.Duration
	Err    error // of a step that did not work; nil otherwise
}

// Patient is a server to examine.
type Patient struct {
	Target  *protocols.Target
	Options *protocols.Options // as for a client; credentials that may not go unencrypted stay here
	// Open makes the client of a target, with the flags of its protocol.
	Open func(t *protocols.Target, o *protocols.Options) (protocols.Client, error)
}

// Setting is a key of a profile and its value.
type Setting struct{ Key, Value string }

// Report is what all steps came to.
type Report struct {
	Counts   map[Status]int
	First    *Result   // the first step that failed; nil: none did
	Settings []Setting // of a profile that works; url is the first. Nil: none works
}

// Err returns the error of the first step that failed, which decides the exit code.
func (r *Report) Err() error {
	if r.First == nil {
		return nil
	}
	return r.First.Err
}

// loginStep is the name of the step that logs in. What needs it cannot do without, also
// where nobody was named to log in as.
const loginStep = "login"

// step is one row of a table. A step is skipped when one that it needs has failed.
type step struct {
	name  string
	needs []string
	run   func(ctx context.Context, w *walk) Result
}

// ok, without, failed and skipped make results.
func ok(text string) Result { return Result{Status: OK, Text: text} }

func without(text, ask string) Result { return Result{Status: Without, Text: text, Ask: ask} }

func skipped(text string) Result { return Result{Status: Skipped, Text: text} }

// failed makes the result of an error; what to ask follows from it.
func (w *walk) failed(err error) Result {
	return Result{Status: Failed, Text: message(err), Ask: w.ask(err), Err: err}
}

// message is an error without protocol, verb and URL.
func message(err error) string {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e.Message()
	}
	return err.Error()
}

// Examine runs the steps for the server's protocol, and reports each result as soon as
// it is there. An error is that of the context, of a URL that cannot be used, or of
// report; what is wrong with the server is in the report. The report is never nil.
func Examine(ctx context.Context, p Patient, report func(Result) error) (*Report, error) {
	w, err := newWalk(p)
	if err != nil {
		return &Report{}, err
	}
	defer w.close()
	out := &Report{Counts: map[Status]int{}}
	for _, s := range w.steps() {
		r := w.try(ctx, s)
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		out.Counts[r.Status]++
		if r.Status == Failed && out.First == nil {
			first := r
			out.First = &first
		}
		if err := report(r); err != nil {
			return out, err
		}
	}
	if out.First == nil {
		out.Settings = w.profile()
	}
	return out, nil
}

// try runs a step, unless one that it needs did not come about.
func (w *walk) try(ctx context.Context, s step) Result {
	start, needs := time.Now(), w.missing(s)
	r := skipped("needs: " + needs)
	if needs == "" {
		r = s.run(ctx, w)
		r.Took = time.Since(start)
	}
	r.Step = s.name
	w.done[s.name] = r.Status
	w.broken[s.name] = r.Status == Failed || needs != "" || r.Status == Skipped && s.name == loginStep
	return r
}

// profile returns the settings of a profile: the URL without a password, then what was
// found to be needed.
func (w *walk) profile() []Setting {
	u := *w.target.URL
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return append([]Setting{{"url", u.String()}}, w.settings...)
}
