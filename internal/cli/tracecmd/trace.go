// Package tracecmd has the commands that read traces again: show, diff and replay.
package tracecmd

import (
	"context"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/protocols"
)

// Commands are those below `netclients trace`.
func Commands() []*kit.Command {
	s, r := &shower{}, &replayer{}
	return []*kit.Command{{
		Name: "trace", Short: "show, compare and replay what --trace has recorded",
		Long: "trace reads what --trace FILE.jsonl or FILE.txt has recorded.",
		Sub: []*kit.Command{
			{
				Name: "show", Args: "FILE...", Short: "print a trace, coloured on a terminal; - is standard input", Flags: s.flags, Run: s.run,
				Example: "  netclients ls ftp://host/ --trace t.jsonl; netclients trace show t.jsonl\n  netclients trace show --conn 1 --color always t.jsonl | less -R",
			},
			{
				Name: "replay", Args: "FILE", Short: "a server on loopback that says what the recorded one said", Flags: r.flags, Run: r.run,
				Long:    "replay listens on a port of this machine, prints its URL, and plays the server's side of the recorded dialogue to each\nclient that connects. A command that is not the recorded one is reported: the server then answers with what was recorded\nfor that command elsewhere, or for its verb, and else refuses it. Content is what the trace has of it (--trace FILE.jsonl\nholds its beginning, where it is text), and letters up to the recorded size. With --once the exit code is 1 when a\ncommand was not the recorded one. A challenge that hid a secret cannot be repeated: SCRAM fails in a replay.",
				Example: "  netclients cat ftp://host/file --trace t.jsonl; netclients trace replay t.jsonl\n  netclients trace replay --once --listen 127.0.0.1:2121 --json t.jsonl",
			},
			{
				Name: "diff", Args: "A B", Short: "print what changed from one trace to another; exit code 1 if anything did", Run: diff,
				Long:    "diff aligns two dialogues by their commands and prints the exchanges that differ. Times, ports, tags, nonces, ids and\ntemporary names are not differences. The exit code is 0 when nothing changed and 1 when something did, as that of diff.",
				Example: "  netclients trace diff working.jsonl failing.jsonl\n  netclients trace diff --json a.jsonl b.jsonl | jq -r .command",
			},
		},
	}}
}

// Printed returns the types of what the commands print with --json.
func Printed() map[string][]any {
	return map[string][]any{"event": {trace.Line{}}, "change": {changeJSON{}, summaryJSON{}}, "replay": {readyJSON{}, strayJSON{}}}
}

// open opens a trace; - is standard input.
func open(e *kit.Env, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(e.Stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return f, nil
}

// shower is `trace show` with its flags.
type shower struct {
	conn    int64
	channel kit.Choice
}

func (s *shower) flags(fs *pflag.FlagSet) {
	s.channel = kit.OneOf("all", "all", "control", "data")
	fs.Int64Var(&s.conn, "conn", 0, "only the connection with this `NUMBER`")
	fs.Var(&s.channel, "channel", "only connections for commands, or for content: control, data or all")
}

func (s *shower) run(_ context.Context, e *kit.Env, args []string) error {
	for _, path := range args {
		if err := s.file(e, path); err != nil {
			return err
		}
	}
	return nil
}

func (s *shower) file(e *kit.Env, path string) error {
	f, err := open(e, path)
	if err != nil {
		return err
	}
	defer f.Close()
	p := &trace.Printer{W: e.Out.W, Paint: e.Out.Paint}
	for ev, err := range trace.Read(path, f) {
		if err != nil {
			return err
		}
		if s.conn != 0 && ev.Conn != s.conn || s.channel.Value != "all" && ev.Channel != s.channel.Value {
			continue
		}
		if e.Out.JSON {
			err = e.Out.Object(trace.LineOf(ev))
		} else {
			err = p.Event(ev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changeJSON is one difference; a and b are the lines of the exchange, each with its
// direction: > sent, < received, * what else happened, ! an error.
type changeJSON struct {
	Change  string   `json:"change"` // changed, added, removed
	Command string   `json:"command,omitempty"`
	ConnA   int64    `json:"conn_a,omitempty"`
	ConnB   int64    `json:"conn_b,omitempty"`
	LineA   int      `json:"line_a,omitempty"` // number of the event in the file
	LineB   int      `json:"line_b,omitempty"`
	A       []string `json:"a,omitempty"`
	B       []string `json:"b,omitempty"`
}

type summaryJSON struct {
	Summary trace.Summary `json:"summary"`
}

// differs is the error of traces that are not the same: an exit code and no words.
type differs struct{}

func (differs) Error() string { return "the traces differ" }
func (differs) ExitCode() int { return 1 }

func diff(_ context.Context, e *kit.Env, args []string) error {
	if args[0] == "-" && args[1] == "-" {
		return kit.Usage("trace diff: standard input can be one of them")
	}
	var sides [2][]*trace.Dialogue
	for i, path := range args {
		f, err := open(e, path)
		if err != nil {
			return err
		}
		sides[i], err = trace.Dialogues(path, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	sum, err := trace.Diff(sides[0], sides[1], func(c trace.Change) error { return tell(e.Out, &c) })
	if err != nil {
		return err
	}
	if err := end(e.Out, sum); err != nil {
		return err
	}
	if sum.Differ() {
		return differs{}
	}
	return nil
}
