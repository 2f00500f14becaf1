// Package telnetcmd has the verbs that only Telnet has, and its flags.
package telnetcmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/telnet"
)

// telnetVerbs are the verbs that only Telnet has.
func Verbs() []*kit.Verb {
	o, r := &opener{}, &opener{}
	return []*kit.Verb{
		{
			Name: "open", Args: "URL", Short: "a session at the terminal; else: send standard input, print what comes", Lasting: true, Stands: kit.AnyHost,
			Works: kit.Is[*telnet.Client], Flags: o.flags, Run: kit.On(o.run),
			Examples: []string{"telnet open router.example", "telnet open telnets://user@host", "telnet open host < commands.txt"},
		},
		{
			Name: "record", Args: "URL FILE", Short: "open, and write a script of the session to FILE, without its passwords", Lasting: true,
			Works: kit.Is[*telnet.Client], Flags: r.flags, Run: kit.On(r.record),
			Examples: []string{"telnet record router.example login.talk"},
		},
		{Name: "options", Means: "caps", Works: kit.Is[*telnet.Client],
			Examples: []string{"telnet options router.example"},
		},
		verbs.RunVerb(handOver),
	}
}

// telnetFlags are the flags that all verbs of Telnet have.
func Flags() *kit.Setup {
	var s telnet.Settings
	var window windowSize
	var env []string
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.StringArrayVar(&s.Terminals, "terminal", nil, "terminal `TYPE` to tell the server, more than one in order; the default is $TERM")
		fs.StringArrayVar(&env, "env", nil, "variable the server may ask for: `NAME=VALUE`, or NAME to take it from the environment")
		fs.StringVar(&s.Speed, "speed", "", "terminal `SPEED` to tell the server, as 38400,38400")
		fs.Var(&window, "window", "size to tell the server; the default is the terminal's")
		fs.BoolVar(&s.Binary, "binary", false, "ask for an 8-bit path in both directions")
		fs.BoolVar(&s.LineMode, "linemode", false, "let the server choose editing of lines at this side")
	}, func(c *telnet.Client) (err error) {
		c.Settings = s
		if c.Settings.Environ, err = kit.Variables(env); err != nil {
			return err
		}
		if len(s.Terminals) == 0 {
			c.Settings.Terminals = []string{terminalType()}
		}
		c.Settings.Width, c.Settings.Height = window[0], window[1]
		if window == (windowSize{}) {
			c.Settings.Width, c.Settings.Height = terminalSize(os.Stdout, os.Stdin)
		}
		return nil
	}).With(nil, []string{"auth", "authzid", "account", "token-file", "token-command"}, nil)
}

func terminalType() string {
	if t := os.Getenv("TERM"); t != "" {
		return t
	}
	return "dumb"
}

// terminalSize returns the size of the first file that is a terminal, or zeros.
func terminalSize(files ...*os.File) (width, height int) {
	for _, f := range files {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil {
			return w, h
		}
	}
	return 0, 0
}

// windowSize is COLUMNSxLINES.
type windowSize [2]int

func (w *windowSize) String() string { return "" }
func (w *windowSize) Type() string   { return "COLUMNSxLINES" }

func (w *windowSize) Set(s string) error {
	cols, rows, ok := strings.Cut(s, "x")
	a, errA := strconv.ParseUint(cols, 10, 16)
	b, errB := strconv.ParseUint(rows, 10, 16)
	if !ok || errA != nil || errB != nil {
		return fmt.Errorf("want a size as 80x24")
	}
	*w = windowSize{int(a), int(b)}
	return nil
}

// opener is `open`.
type opener struct {
	rec    *recorder // nil: nothing is recorded
	escape string
	view   verbs.ViewOptions
}

func (o *opener) flags(fs *pflag.FlagSet) {
	fs.StringVar(&o.escape, "escape", "^]", "`KEY` that opens the menu: a character, ^ and a letter, or none")
	fs.BoolVar(&o.view.Hex, "hex", false, "without a terminal: show both directions as a hex dump")
	fs.BoolVar(&o.view.Times, "timestamps", false, "without a terminal: print received lines with the time")
}

func (o *opener) run(ctx context.Context, e *kit.Env, _ *telnet.Client, at *protocols.Target, _ []string) error {
	key, err := escapeKey(o.escape)
	if err != nil {
		return err
	}
	stdin, ok := e.Stdin.(*os.File)
	if !ok || !show.IsTerminal(stdin) {
		return o.pipe(ctx, e, at)
	}
	client, _, err := verbs.Conversing[*telnet.Client](e, at)
	if err != nil {
		return err
	}
	defer client.Close()
	t := &terminal{e: e, in: stdin, key: key, rec: o.rec}
	client.Settings.Observe = t.observe
	return t.session(ctx, client)
}

// handOver hands a session that a script has begun to the user at the terminal.
func handOver(ctx context.Context, e *kit.Env, conn io.ReadWriteCloser, stream *expect.Stream) (bool, error) {
	session, ok := conn.(*telnet.Conn)
	stdin, isFile := e.Stdin.(*os.File)
	if !ok || !isFile || !show.IsTerminal(stdin) || e.Out.JSON {
		return false, nil
	}
	t := &terminal{e: e, in: stdin, key: defaultEscape, conn: session, from: stream}
	return true, t.talk(ctx)
}

// defaultEscape is Ctrl-].
const defaultEscape = 0x1d

// pipe is open without a terminal: the input's lines go out as they are read.
func (o *opener) pipe(ctx context.Context, e *kit.Env, at *protocols.Target) error {
	client, opts, err := verbs.Conversing[*telnet.Client](e, at)
	if err != nil {
		return err
	}
	defer client.Close()
	t := &verbs.Joint{
		CRLF: !client.Settings.Binary, E: e, V: verbs.NewView(e, o.view),
		Stats: opts.Stats, Idle: time.Duration(e.Flags.IdleTimeout), Input: verbs.ReadAhead(e.Stdin),
	}
	return t.Once(ctx, func(ctx context.Context) (io.ReadWriteCloser, error) {
		conn, err := client.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return o.from(conn), nil
	})
}

// escapeKey reads --escape; -1 is none.
func escapeKey(s string) (int, error) {
	switch {
	case s == "none" || s == "":
		return -1, nil
	case len(s) == 1:
		return int(s[0]), nil
	case len(s) == 2 && s[0] == '^' && s[1] >= '?' && s[1] <= '_':
		return int(s[1] ^ 0x40), nil
	}
	return 0, kit.Usage("--escape: want one character, ^ and a capital letter or one of @[\\]^_?, or none")
}
