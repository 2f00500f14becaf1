// Package show writes what a command has to say: results as JSON lines or as text
// for people, errors, tables, sorted listings and progress. Text of a server is
// made harmless before it reaches a terminal.
package show

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
)

// Output writes results. Data goes to standard output, as JSON lines or as text
// for people; words go to standard error. A write that fails ends the command
// with an error of kind local.
type Output struct {
	Raw     io.Writer // standard output itself
	W       *bufio.Writer
	Words   io.Writer // standard error
	JSON    bool
	jq      *filter // of --jq; nil: none
	keys    chosen  // of --json=K1,K2; nil: all
	form    *form   // of --template; nil: none
	TTY     bool    // standard output is a terminal
	Paint   Painter
	Quiet   bool
	Verbose bool
	Count   int               // results written
	line    []byte            // room for the next one
	Hidden  *mask.Mask        // what no message shows
	Seen    func(line []byte) // each object before keys and filters are applied, for tests; may be nil
}

// inTurn returns a writer for several goroutines at once, as a file is: commands that a
// verb runs write to standard error beside the verb.
func inTurn(w io.Writer) io.Writer {
	if _, file := w.(*os.File); file || w == nil {
		return w
	}
	return &turns{w: w}
}

type turns struct {
	mu sync.Mutex
	w  io.Writer
}

func (t *turns) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(p)
}

// Options say how results are written.
type Options struct {
	JSON, Quiet, Verbose bool
	Keys                 []string   // of the objects, in this order; nil: all
	Template             string     // for each object; empty: none
	JQ, Colour           string     // an expression; auto, always or never
	Hidden               *mask.Mask // nil: nothing is hidden
}

// New returns the output of a command. An error is of kind usage: that of --jq or --template.
func New(stdout, stderr io.Writer, g Options) (*Output, error) {
	o := &Output{Raw: stdout, W: bufio.NewWriterSize(stdout, 64<<10), Words: inTurn(stderr), Quiet: g.Quiet, Verbose: g.Verbose, Hidden: cmp.Or(g.Hidden, &mask.Mask{})}
	o.TTY = IsTerminal(stdout)
	o.JSON, o.keys = g.JSON || g.JQ != "" || g.Template != "", g.Keys
	o.Paint = PainterOf(stdout, g.Colour)
	var err error
	switch {
	case g.JQ != "" && g.Template != "":
		err = protocols.UsageError("", "", "--jq and --template are two ways to print the objects: use one of them")
	case g.JQ != "":
		o.jq, err = newFilter(g.JQ)
	case g.Template != "":
		o.form, err = newForm(g.Template, o.TTY)
	}
	return o, err
}

// PainterOf returns the painter of a stream, such as standard error, as --color says.
func PainterOf(w io.Writer, colour string) Painter {
	return Painter(colourful(colour, IsTerminal(w), os.Getenv))
}

// stdoutError says that standard output is gone or full.
type stdoutError struct{ error }

func (e *stdoutError) Unwrap() error { return e.error }

// Wrote turns a failed write to standard output into an error of kind local.
func Wrote(err error) error {
	if err == nil {
		return nil
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &protocols.Error{Kind: protocols.KindLocal, Text: "standard output", Err: &stdoutError{err}}
}

// Copied finds out which side of a copy to standard output failed. When the
// kernel moves the bytes one error stands for both sides.
func (o *Output) Copied(err error) error {
	f, ok := o.Raw.(*os.File)
	if err == nil || !ok || IsStdout(err) {
		return err
	}
	if abandoned(f) {
		return Wrote(syscall.EPIPE)
	}
	if path, ok := errors.AsType[*os.PathError](err); ok && path.Path == f.Name() {
		return Wrote(err)
	}
	return err
}

// IsStdout reports whether standard output failed.
func IsStdout(err error) bool {
	_, ok := errors.AsType[*stdoutError](err)
	return ok
}

// silent: nobody wants to hear that "| head" has seen enough.
func silent(err error) bool {
	var e *stdoutError
	return errors.As(err, &e) && errors.Is(err, syscall.EPIPE)
}

// Text writes one line made harmless.
func (o *Output) Text(line string) error { return o.Line(Safe(line)) }

// Line writes a line that is harmless already, and may hold colours.
func (o *Output) Line(s string) error {
	o.Count++
	o.W.WriteString(s)
	err := o.W.WriteByte('\n')
	if o.TTY && err == nil {
		err = o.W.Flush()
	}
	return Wrote(err)
}

// Object writes v as a line of JSON, with the keys that are wanted, through the --jq
// program or the --template when there is one.
func (o *Output) Object(v any) error {
	b, err := o.marshal(v)
	if err == nil && o.Seen != nil {
		o.Seen(b)
	}
	if err == nil && o.keys != nil {
		b, err = o.keys.line(b)
	}
	if err != nil {
		return err
	}
	o.Count++
	switch {
	case len(b) == 0:
		return nil
	case o.jq != nil:
		return o.jq.run(b, o.result)
	case o.form != nil:
		if b, err = o.form.run(b); err != nil {
			return err
		}
	}
	return o.Write(b)
}

// marshal is Marshal in a buffer that is used again, where the value can do that: listings
// have millions of entries.
func (o *Output) marshal(v any) ([]byte, error) {
	a, ok := v.(interface{ AppendJSON(b []byte) []byte })
	if !ok {
		return Marshal(v)
	}
	o.line = append(a.AppendJSON(o.line[:0]), '\n')
	return escaped(o.line), nil
}

// Whole reports whether each object is needed as a whole, to be filtered, before
// anything of it is written.
func (o *Output) Whole() bool { return o.jq != nil || o.keys != nil || o.form != nil }

// Write writes bytes as they are to standard output.
func (o *Output) Write(b []byte) error {
	_, err := o.W.Write(b)
	if o.TTY && err == nil {
		err = o.W.Flush()
	}
	return Wrote(err)
}

// result writes one result of --jq: strings as they are, all else as JSON.
func (o *Output) result(v any) error {
	if s, ok := v.(string); ok {
		if o.TTY {
			s = SafeLines(s)
		}
		return o.Write([]byte(s + "\n"))
	}
	b, err := Marshal(v)
	if err != nil {
		return err
	}
	return o.Write(b)
}

// Record writes v as JSON, or else the text line that show makes of it.
func (o *Output) Record(v any, show func() string) error {
	if o.JSON {
		return o.Object(v)
	}
	return o.Line(show())
}

// Say tells the user something on standard error, unless --quiet.
func (o *Output) Say(line string) {
	if !o.Quiet {
		_ = o.W.Flush()
		io.WriteString(o.Words, Safe(o.Hidden.Text(line))+"\n")
	}
}

// Failed reports an error on w, which is standard error or stands above the progress.
func (o *Output) Failed(w io.Writer, err error) { PrintError(w, o.JSON, o.Hidden.Error(err)) }

// Insist tells the user something that the command cannot go on without, also with
// --quiet.
func (o *Output) Insist(line string) {
	_ = o.W.Flush()
	io.WriteString(o.Words, Safe(o.Hidden.Text(line))+"\n")
}

// Warn reports something that is probably not meant so.
func (o *Output) Warn(line string) { o.Say("netclients: warning: " + line) }

// Detail tells it with --verbose only.
func (o *Output) Detail(line string) {
	if o.Verbose {
		o.Say(line)
	}
}

// Flush writes what is still held.
func (o *Output) Flush() error { return Wrote(o.W.Flush()) }

// Bytes returns the raw standard output for content, after what is held. The
// stream itself comes back, so that the kernel can move the bytes.
func (o *Output) Bytes() (io.Writer, error) {
	return o.Raw, o.Flush()
}
