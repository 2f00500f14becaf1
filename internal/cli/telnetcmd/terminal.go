package telnetcmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols/telnet"
)

// terminal is a Telnet session at a terminal. The terminal is raw while the
// session has it, and as before whenever it has not: in the menu, and at each
// way out.
type terminal struct {
	e   *kit.Env
	in  *os.File
	key int // opens the menu; -1: none

	conn    *telnet.Conn
	from    io.Reader // what comes on it
	rec     *recorder // nil: nothing is recorded
	signals *ttySignals
	line    []byte // being edited here, when the server does not echo

	modeMu  sync.Mutex
	restore func() // makes the terminal as it was; nil while it is

	mu   sync.Mutex // held by who writes to the terminal
	over bool       // the user wants to end; guarded by mu

	saidMu sync.Mutex // its own, as the connection calls observe
	show   bool       // commands of the protocol are shown
	said   []string   // to be shown
}

// session talks until the server or the user ends it.
func (t *terminal) session(ctx context.Context, client *telnet.Client) error {
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	t.conn, t.from = conn, conn
	return t.talk(ctx)
}

// talk is the session on an open connection. It closes it.
func (t *terminal) talk(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn := t.conn
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	t.e.Out.Say("connected to " + conn.RemoteAddr().String() + t.menuHint())
	if err := t.raw(); err != nil {
		return err
	}
	defer t.cooked()
	t.signals = t.follow(cancel)
	defer t.signals.watch()()
	typed := make(chan error, 1)
	go func() {
		typed <- caught(func() error { return t.keys(ctx, verbs.ReadAhead(t.in)) })
		conn.Close()
	}()
	err := kit.CauseOf(ctx, t.output()) // a signal may show as a connection that was closed
	ended := t.ended()
	cancel(nil)
	if ended || errors.Is(err, io.EOF) {
		err = nil
	}
	if kerr := <-typed; err == nil {
		err = kerr
	}
	t.cooked()
	if err == nil {
		t.e.Out.Say("connection closed")
	}
	return err
}

func (t *terminal) menuHint() string {
	if t.key < 0 {
		return ""
	}
	name := string(rune(t.key))
	if t.key < 0x20 {
		name = "Ctrl-" + string(rune(t.key^0x40))
	}
	return "; " + name + " opens the menu"
}

// raw takes the terminal for the session.
func (t *terminal) raw() error {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.restore != nil {
		return nil
	}
	restore, err := show.MakeRaw(t.in)
	if err == nil {
		t.restore = restore
	}
	return err
}

// cooked restores the terminal, and reports whether the session had it.
func (t *terminal) cooked() (had bool) {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.restore == nil {
		return false
	}
	t.restore()
	t.restore = nil
	return true
}

// resized sends the server the terminal's size.
func (t *terminal) resized() {
	if w, h := terminalSize(t.in); w > 0 {
		_ = t.conn.SetWindow(w, h)
	}
}

// follow says what the session does on signals: it informs the server of a new
// size, gives the terminal back while the process is stopped, and ends in good
// order.
func (t *terminal) follow(cancel context.CancelCauseFunc) *ttySignals {
	had := false
	return &ttySignals{
		resized: t.resized,
		leave:   func() { had = t.cooked() },
		back: func() {
			if had {
				_ = t.raw()
			}
			t.resized()
		},
		end: func() { cancel(context.Canceled) },
	}
}

// caught makes a panic of a goroutine an error, so that the terminal is given
// back on that way out too.
func caught(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error: %v", v)
		}
	}()
	return do()
}

func (t *terminal) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// observe keeps what the protocol says, to be shown between pieces of output.
func (t *terminal) observe(v telnet.Event) {
	t.saidMu.Lock()
	defer t.saidMu.Unlock()
	if t.show && len(t.said) < 1000 {
		t.said = append(t.said, v.String())
	}
}

// news returns what the protocol has said since the last time.
func (t *terminal) news() []string {
	t.saidMu.Lock()
	defer t.saidMu.Unlock()
	said := t.said
	t.said = nil
	return said
}

// output copies what comes to the terminal, as it is.
func (t *terminal) output() error {
	buf := make([]byte, 32<<10)
	budget := t.e.Budget()
	for {
		n, err := t.from.Read(buf)
		n, over := budget.Take(n)
		if t.rec != nil {
			t.rec.received(buf[:n])
		}
		t.mu.Lock()
		for _, s := range t.news() {
			fmt.Fprintf(t.e.Out.Words, "\r\n[%s]\r\n", show.Safe(s))
		}
		var werr error
		if n > 0 {
			_, werr = t.e.Out.Raw.Write(buf[:n])
		}
		t.mu.Unlock()
		if werr != nil {
			return show.Wrote(werr)
		}
		if err := cmp.Or(over, err); err != nil {
			return err
		}
	}
}

// keys sends what is typed, until the session or the input ends.
func (t *terminal) keys(ctx context.Context, input <-chan []byte) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p, ok := <-input:
			if !ok {
				return nil
			}
			at := bytes.IndexByte(p, byte(t.key))
			if t.key < 0 || at < 0 {
				at = len(p)
			}
			if err := t.typed(p[:at]); err != nil {
				return err
			}
			if at == len(p) {
				continue
			}
			if err := t.menu(ctx, input, p[at+1:]); err != nil || t.ended() {
				return err
			}
		}
	}
}

// typed sends keys at once when the server echoes them; else it edits a line
// here, as RFC 854 has it for a terminal by default.
func (t *terminal) typed(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if t.conn.Echoes() {
		return t.write(p)
	}
	for _, b := range p {
		if err := t.edit(b); err != nil {
			return err
		}
	}
	return nil
}

// write sends what the user wrote.
func (t *terminal) write(p []byte) error {
	if t.rec != nil {
		t.rec.sent(p, t.conn.Echoes())
	}
	_, err := t.conn.Write(p)
	return err
}

// Keys of the line editor.
const (
	keyInterrupt = 0x03
	keyEnd       = 0x04
	keyBack      = 0x08
	keyKill      = 0x15
	keyDelete    = 0x7f
)

// edit takes one key for the line.
func (t *terminal) edit(b byte) error {
	switch b {
	case '\r', '\n':
		line := append(slices.Clone(t.line), '\r', '\n')
		t.line = t.line[:0]
		t.echo("\r\n")
		return t.write(line)
	case keyInterrupt:
		t.line = t.line[:0]
		return t.conn.Command(telnet.IP)
	case keyEnd:
		if len(t.line) == 0 {
			return t.conn.Command(telnet.EOF)
		}
	case keyBack, keyDelete:
		t.rubOut(1)
	case keyKill:
		t.rubOut(len(t.line))
	default:
		t.line = append(t.line, b)
		if b >= 0x20 {
			t.echo(string([]byte{b}))
		}
	}
	return nil
}

// rubOut takes the last n bytes away; of a character of several bytes all.
func (t *terminal) rubOut(n int) {
	for ; n > 0 && len(t.line) > 0; n-- {
		last := t.line[len(t.line)-1]
		t.line = t.line[:len(t.line)-1]
		if last&0xc0 == 0x80 { // inside of a character: its start goes too
			n++
			continue
		}
		if last >= 0x20 {
			t.echo("\b \b")
		}
	}
}

func (t *terminal) echo(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	io.WriteString(t.e.Out.Raw, s)
}

// menu reads commands, with the terminal as it was, until one goes back to the
// session. What comes meanwhile waits.
func (t *terminal) menu(ctx context.Context, input <-chan []byte, ahead []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cooked()
	defer t.raw()
	fmt.Fprint(t.e.Out.Words, "\r\n")
	for {
		fmt.Fprint(t.e.Out.Words, "telnet> ")
		line, rest, ok := readMenuLine(ctx, input, ahead)
		if !ok {
			t.over = true
			return nil
		}
		ahead = rest
		back, err := t.choose(strings.Fields(strings.ToLower(line)))
		if err != nil || back || t.over {
			return err
		}
	}
}

// readMenuLine reads a line of the cooked terminal.
func readMenuLine(ctx context.Context, input <-chan []byte, ahead []byte) (line string, rest []byte, ok bool) {
	for {
		if i := bytes.IndexAny(ahead, "\r\n"); i >= 0 {
			return string(ahead[:i]), ahead[i+1:], true
		}
		select {
		case p, more := <-input:
			if !more {
				return "", nil, false
			}
			ahead = append(slices.Clone(ahead), p...)
		case <-ctx.Done():
			return "", nil, false
		}
	}
}

const menuHelp = `  (empty)        back to the session
  quit, close    end it
  z              stop the program; the shell's fg goes on with it
  send COMMAND   ayt ip ao brk ec el ga nop eor eof susp abort synch, or escape
  status         where the session stands
  options        show the protocol's commands, or no longer
  help           this
`

// choose does one command of the menu. The caller holds the terminal.
func (t *terminal) choose(words []string) (back bool, err error) {
	if len(words) == 0 {
		return true, nil
	}
	switch words[0] {
	case "q", "quit", "exit", "close":
		t.over = true
	case "z", "suspend":
		t.signals.suspend(0)
		t.resized()
		return true, nil
	case "send":
		return t.send(words[1:])
	case "status":
		fmt.Fprintf(t.e.Out.Words, "connected to %s; the server %s\n", t.conn.RemoteAddr(), echoWords[t.conn.Echoes()])
	case "options":
		t.saidMu.Lock()
		t.show = !t.show
		t.saidMu.Unlock()
		fmt.Fprintf(t.e.Out.Words, "commands of the protocol are %s\n", shownWords[t.show])
	default:
		fmt.Fprint(t.e.Out.Words, menuHelp)
	}
	return false, nil
}

var (
	echoWords  = map[bool]string{true: "echoes: keys go out one by one", false: "does not echo: lines are edited here"}
	shownWords = map[bool]string{true: "shown", false: "not shown"}
)

// send is the menu's send.
func (t *terminal) send(words []string) (back bool, err error) {
	for _, w := range words {
		if w == "escape" && t.key >= 0 {
			_, err = t.conn.Write([]byte{byte(t.key)})
		} else if c, ok := telnet.CommandByName(strings.ToUpper(w)); ok {
			err = t.conn.Command(c)
		} else {
			fmt.Fprintf(t.e.Out.Words, "no command %s\n", show.Safe(w))
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
