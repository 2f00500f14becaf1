// Package shellcmd has the shell: one prompt, or one script, for all verbs of a protocol,
// with names that are seen from a current folder.
package shellcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// Runner runs the words of one command, whose clients are those of k, and returns its exit
// code. Its error was printed.
type Runner func(ctx context.Context, e *kit.Env, k *kit.Kept, words []string, stdin io.Reader) int

// Lookup returns the verb that a protocol has under a name, and all its verbs.
type Lookup func(reg *protocols.Registry, s *protocols.Spec) []*kit.Verb

// Verbs is the shell.
func Verbs(run Runner, lookup Lookup) []*kit.Verb {
	var commands []string
	return []*kit.Verb{{
		Name: "shell", Args: "URL", Short: "a prompt with cd, ls, get, put and all other verbs, or a script on standard input", Generic: true, Lasting: true,
		Works: kit.Is[protocols.Lister],
		Flags: func(fs *pflag.FlagSet) {
			fs.StringArrayVar(&commands, "command", nil, "run `LINE` instead of standard input; may be repeated")
		},
		Run: func(ctx context.Context, e *kit.Env, args []string) error {
			s, err := begin(ctx, e, args[0], run, lookup)
			if err != nil {
				return err
			}
			defer s.kept.Close()
			if commands == nil && show.IsTerminal(e.Stdin) && show.IsTerminal(e.Out.Raw) {
				return s.talk(ctx)
			}
			in := e.Stdin
			if commands != nil {
				in = strings.NewReader(strings.Join(commands, "\n"))
			} else if e.Flags.Value("password-file") == "-" {
				return kit.Usage("shell: standard input is the script: --password-command, a keyring entry or a file have the password")
			}
			return s.script(ctx, in)
		},
		Examples: []string{"shell ftp://user@host/pub/", "shell imap://user@host/", "shell --command 'cd incoming' --command 'put report.txt' ftp://user@host/"},
	}}
}

// shell is one session.
type shell struct {
	e      *kit.Env
	kept   *kit.Kept
	run    Runner
	lookup Lookup
	p      *place
	start  *protocols.Target
	edit   *editor // nil: a script
	words  map[string]word
	known  listing
}

// begin makes the session and enters the folder of the URL.
func begin(ctx context.Context, e *kit.Env, text string, run Runner, lookup Lookup) (*shell, error) {
	if e.Hosted != nil || e.Kept != nil {
		return nil, kit.Usage("shell: a shell has no shell of its own")
	}
	t, err := e.Target(text)
	if err != nil {
		return nil, err
	}
	s := &shell{e: e, run: run, lookup: lookup, p: &place{reg: e.Reg, home: t, at: t}}
	s.kept = &kit.Kept{Spec: t.Spec, Login: t, Shared: e.Shared, Line: e.Line, Names: s.names}
	if e.Opts.Trace != nil && e.Flags.Trace != "" {
		s.kept.Trace = e.Opts.Trace
	}
	if s.start, err = s.enter(ctx, t); err != nil {
		s.kept.Close()
		return nil, err
	}
	s.p.at = s.start
	return s, nil
}

// mostLine bounds a line of a script.
const mostLine = 1 << 20

// script runs lines up to the first that fails. The error of a line that begins with a
// hyphen is passed over.
func (s *shell) script(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostLine)
	for n := 1; lines.Scan(); n++ {
		line, forgiven := strings.CutPrefix(strings.TrimSpace(lines.Text()), "-")
		code, over := s.line(ctx, line)
		switch {
		case ctx.Err() != nil:
			return kit.CauseOf(ctx, ctx.Err())
		case over:
			return nil
		case code != 0 && !forgiven:
			s.e.Out.Say(fmt.Sprintf("netclients: shell: stopped at line %d", n))
			return kit.Exit(code)
		}
	}
	if err := lines.Err(); err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Text: "the script", Err: err}
	}
	return nil
}

// errLeave ends the shell.
var errLeave = errors.New("leave")

// line runs one line, and reports its exit code and whether it ends the shell.
func (s *shell) line(ctx context.Context, line string) (code int, over bool) {
	err := s.do(ctx, line)
	if errors.Is(err, errLeave) {
		return 0, true
	}
	_ = s.e.Out.Flush()
	s.e.Out.Failed(s.e.Out.Words, err)
	return show.ExitCode(err), false
}

func (s *shell) do(ctx context.Context, line string) error {
	line = strings.TrimSpace(line)
	if command, ok := strings.CutPrefix(line, "!"); ok {
		return s.local(ctx, command)
	}
	words, _, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	if b, ok := builtins()[words[0].text]; ok {
		return b.run(s, ctx, words[1:])
	}
	return s.verb(ctx, words)
}

// verb runs a verb of the protocol.
func (s *shell) verb(ctx context.Context, words []word) error {
	args := []string{}
	if spec := s.p.at.Spec; !spec.Hidden {
		args = append(args, spec.Name)
	}
	s.words = map[string]word{}
	for _, w := range words {
		args = append(args, w.text)
		s.words[w.text] = w
	}
	stdin := io.Reader(strings.NewReader(""))
	if s.edit != nil {
		stdin = s.e.Stdin
	}
	s.kept.Spec = s.p.at.Spec
	if err := s.e.Out.Flush(); err != nil {
		return err
	}
	code := s.run(ctx, s.e, s.kept, args, stdin)
	if !looks[words[0].text] {
		s.known = listing{}
	}
	if code != 0 {
		return kit.Exit(code)
	}
	return nil
}

// looks are verbs after which a listing is what it was.
var looks = map[string]bool{"ls": true, "cat": true, "get": true, "stat": true, "find": true}

// names makes the arguments of a line's verb URLs, as its usage line says what they are.
// What is missing at the front is the current folder.
func (s *shell) names(ctx context.Context, e *kit.Env, v *kit.Verb, args []string) ([]string, error) {
	fields := strings.Fields(v.Args)
	if len(fields) == 0 {
		return args, nil
	}
	if fields[0] == "FILE..." {
		return s.stored(ctx, e, args)
	}
	low, _ := v.Arity()
	front := isName(fields[0])
	if front && (len(args) < max(low, 1) || len(fields) > 1 && fields[1] == "CMD..." && !s.p.isURL(args[0])) {
		args = append([]string{s.p.here()}, args...)
	}
	out := make([]string, len(args))
	for i, arg := range args {
		field := fields[min(i, len(fields)-1)]
		if out[i] = arg; !isName(field) || field == "DST" && v.Name != "cp" || arg == s.p.here() {
			continue
		}
		var err error
		if out[i], err = s.p.url(ctx, s.word(arg), s.lister(e)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isName reports whether an argument names something at the server.
func isName(field string) bool {
	switch strings.TrimRight(strings.Trim(field, "[]"), ".") {
	case "URL", "SRC", "DST", "NEW":
		return true
	}
	return false
}

// word is a word of the line as it was typed.
func (s *shell) word(text string) word {
	if w, ok := s.words[text]; ok {
		return w
	}
	return word{text: text}
}

// stored makes the arguments of put: local files, and where they go. That is the current
// folder, unless the last one is a URL, ends with a slash, or is not a local file.
func (s *shell) stored(ctx context.Context, e *kit.Env, args []string) ([]string, error) {
	to := s.p.here()
	if n := len(args) - 1; n > 0 {
		if last := s.word(args[n]); s.p.isURL(last.text) || strings.HasSuffix(last.text, "/") || !last.glob && !exists(last.text) {
			var err error
			if to, err = s.p.url(ctx, last, s.lister(e)); err != nil {
				return nil, err
			}
			args = args[:n]
		}
	}
	var files []string
	for _, arg := range args {
		found, err := localNames(s.word(arg))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, kit.Usage("put: which file?")
	}
	return append(files, to), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || path == "-"
}
