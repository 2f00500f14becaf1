package expect

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
)

// DefaultTimeout is how long a step waits when the script says nothing.
const DefaultTimeout = 10 * time.Second

// RunOptions are for [Script.Run]. Nil is all defaults.
type RunOptions struct {
	Timeout   time.Duration     // of a step, until the script sets another; default [DefaultTimeout]
	LineEnd   string            // what send adds: crlf, lf, cr, none; empty: what the stream wants, else crlf
	Variables map[string]string // known from the start
	Secrets   map[string]string // likewise, and masked
	// Secret reads the reference of a secret statement; nil: there are none.
	Secret func(reference string) (string, error)
	// Report is called for each expect, send, write, command and close. Its error
	// ends the run.
	Report func(Result) error
	// Print does the print statement of a line; nil: it does nothing.
	Print func(line int, text string) error
	// Plain: results hold what came as [PlainWriter] makes it; patterns see it as it is.
	Plain bool
	// Interact does the interact statement: somebody else talks, until that one or the
	// stream ends. nil: there is nobody.
	Interact func(ctx context.Context, stream *Stream) error
}

// variable is ${NAME}.
var variable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{([A-Za-z0-9_]+)\}`)
})

// runner is one run of a script.
type runner struct {
	s       *Script
	o       RunOptions
	stream  *Stream
	vars    map[string]string
	mask    *Mask
	at      int // next statement
	step    int // reported so far
	code    int
	sent    bool // the last thing done was to send
	timeout time.Duration
	end     string
	stopped bool
	trace   func(kind protocols.EventKind, text string, n int64) // of the connection; nil: it has none
}

// Run plays the script on a stream. After a script that ends with a send it reads
// on until the peer ends the stream or is silent for a second, for the time of a step at
// most; what came
// then is in a last Result with the action "rest". An error of a step is a
// [*StepError]. mask learns the script's secrets; nil is a new one.
func (s *Script) Run(ctx context.Context, stream *Stream, mask *Mask, o *RunOptions) error {
	if o == nil {
		o = &RunOptions{}
	}
	if mask == nil {
		mask = NewMask()
	}
	r := &runner{s: s, o: *o, stream: stream, vars: map[string]string{}, mask: mask, timeout: o.Timeout, end: o.LineEnd}
	if r.timeout == 0 {
		r.timeout = DefaultTimeout
	}
	if t, ok := stream.rw.(interface {
		Event(kind protocols.EventKind, text string, n int64)
	}); ok {
		r.trace = t.Event
	}
	maps.Copy(r.vars, o.Variables)
	for name, value := range o.Secrets {
		r.vars[name] = value
		mask.Add(value)
	}
	return r.run(ctx)
}

func (r *runner) run(ctx context.Context) error {
	for played := 0; r.at < len(r.s.steps) && !r.stopped; played++ {
		st := &r.s.steps[r.at]
		r.at++
		if played >= maxPlayed {
			return r.failed(st, protocols.ProtocolError("", "", "the script goes round in circles"))
		}
		if err := players[st.do](r, ctx, st); err != nil {
			return r.failed(st, err)
		}
	}
	if r.sent && !r.stopped {
		return r.rest(ctx)
	}
	return nil
}

// failed names the step. What the caller's functions returned stays as it is.
func (r *runner) failed(st *step, err error) error {
	if _, ok := errors.AsType[*reportError](err); ok {
		return errors.Unwrap(err)
	}
	return &StepError{Step: r.step, Line: st.line, Code: r.code, Err: err}
}

// reportError is an error of the caller's.
type reportError struct{ error }

func (e *reportError) Unwrap() error { return e.error }

// players are the statements.
var players = map[string]func(r *runner, ctx context.Context, st *step) error{
	"expect":   (*runner).expect,
	"send":     (*runner).sendText,
	"write":    (*runner).sendText,
	"urgent":   (*runner).sendText,
	"starttls": (*runner).startTLS,
	"base64":   (*runner).base64,
	"command":  (*runner).command,
	"close":    (*runner).closeWrite,
	"secret":   (*runner).secret,
	"sleep":    (*runner).sleep,
	"set": func(r *runner, _ context.Context, st *step) (err error) {
		r.vars[st.name], err = r.expand(st.text)
		return err
	},
	"timeout":  func(r *runner, _ context.Context, st *step) error { r.timeout = st.wait; return nil },
	"eol":      func(r *runner, _ context.Context, st *step) error { r.end = st.name; return nil },
	"code":     func(r *runner, _ context.Context, st *step) error { r.code = st.code; return nil },
	"label":    func(*runner, context.Context, *step) error { return nil },
	"goto":     func(r *runner, _ context.Context, st *step) error { r.at = r.s.labels[st.name]; return nil },
	"end":      func(r *runner, _ context.Context, _ *step) error { r.stopped = true; return nil },
	"fail":     func(r *runner, _ context.Context, st *step) error { return r.fail(st.text) },
	"print":    (*runner).print,
	"interact": (*runner).interact,
}

func (r *runner) sendText(_ context.Context, st *step) error { return r.send(st, st.do, st.text) }

// base64 sets a variable. That of a secret is one.
func (r *runner) base64(_ context.Context, st *step) error {
	text, err := r.expand(st.text)
	if err != nil {
		return err
	}
	r.vars[st.name] = base64.StdEncoding.EncodeToString([]byte(text))
	if r.mask.In(text) {
		r.mask.Add(r.vars[st.name])
	}
	return nil
}

// expand puts variables in.
func (r *runner) expand(text string) (out string, err error) {
	out = variable().ReplaceAllStringFunc(text, func(ref string) string {
		value, ok := r.vars[ref[2:len(ref)-1]]
		if !ok {
			err = protocols.UsageError("", "", "no variable "+ref)
		}
		return value
	})
	return out, err
}

func (r *runner) fail(text string) error {
	text, err := r.expand(text)
	if err != nil {
		return err
	}
	if text == "" {
		text = "the script says so"
	}
	return &protocols.Error{Kind: protocols.KindRefused, Text: r.mask.Text(text)}
}

func (r *runner) print(_ context.Context, st *step) error {
	text, err := r.expand(st.text)
	if err != nil || r.o.Print == nil {
		return err
	}
	if err := r.o.Print(st.line, r.mask.Text(text)); err != nil {
		return &reportError{err}
	}
	return nil
}

func (r *runner) sleep(ctx context.Context, st *step) error {
	t := time.NewTimer(st.wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *runner) secret(_ context.Context, st *step) error {
	if r.o.Secret == nil {
		return protocols.UsageError("", "", "secrets cannot be read here")
	}
	value, err := r.o.Secret(st.text)
	if err != nil {
		return err
	}
	r.vars[st.name] = value
	r.mask.Add(value)
	return nil
}

// send writes a text with its variables. What was captured from the peer must
// not bring lines of its own into a line.
func (r *runner) send(st *step, action, text string) error {
	start := time.Now()
	write, end, line := r.stream.Write, "", action == "send"
	if line {
		end = r.lineEnd()
	}
	out, err := r.expand(text)
	if err == nil && line && out != text && strings.ContainsAny(out, "\r\n\x00") {
		err = protocols.UsageError("", "", "a variable brings a line break or NUL into a line")
	}
	if err == nil && r.mask.In(out) {
		err = r.allowSecret()
	}
	if err == nil && action == "urgent" {
		write, err = r.urgent()
	}
	if err == nil {
		_, err = write([]byte(out + end))
	}
	r.sent = true
	return r.report(st, Result{Action: action, Sent: out}, start, err)
}

// lineEnd returns what send adds. Where nobody has chosen it is what the stream wants: a
// Telnet session on which BINARY is on takes CR.
func (r *runner) lineEnd() string {
	if r.end != "" {
		return ends[r.end]
	}
	if s, ok := r.stream.rw.(interface{ LineEnd() string }); ok {
		return s.LineEnd()
	}
	return ends["crlf"]
}

// urgent returns what writes with the urgent pointer.
func (r *runner) urgent() (write func(p []byte) (int, error), err error) {
	u, ok := r.stream.rw.(interface{ SendUrgent(p []byte) error })
	if !ok {
		return nil, protocols.Unsupported("", "", "urgent data needs plain TCP")
	}
	return func(p []byte) (int, error) { return len(p), u.SendUrgent(p) }, nil
}

// startTLS does the handshake. What came before it would be taken for the
// protected server's words, and is refused.
func (r *runner) startTLS(ctx context.Context, st *step) error {
	start := time.Now()
	s, ok := r.stream.rw.(interface{ StartTLS(context.Context) error })
	err := error(protocols.Unsupported("", "", "this protocol cannot start TLS in a script"))
	switch {
	case ok && len(r.stream.buf) > 0:
		err = protocols.ProtocolError("", "", "the server sent data before the TLS handshake")
	case ok:
		err = s.StartTLS(ctx)
	}
	return r.report(st, Result{}, start, err)
}

// allowSecret asks the connection whether a secret may be sent.
func (r *runner) allowSecret() error {
	if g, ok := r.stream.rw.(interface{ AllowSecret() error }); ok {
		return g.AllowSecret()
	}
	return nil
}

func (r *runner) command(_ context.Context, st *step) error {
	start := time.Now()
	c, ok := r.stream.rw.(interface{ Signal(name string) error })
	err := error(protocols.Unsupported("", "", "this protocol has no commands beside its data"))
	if ok {
		err = c.Signal(st.name)
	}
	return r.report(st, Result{Sent: st.name}, start, err)
}

func (r *runner) closeWrite(context.Context, *step) error {
	h, ok := r.stream.rw.(interface{ CloseWrite() error })
	if !ok {
		return protocols.Unsupported("", "", "this protocol cannot end one direction")
	}
	return h.CloseWrite()
}

// maxQuiet is the silence after a last send that ends a run whose peer keeps the
// connection open.
const maxQuiet = time.Second

// rest reads after a last send: to the end of the stream, or until the peer has been
// silent for [maxQuiet], for a step's time at most. All steps are done by then, so that
// the end of the whole time is not a failure either.
func (r *runner) rest(ctx context.Context) error {
	start := time.Now()
	var text []byte
	var err error
	for end := start.Add(r.timeout); err == nil; {
		var m Match
		m, err = r.stream.Expect(ctx, min(maxQuiet, time.Until(end)))
		text = append(text, m.Text...)
		text = text[max(0, len(text)-r.stream.window):]
		if protocols.KindOf(err) == protocols.KindTimeout && len(m.Text) > 0 && ctx.Err() == nil && time.Now().Before(end) {
			err = nil // it still sends
		}
	}
	if err == io.EOF || protocols.KindOf(err) == protocols.KindTimeout {
		err = nil
	}
	last := &step{do: "rest"}
	if n := len(r.s.steps); n > 0 {
		last.line = r.s.steps[n-1].line
	}
	if err := r.report(last, Result{Received: string(text)}, start, err); err != nil {
		return r.failed(last, err)
	}
	return nil
}

// expect waits for one of the alternatives and does what it says.
func (r *runner) expect(ctx context.Context, st *step) error {
	for again := 0; again < maxPlayed; again++ {
		a, err := r.wait(ctx, st)
		if err != nil {
			return err
		}
		repeat, err := r.act(st, a)
		if err != nil || !repeat {
			return err
		}
	}
	return protocols.ProtocolError("", "", "the step repeats itself without an end")
}

// wait is one round of an expect.
func (r *runner) wait(ctx context.Context, st *step) (*alternative, error) {
	start := time.Now()
	var patterns []*regexp.Regexp
	var owners []*alternative
	var onTimeout, onEOF *alternative
	for i := range st.alts {
		a := &st.alts[i]
		switch {
		case a.timeout:
			onTimeout = a
		case a.eof:
			onEOF = a
		default:
			re, err := r.pattern(a)
			if err != nil {
				return nil, r.report(st, Result{}, start, err)
			}
			patterns, owners = append(patterns, re), append(owners, a)
		}
	}
	before := r.stream.Dropped()
	m, err := r.stream.Expect(ctx, r.timeout, patterns...)
	r.sent = false
	x := Result{Received: string(m.Text), Dropped: r.stream.Dropped() - before}
	var found *alternative
	switch {
	case err == nil:
		found = owners[m.Index]
		x.Pattern, x.Matched, x.Captures = found.source, m.Groups[0], r.capture(m)
	case err == io.EOF && onEOF != nil:
		found, err, x.Pattern = onEOF, nil, "eof"
	case err == io.EOF:
		err = &protocols.Error{Kind: protocols.KindProtocol, Text: "the stream ended before " + names(st) + r.tail(m.Text)}
	case protocols.KindOf(err) == protocols.KindTimeout && ctx.Err() == nil && onTimeout != nil:
		found, err, x.Pattern = onTimeout, nil, "timeout"
	case protocols.KindOf(err) == protocols.KindTimeout && ctx.Err() == nil:
		err = &protocols.Error{Kind: protocols.KindTimeout, Text: names(st) + " not seen within " + r.timeout.String() + r.tail(m.Text)}
	}
	return found, r.report(st, x, start, err)
}

// maxTail is how much of what came an error reports.
const maxTail = 80

// tail returns the last that came, for an error.
func (r *runner) tail(text []byte) string {
	s := strings.TrimSpace(r.mask.Text(string(text)))
	if s == "" {
		return "; nothing came"
	}
	if cut := len(s) - maxTail; cut > 0 {
		s = s[cut:]
	}
	return "; the last that came: " + strconv.Quote(s)
}

// names returns the patterns of a step.
func names(st *step) string {
	list := make([]string, len(st.alts))
	for i, a := range st.alts {
		list[i] = a.source
	}
	return strings.Join(list, " or ")
}

// pattern returns the expression of an alternative as the variables stand.
func (r *runner) pattern(a *alternative) (*regexp.Regexp, error) {
	switch {
	case a.re != nil && a.literal == "":
		return a.re, nil
	case a.re == nil:
		text, err := r.expand(a.literal)
		if err != nil {
			return nil, err
		}
		return r.compile(regexp.QuoteMeta(text))
	}
	var missing error
	expr := variable().ReplaceAllStringFunc(a.literal, func(ref string) string {
		value, err := r.expand(ref)
		if err != nil {
			missing = err
		}
		return regexp.QuoteMeta(value)
	})
	if missing != nil {
		return nil, missing
	}
	return r.compile(expr)
}

// compile does not tell an expression that has become too large with its secrets.
func (r *runner) compile(expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		err = protocols.UsageError("", "", r.mask.Text(err.Error()))
	}
	return re, err
}

// capture makes variables of a match, and returns those with names.
func (r *runner) capture(m Match) map[string]string {
	var captures map[string]string
	for i, value := range m.Groups {
		r.vars[strconv.Itoa(i)] = value
		if i == 0 {
			continue
		}
		name := m.Names[i]
		if name == "" {
			name = strconv.Itoa(i)
		}
		r.vars[name] = value
		if captures == nil {
			captures = map[string]string{}
		}
		captures[name] = value
	}
	return captures
}

// act does the action of the alternative that was met.
func (r *runner) act(st *step, a *alternative) (repeat bool, err error) {
	switch a.action {
	case "again":
		return true, nil
	case "goto":
		r.at = r.s.labels[a.arg]
	case "end":
		r.stopped = true
	case "fail":
		return false, r.fail(a.arg)
	case "send", "write":
		return a.again, r.send(st, a.action, a.arg)
	}
	return false, nil
}
