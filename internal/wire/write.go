package wire

import (
	"errors"
	"io"
	"strings"
)

// maxPending is the maximum number of bytes that may wait for Flush.
const maxPending = 1 << 20

// Writer buffers commands until Flush writes them all with one Write. After a failed Write every method returns that
// error, because it is unknown how much of the commands the peer has received.
type Writer struct {
	// OnCmd, if set, is called with each accepted command, without its CRLF; see Secret.
	OnCmd func(line string)
	// OnFlush, if set, is called before buffered commands are written, with the number of commands added since its
	// last call. If it returns an error, nothing is written, and every later call returns that error.
	OnFlush func(commands int) error

	dst   io.Writer
	limit int
	buf   []byte
	cmds  int // since OnFlush was called
	err   error
}

// NewWriter returns a writer of commands of at most limit bytes, not counting CRLF. A limit below 1 means DefaultLine.
// The caller closes dst.
func NewWriter(dst io.Writer, limit int) *Writer {
	if limit < 1 {
		limit = DefaultLine
	}
	return &Writer{dst: dst, limit: limit}
}

// Cmd adds a command: verb and args joined by single spaces, and CRLF. An empty verb is omitted together with its
// space. Cmd returns an *ArgumentError if a part contains CR, LF or NUL and a *LimitError if the command is too long;
// then nothing is added, and the Writer remains usable.
func (w *Writer) Cmd(verb string, args ...string) error {
	start := len(w.buf)
	if err := w.add(verb, args); err != nil {
		return err
	}
	if w.OnCmd != nil {
		w.OnCmd(string(w.buf[start : len(w.buf)-len(crlf)]))
	}
	return nil
}

// Secret adds the same command as Cmd, but OnCmd and an *ArgumentError see display in place of args: Secret("PASS",
// "***", password), or Secret("", "***", response) for the bare answer to a challenge.
func (w *Writer) Secret(verb, display string, args ...string) error {
	if bad, ok := errors.AsType[*ArgumentError](Check(args...)); ok {
		return &ArgumentError{Arg: display, Byte: bad.Byte}
	}
	if err := w.add(verb, args); err != nil {
		return err
	}
	if w.OnCmd != nil {
		w.OnCmd(strings.TrimPrefix(verb+" "+display, " "))
	}
	return nil
}

// Raw adds a whole line unchanged, and CRLF, with the same checks as Cmd.
func (w *Writer) Raw(line string) error { return w.Cmd(line) }

func (w *Writer) add(verb string, args []string) error {
	if w.err != nil {
		return w.err
	}
	if err := Check(verb); err != nil {
		return err
	}
	if err := Check(args...); err != nil {
		return err
	}
	start := len(w.buf)
	w.buf = appendCommand(w.buf, verb, args)
	if size := len(w.buf) - start; size > w.limit {
		w.buf = w.buf[:start]
		return &LimitError{What: "command line", Limit: int64(w.limit)}
	}
	w.buf = append(w.buf, crlf...)
	if len(w.buf) > maxPending {
		w.buf = w.buf[:start]
		return &LimitError{What: "commands before a flush", Limit: maxPending}
	}
	w.cmds++
	return nil
}

func appendCommand(buf []byte, verb string, args []string) []byte {
	buf = append(buf, verb...)
	for i, arg := range args {
		if i > 0 || verb != "" {
			buf = append(buf, ' ')
		}
		buf = append(buf, arg...)
	}
	return buf
}

// Buffered returns the number of bytes waiting for Flush.
func (w *Writer) Buffered() int { return len(w.buf) }

// mark is a position in the buffered commands.
type mark struct{ bytes, cmds int }

func (w *Writer) mark() mark { return mark{len(w.buf), w.cmds} }

// cutTo discards what was added after a mark, unless it has been written meanwhile.
func (w *Writer) cutTo(m mark) {
	w.buf, w.cmds = w.buf[:min(m.bytes, len(w.buf))], min(m.cmds, w.cmds)
}

// Flush writes all buffered commands with one Write. It does nothing if the buffer is empty.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	if w.OnFlush != nil {
		if w.err = w.OnFlush(w.cmds); w.err != nil {
			return w.err
		}
		w.cmds = 0
	}
	_, w.err = writeAll(w.dst, w.buf)
	w.buf = w.buf[:0]
	return w.err
}

// Write adds bytes of a body or literal unchecked. A small piece is buffered with the commands around it. Before a
// large one the buffer is flushed, and the piece is written directly.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if len(w.buf)+len(p) <= blockSize {
		w.buf = append(w.buf, p...)
		return len(p), nil
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	n, err := writeAll(w.dst, p)
	w.err = err
	return n, err
}

// ReadFrom flushes, then copies r to the connection itself until r ends, so that a file can be sent with sendfile. An
// error of r is sticky too, because the peer expects more data.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	if err := w.Flush(); err != nil {
		return 0, err
	}
	n, err := io.Copy(w.dst, r)
	w.err = err
	return n, err
}

// Sink is a writer that keeps its error, to tell it from one of the reader when both meet in one copy.
type Sink struct {
	W   io.Writer
	Err error
}

// Write writes to W.
func (k *Sink) Write(p []byte) (int, error) {
	n, err := k.W.Write(p)
	k.Err = err
	return n, err
}
