package verbs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// player is `run`: a conversation by a script.
type player struct {
	steps            []string // of --expect and --send, in their order
	vars, secrets    pairs
	stepTime         kit.Duration
	end              kit.Choice
	exitStep, hushed bool
	plain, handOver  bool
	capture          kit.Size
	output           string
	hand             HandOver
}

// RunVerb is the verb of every protocol that can expect. hand, which may be nil, is asked
// first when a session is given to the user.
func RunVerb(hand HandOver) *kit.Verb {
	p := player{hand: hand, capture: 1 << 20}
	return &kit.Verb{
		Name: "run", Args: "[SCRIPT] URL...",
		Short: "hold a conversation: send and expect, by a script or by flags; with several URLs one after the other (help talk: the language)",
		Works: kit.Is[protocols.Talker], Run: p.run, Flags: p.flags,
		Examples: []string{
			"telnet run login.talk router.example",
			"telnet run host --expect 'login: ' --send alice --expect 'assword: ' --send '${PASS}' --secret PASS=env:ROUTER_PASSWORD",
			"tcp run smtp.talk host:25 --json",
			"telnet run backup.talk switch1 switch2 switch3 --plain -o 'configs/{host}.txt'",
			"telnet run login.talk router.example --interact",
		},
	}
}

func (p *player) flags(fs *pflag.FlagSet) {
	p.end = kit.OneOf("", "crlf", "lf", "cr", "none")
	fs.Var(stepFlag{&p.steps, expectStatement}, "expect", "wait for this regular expression; together with --send, in their order")
	fs.Var(stepFlag{&p.steps, sendStatement}, "send", "send this text and the line end")
	fs.Var(&p.vars, "var", "variable for ${NAME} in the script's texts")
	fs.Var(&p.secrets, "secret", "variable that is masked in all output: `NAME=REFERENCE`, which is env:VAR or file:PATH")
	fs.Var(&p.stepTime, "step-timeout", "longest wait of a step, until the script sets another; the default is 10s")
	fs.Var(&p.end, "eol", "line end that send adds; the default is crlf, and cr where Telnet's BINARY is on")
	fs.BoolVar(&p.exitStep, "exit-step", false, "exit with 20 plus the number of the step that failed, at most 119")
	fs.Var(&p.capture, "capture", "how much of what comes a step searches and keeps; the oldest is dropped when more comes")
	fs.BoolVar(&p.plain, "plain", false, "drop ANSI sequences and pager marks, and carry out backspaces, in what is printed and kept")
	fs.StringVarP(&p.output, "output", "o", "", "write what is received to `FILE`, when the script has succeeded; {host} in the name stands for the host of each URL")
	fs.BoolVar(&p.handOver, "interact", false, "after the script give the session to the user")
	fs.BoolVar(&p.hushed, "no-output", false, "do not print what is received")
}

// stepFlag adds a statement to those of the other flags.
type stepFlag struct {
	steps *[]string
	make  func(string) string
}

func (f stepFlag) String() string { return "" }
func (f stepFlag) Type() string   { return "TEXT" }

func (f stepFlag) Set(s string) error {
	line := f.make(s)
	if _, err := expect.Parse(strings.NewReader(line)); err != nil {
		return err
	}
	*f.steps = append(*f.steps, line)
	return nil
}

func expectStatement(re string) string {
	return "expect /" + strings.ReplaceAll(strings.ReplaceAll(re, `\/`, "/"), "/", `\/`) + "/"
}

func sendStatement(text string) string { return "send " + strconv.Quote(text) }

// pairs collects NAME=VALUE.
type pairs map[string]string

func (p *pairs) String() string { return "" }
func (p *pairs) Type() string   { return "NAME=VALUE" }

func (p *pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return fmt.Errorf("want NAME=VALUE")
	}
	if *p == nil {
		*p = pairs{}
	}
	(*p)[name] = value
	return nil
}

// run plays the script on each target. Before the targets stands the script's
// file name, unless the steps come by flags.
func (p *player) run(ctx context.Context, e *kit.Env, args []string) error {
	file := ""
	if info, err := os.Stat(args[0]); len(p.steps) > 0 && err == nil && info.Mode().IsRegular() {
		return kit.Usage("run: a script file and --expect or --send cannot be used together")
	}
	if len(p.steps) == 0 && len(args) > 1 {
		if kit.HasScheme(args[0]) && !kit.HasScheme(args[len(args)-1]) { // the other way round
			args = append(args[len(args)-1:], args[:len(args)-1]...)
		}
		file, args = args[0], args[1:]
	}
	script, err := p.script(e, file)
	if err != nil {
		return err
	}
	names := slices.Concat(slices.Collect(maps.Keys(p.vars)), slices.Collect(maps.Keys(p.secrets)))
	if err := script.Check(names...); err != nil {
		return err
	}
	if err := p.checkOutput(e, args); err != nil {
		return err
	}
	if file == "-" && (p.handOver || script.Interacts()) {
		return kit.Usage("run: the script is standard input, so that nobody can interact by it")
	}
	return e.Each(ctx, args, func(target string) error {
		target = strings.Replace(target, "<broadcast>", "255.255.255.255", 1)
		return kit.Use(ctx, e, target, func(ctx context.Context, c protocols.Client, at *protocols.Target) error {
			if len(args) > 1 {
				e.Out.Say("== " + protocols.Redact(at.URL))
			}
			return p.play(ctx, e, c, at, script)
		})
	})
}

func (p *player) script(e *kit.Env, file string) (*expect.Script, error) {
	switch {
	case file == "" && len(p.steps) == 0:
		return nil, kit.Usage("run: want a script file, or --expect and --send")
	case file == "":
		return expect.Parse(strings.NewReader(strings.Join(p.steps, "\n")))
	case file == "-":
		return expect.Parse(e.Stdin)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return expect.Parse(f)
}

// playedJSON is what became of one step.
type playedJSON struct {
	URL string `json:"url"`
	expect.Result
}

// printJSON is what the script itself says.
type printJSON struct {
	URL    string `json:"url"`
	Line   int    `json:"line"`
	Action string `json:"action"`
	Text   string `json:"text"`
}

func (p *player) play(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, script *expect.Script) error {
	secrets := map[string]string{}
	for name, reference := range p.secrets {
		value, err := readSecret(reference)
		if err != nil {
			return err
		}
		secrets[name] = value
	}
	if p.handOver || script.Interacts() { // for whom silence is not a failure
		own, _, err := Conversing[protocols.Client](e, at)
		if err != nil {
			return err
		}
		defer own.Close()
		c = own
	}
	conn, err := protocols.Talk(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close()
	mask := expect.NewMask()
	stream := expect.NewStream(conn, int(p.capture))
	t, err := p.show(ctx, e, at, stream, mask)
	if err != nil {
		return err
	}
	interact := func(ctx context.Context, stream *expect.Stream) error { return p.interact(ctx, e, conn, stream, t) }
	err = script.Run(ctx, stream, mask, &expect.RunOptions{
		Timeout: time.Duration(p.stepTime), LineEnd: p.end.Value, Variables: p.vars, Secrets: secrets, Secret: readSecret, Plain: p.plain, Interact: interact,
		Report: func(r expect.Result) error {
			p.cut(e, r)
			if e.Out.JSON {
				return errors.Join(e.Out.Object(playedJSON{protocols.Redact(at.URL), r}), e.Out.Flush())
			}
			return nil
		},
		Print: func(line int, text string) error {
			if e.Out.JSON {
				return errors.Join(e.Out.Object(printJSON{protocols.Redact(at.URL), line, "print", text}), e.Out.Flush())
			}
			return errors.Join(e.Out.Text(text), e.Out.Flush())
		},
	})
	if err == nil && p.handOver {
		err = interact(ctx, stream)
	}
	if ferr := t.close(err); err == nil {
		err = ferr
	}
	return p.exit(e, at, err)
}

// maxTalkSecret bounds the file of a secret.
const maxTalkSecret = 64 << 10

// readSecret reads env:VAR, or the first line of file:PATH.
func readSecret(reference string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", kit.Usage("secret: the environment has no variable %s", name)
		}
		return value, nil
	case "file":
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxTalkSecret))
		line, _, _ := strings.Cut(string(b), "\n")
		return strings.TrimSuffix(line, "\r"), err
	}
	return "", kit.Usage("secret: want env:VAR or file:PATH, not %q", kind)
}

// exit names the step that failed, and ends with the exit code that the script,
// or --exit-step, wants for it.
func (p *player) exit(e *kit.Env, at *protocols.Target, err error) error {
	s, ok := errors.AsType[*expect.StepError](err)
	if !ok {
		return err
	}
	cause, _ := errors.AsType[*protocols.Error](protocols.Wrap(s.Err, "", "", ""))
	told := *cause
	told.Text, told.Err = fmt.Sprintf("step %d (line %d): %s", s.Step, s.Line, cause.Message()), nil
	code := s.Code
	if code == 0 && p.exitStep {
		code = min(20+s.Step, 119)
	}
	if code == 0 {
		return &told
	}
	e.Tell(kit.Named(protocols.Wrap(&told, at.Spec.Name, "run", protocols.Redact(at.URL)), "run"))
	return kit.Exit(code)
}
