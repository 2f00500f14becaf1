package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/netclients/netclients/protocols"
)

// output writes results. Data goes to standard output, as JSON lines or as text
// for people; words go to standard error. A write that fails ends the command
// with an error of kind local.
type output struct {
	raw     io.Writer // standard output itself
	w       *bufio.Writer
	words   io.Writer // standard error
	json    bool
	jq      *filter
	tty     bool // standard output is a terminal
	paint   painter
	quiet   bool
	verbose bool
	count   int // results written
}

// outputOptions say how results are written.
type outputOptions struct {
	json, quiet, verbose bool
	jq, colour           string // an expression; auto, always or never
}

func newOutput(stdout, stderr io.Writer, g outputOptions) (*output, error) {
	o := &output{raw: stdout, w: bufio.NewWriterSize(stdout, 64<<10), words: stderr, quiet: g.quiet, verbose: g.verbose}
	o.tty = isTerminal(stdout)
	o.json = g.json || g.jq != ""
	o.paint = painter(colourful(g.colour, o.tty, os.Getenv))
	var err error
	if g.jq != "" {
		o.jq, err = newFilter(g.jq)
	}
	return o, err
}

// stdoutError says that standard output is gone or full.
type stdoutError struct{ error }

func (e *stdoutError) Unwrap() error { return e.error }

// wrote turns a failed write to standard output into an error of kind local.
func wrote(err error) error {
	if err == nil {
		return nil
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &protocols.Error{Kind: protocols.KindLocal, Text: "standard output", Err: &stdoutError{err}}
}

// copied finds out which side of a copy to standard output failed. When the
// kernel moves the bytes one error stands for both sides.
func (o *output) copied(err error) error {
	f, ok := o.raw.(*os.File)
	if err == nil || !ok || isStdout(err) {
		return err
	}
	if abandoned(f) {
		return wrote(syscall.EPIPE)
	}
	if path, ok := errors.AsType[*os.PathError](err); ok && path.Path == f.Name() {
		return wrote(err)
	}
	return err
}

// isStdout reports whether standard output failed.
func isStdout(err error) bool {
	_, ok := errors.AsType[*stdoutError](err)
	return ok
}

// silent: nobody wants to hear that "| head" has seen enough.
func silent(err error) bool {
	var e *stdoutError
	return errors.As(err, &e) && errors.Is(err, syscall.EPIPE)
}

// text writes one line made harmless.
func (o *output) text(line string) error { return o.line(safe(line)) }

// line writes a line that is harmless already, and may hold colours.
func (o *output) line(s string) error {
	o.count++
	o.w.WriteString(s)
	err := o.w.WriteByte('\n')
	if o.tty && err == nil {
		err = o.w.Flush()
	}
	return wrote(err)
}

// object writes v as a line of JSON, through the --jq program when there is one.
func (o *output) object(v any) error {
	b, err := marshal(v)
	if err != nil {
		return err
	}
	o.count++
	if o.jq != nil {
		return o.jq.run(b, o.result)
	}
	return o.write(b)
}

func (o *output) write(b []byte) error {
	_, err := o.w.Write(b)
	if o.tty && err == nil {
		err = o.w.Flush()
	}
	return wrote(err)
}

// result writes one result of --jq: strings as they are, all else as JSON.
func (o *output) result(v any) error {
	if s, ok := v.(string); ok {
		if o.tty {
			s = safeLines(s)
		}
		return o.write([]byte(s + "\n"))
	}
	b, err := marshal(v)
	if err != nil {
		return err
	}
	return o.write(b)
}

// record writes v as JSON, or else the text line that show makes of it.
func (o *output) record(v any, show func() string) error {
	if o.json {
		return o.object(v)
	}
	return o.line(show())
}

// say tells the user something on standard error, unless --quiet.
func (o *output) say(line string) {
	if !o.quiet {
		o.w.Flush()
		io.WriteString(o.words, safe(line)+"\n")
	}
}

// warn tells of something that is probably not meant so.
func (o *output) warn(line string) { o.say("netclients: warning: " + line) }

// detail tells it with --verbose only.
func (o *output) detail(line string) {
	if o.verbose {
		o.say(line)
	}
}

// flush writes what is still held.
func (o *output) flush() error { return wrote(o.w.Flush()) }

// bytes returns the raw standard output for content, after what is held. The
// stream itself comes back, so that the kernel can move the bytes.
func (o *output) bytes() (io.Writer, error) {
	return o.raw, o.flush()
}
