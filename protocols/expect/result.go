package expect

import (
	"fmt"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Result is what became of one step. Secrets are masked in all of it.
type Result struct {
	Step     int               `json:"step"` // number among the reported steps, from 1
	Line     int               `json:"line"` // of the script
	Action   string            `json:"action"`
	OK       bool              `json:"ok"`
	Pattern  string            `json:"pattern,omitempty"` // that matched
	Matched  string            `json:"matched,omitempty"`
	Received string            `json:"received,omitempty"` // all that came up to the end of the match
	Dropped  int64             `json:"dropped,omitempty"`  // bytes in front of Received that the window did not hold
	Sent     string            `json:"sent,omitempty"`
	Captures map[string]string `json:"captures,omitempty"`
	Seconds  float64           `json:"seconds"`
	Error    string            `json:"error,omitempty"`
}

// StepError says which step of a script failed. Its cause is of kind Timeout
// when a pattern did not come, Protocol when the stream ended before, and
// Refused for fail.
type StepError struct {
	Step, Line int
	Code       int // exit code that the script wants; 0: none
	Err        error
}

// Error returns one line.
func (e *StepError) Error() string {
	return fmt.Sprintf("step %d (line %d): %v", e.Step, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// report reports a step, masked, and returns its own error again.
func (r *runner) report(st *step, x Result, start time.Time, err error) error {
	r.step++
	x.Step, x.Line, x.OK, x.Seconds = r.step, st.line, err == nil, time.Since(start).Seconds()
	if x.Action == "" {
		x.Action = st.do
	}
	if err != nil {
		x.Error = err.Error() // our own words: a mask in them would tell the secret
	}
	if r.o.Plain {
		x.Matched, x.Received = PlainText(x.Matched), PlainText(x.Received)
		for name, value := range x.Captures {
			x.Captures[name] = PlainText(value)
		}
	}
	x.Matched, x.Received, x.Sent = r.mask.Text(x.Matched), r.mask.Text(x.Received), r.mask.Text(x.Sent)
	for name, value := range x.Captures {
		x.Captures[name] = r.mask.Text(value)
	}
	if r.trace != nil {
		r.traced(x)
	}
	if r.o.Report != nil {
		if rerr := r.o.Report(x); rerr != nil {
			return &reportError{rerr}
		}
	}
	return err
}

// traced shows a step, masked already, to the trace of the connection.
func (r *runner) traced(x Result) {
	if x.Sent != "" {
		r.trace(protocols.EventSend, x.Sent, int64(len(x.Sent)))
	}
	if x.Received != "" {
		r.trace(protocols.EventRecv, x.Received, int64(len(x.Received)))
	}
}
