package verbs

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/file"
)

// transcript is where run writes what is received.
type transcript struct {
	w      io.Writer
	layers []interface{ Flush() error } // of w, the first that is written to first
	end    func(failed error) error     // gives a file its name, or drops it
}

// close writes what is held back. A file gets its name unless the run has failed.
func (t *transcript) close(failed error) error {
	var err error
	for _, l := range t.layers {
		if ferr := l.Flush(); err == nil {
			err = ferr
		}
	}
	if failed == nil {
		failed = err
	}
	if ferr := t.end(failed); err == nil {
		err = ferr
	}
	return show.Wrote(err)
}

// show prints what is received, with secrets masked: as it is into a file or pipe, made
// harmless on a terminal, and with --plain as plain text. With --json the steps tell it,
// unless it goes to a file. The caller closes the transcript.
func (p *player) show(ctx context.Context, e *kit.Env, at *protocols.Target, stream *expect.Stream, mask *expect.Mask) (*transcript, error) {
	t := &transcript{w: io.Discard, end: func(error) error { return nil }}
	switch {
	case p.output != "":
		if err := t.toFile(ctx, outputName(p.output, at)); err != nil {
			return nil, err
		}
	case e.Out.JSON || p.hushed:
	case e.Out.TTY:
		tame := &show.TameWriter{W: e.Out.Raw}
		t.w, t.layers = tame, append(t.layers, tame)
	default:
		t.w = e.Out.Raw
	}
	masked := mask.Writer(t.w)
	t.w, t.layers = masked, append([]interface{ Flush() error }{masked}, t.layers...)
	if p.plain {
		plain := &expect.PlainWriter{W: t.w}
		t.w, t.layers = plain, append([]interface{ Flush() error }{plain}, t.layers...)
	}
	budget := e.Budget()
	stream.Received = func(b []byte) error {
		n, over := budget.Take(len(b))
		if _, err := t.w.Write(b[:n]); err != nil {
			return show.Wrote(err)
		}
		return over
	}
	return t, nil
}

// toFile writes to a file, which has its name only after all went well: an older one of
// that name is not lost to a run that fails.
func (t *transcript) toFile(ctx context.Context, name string) error {
	dir := file.New(filepath.Dir(name), nil)
	r, w := io.Pipe()
	stored := make(chan error, 1)
	go func() {
		_, err := dir.Put(ctx, filepath.Base(name), r, nil)
		r.CloseWithError(err)
		stored <- err
	}()
	t.w = w
	t.end = func(failed error) error {
		w.CloseWithError(failed)
		err := <-stored
		dir.Close()
		if failed != nil {
			return nil // it is told already
		}
		return err
	}
	return nil
}

// outputName puts the target's host in the name of --output, made safe.
func outputName(pattern string, at *protocols.Target) string {
	host, err := file.SafeName(at.URL.Host)
	if at.URL.Port() == "" || err != nil {
		host, err = file.SafeName(at.URL.Hostname())
	}
	if err != nil {
		host = "host"
	}
	return strings.ReplaceAll(pattern, "{host}", host)
}

// checkOutput wants a name for each target, before the first is dialled.
func (p *player) checkOutput(e *kit.Env, targets []string) error {
	if p.output == "" {
		return nil
	}
	seen := map[string]string{}
	for _, text := range targets {
		at, err := e.Target(text)
		if err != nil {
			return err
		}
		name := outputName(p.output, at)
		if other, taken := seen[name]; taken {
			return kit.Usage("run: the output of %s and %s would both go to %s; {host} in --output makes a name for each", other, text, name)
		}
		seen[name] = text
	}
	return nil
}

// cut reports that a step's text does not hold all that came.
func (p *player) cut(e *kit.Env, r expect.Result) {
	if r.Dropped > 0 && (len(r.Captures) > 0 || e.Out.JSON) {
		e.Out.Warn(fmt.Sprintf("step %d: the first %d bytes that came were dropped; --capture %s holds more", r.Step, r.Dropped, show.HumanBytes(4*int64(p.capture))))
	}
}

// HandOver hands an open session to the user at a terminal, until one of both ends it; done
// is false when it cannot, and nothing has happened.
type HandOver func(ctx context.Context, e *kit.Env, conn io.ReadWriteCloser, stream *expect.Stream) (done bool, err error)

// interact joins the session with the user: as the protocol does it at a terminal, else
// by lines of standard input.
func (p *player) interact(ctx context.Context, e *kit.Env, conn io.ReadWriteCloser, stream *expect.Stream, t *transcript) error {
	stream.Received = nil // what comes is shown by others from here on
	for _, l := range t.layers {
		if err := l.Flush(); err != nil {
			return show.Wrote(err)
		}
	}
	if p.hand != nil {
		if done, err := p.hand(ctx, e, conn, stream); done || err != nil {
			return err
		}
	}
	crlf := true
	if s, ok := conn.(interface{ LineEnd() string }); ok {
		crlf = s.LineEnd() == "\r\n"
	}
	both := &handed{Stream: stream, conn: conn}
	j := &Joint{CRLF: crlf, E: e, V: NewView(e, ViewOptions{}), Input: ReadAhead(e.Stdin)}
	return j.Both(ctx, both, both.written.Load)
}

// handed is a stream with the end of its connection.
type handed struct {
	*expect.Stream
	conn    io.Closer
	written atomic.Int64
}

func (h *handed) Write(p []byte) (int, error) {
	n, err := h.Stream.Write(p)
	h.written.Add(int64(n))
	return n, err
}

func (h *handed) Close() error { return h.conn.Close() }
