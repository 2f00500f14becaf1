package shellcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// talk runs the lines that a person types, to the end of the input or exit. Ctrl-C ends
// the command that runs, and not the shell.
func (s *shell) talk(ctx context.Context) error {
	in, out := s.e.Stdin.(*os.File), s.e.Out.Raw.(*os.File)
	past, err := openHistory(ctx, s.e.Out.Hidden)
	if err != nil {
		s.e.Out.Warn("no history: " + err.Error())
	}
	s.edit = &editor{in: in, out: out, past: past, complete: s.complete}
	s.kept.Ask = s.ask
	signal.Reset(os.Interrupt) // it would end the program
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt)
	defer signal.Stop(stopped)
	for ctx.Err() == nil {
		line, err := s.edit.read(ctx, s.p.prompt())
		switch {
		case errors.Is(err, errAgain):
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if s.typed(ctx, line, stopped) {
			return nil
		}
	}
	return kit.CauseOf(ctx, ctx.Err())
}

// typed runs one line, which Ctrl-C ends.
func (s *shell) typed(ctx context.Context, line string, stopped chan os.Signal) (over bool) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	watched := make(chan struct{})
	select {
	case <-stopped: // pressed when nothing ran
	default:
	}
	go func() {
		defer close(watched)
		select {
		case <-stopped:
			cancel()
		case <-done:
		}
	}()
	_, over = s.line(ctx, line)
	close(done)
	<-watched
	cancel()
	return over
}

// ask asks for a yes at the prompt.
func (s *shell) ask(ctx context.Context, question string) (bool, error) {
	_ = s.e.Out.Flush()
	answer, err := (&editor{in: s.edit.in, out: s.edit.out, past: &history{hidden: s.e.Out.Hidden}}).read(ctx, show.Safe(question)+" [y/N] ")
	if err != nil {
		return false, &protocols.Error{Kind: protocols.KindInterrupted, Err: context.Canceled}
	}
	word := strings.ToLower(strings.TrimSpace(answer))
	if word != "y" && word != "yes" {
		s.e.Out.Say("not deleted")
		return false, nil
	}
	return true, nil
}

// errAgain is the error of a line that was given up with Ctrl-C.
var errAgain = errors.New("again")

// editor reads lines from a terminal, which is raw only meanwhile.
type editor struct {
	in, out  *os.File
	past     *history
	complete func(line string, at int, tell func(string)) (string, int)

	ahead  []byte // read, and not of this line
	search string // what Ctrl-R looks for
	found  int    // index of what it has found
}

// Keys that the terminal leaves to us.
const (
	keyTab    = '\t'
	keySearch = 'R' - '@'
)

// keyInterrupt is Ctrl-C.
const keyInterrupt = 'C' - '@'

// typedAhead is the input of one line. What was typed or pasted after its end is kept for
// the next one. It notes that Ctrl-C was read, which for the terminal is an end as Ctrl-D is.
type typedAhead struct {
	*editor
	interrupted bool
}

func (w *typedAhead) Read(p []byte) (int, error) {
	if len(w.ahead) == 0 {
		buf := make([]byte, 4096)
		n, err := w.in.Read(buf)
		if n == 0 {
			return 0, err
		}
		w.ahead = buf[:n]
	}
	n := len(w.ahead)
	if end := bytes.IndexAny(w.ahead, "\r\n\x03\x04"); end >= 0 {
		n = end + 1
	}
	n = copy(p, w.ahead[:n])
	w.ahead = w.ahead[n:]
	if last := &p[n-1]; *last == '\n' { // typed while a command ran
		*last = '\r'
	}
	w.interrupted = w.interrupted || p[n-1] == keyInterrupt
	if w.interrupted {
		w.ahead = nil
	}
	return n, nil
}

// read reads a line; io.EOF is Ctrl-D.
func (e *editor) read(_ context.Context, prompt string) (string, error) {
	restore, err := show.MakeRaw(e.in)
	if err != nil {
		return "", &protocols.Error{Kind: protocols.KindLocal, Text: "the terminal", Err: err}
	}
	defer restore()
	in := &typedAhead{editor: e}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, e.out}, prompt)
	if width, height, err := term.GetSize(int(e.out.Fd())); err == nil && width > 0 {
		_ = t.SetSize(width, height)
	}
	t.History = e.past
	e.search = ""
	t.AutoCompleteCallback = func(line string, at int, key rune) (string, int, bool) { return e.key(t, line, at, key) }
	line, err := t.ReadLine()
	if err == io.EOF && in.interrupted {
		fmt.Fprint(e.out, "^C\r\n")
		return "", errAgain
	}
	if err == io.EOF {
		fmt.Fprint(e.out, "\r\n")
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

// key is called for each key that is pressed.
func (e *editor) key(t *term.Terminal, line string, at int, key rune) (string, int, bool) {
	switch {
	case key == keyTab && e.complete != nil:
		text, now := e.complete(line, at, func(words string) { _, _ = io.WriteString(t, words) })
		return text, now, true
	case key == keySearch:
		if e.search == "" || !strings.Contains(line, e.search) {
			e.search, e.found = line, -1
		}
		if text, i := e.past.before(e.found+1, e.search); i >= 0 {
			e.found = i
			return text, len(text), true
		}
		return line, at, true
	}
	e.search = ""
	return "", 0, false
}
