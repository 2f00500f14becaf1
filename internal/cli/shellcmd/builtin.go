package shellcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// builtin is a command of the shell itself.
type builtin struct {
	args, short string
	run         func(s *shell, ctx context.Context, args []word) error
}

func builtins() map[string]builtin {
	leave := func(*shell, context.Context, []word) error { return errLeave }
	return map[string]builtin{
		"cd":   {"[FOLDER]", "go to a folder, menu, mailbox or group; alone to where the shell began, - to where it was before", (*shell).cd},
		"pwd":  {"", "print where the shell is", (*shell).pwd},
		"lcd":  {"[FOLDER]", "go to a folder of this machine", (*shell).lcd},
		"lpwd": {"", "print the folder of this machine", (*shell).lpwd},
		"help": {"[VERB]", "print what there is, or the flags of a verb", (*shell).help},
		"exit": {"", "end the shell; Ctrl-D does too", leave},
		"quit": {"", "end the shell", leave},
		"bye":  {"", "end the shell", leave},
	}
}

// cd goes to another place.
func (s *shell) cd(ctx context.Context, args []word) error {
	to := s.start
	switch {
	case len(args) > 1:
		return kit.Usage("cd: one folder")
	case len(args) == 1 && args[0].text == "-":
		if to = s.p.was; to == nil {
			return kit.Usage("cd -: there was no other folder yet")
		}
	case len(args) == 1:
		w := args[0]
		w.glob = false // a folder is one
		s.kept.Lend(s.e, false)
		text, err := s.p.url(ctx, w, s.lister(s.e))
		s.kept.TakeBack(s.e, false)
		if err == nil {
			to, err = s.e.Reg.Parse(text, "")
		}
		if err != nil {
			return named(err, s.p.at, args[0].text)
		}
	}
	to, err := s.enter(ctx, to)
	if err != nil {
		return named(err, s.p.at, "")
	}
	s.p.move(to)
	return nil
}

// move notes the place that the shell has gone to.
func (p *place) move(to *protocols.Target) {
	switch i := slices.IndexFunc(p.up, func(t *protocols.Target) bool { return t.URL.String() == to.URL.String() }); {
	case joins(to) || to.Name == "":
		p.up = nil
	case i >= 0:
		p.up = p.up[:i]
	case to.URL.String() != p.at.URL.String():
		p.up = append(p.up, p.at)
	}
	p.was, p.at = p.at, to
}

func named(err error, at *protocols.Target, name string) error {
	u := protocols.Redact(at.URL)
	if name != "" {
		u += " " + name
	}
	return kit.Named(protocols.Wrap(err, at.Spec.Name, "cd", u), "cd")
}

// enter makes sure that a target is a folder, and returns it as one.
func (s *shell) enter(ctx context.Context, t *protocols.Target) (*protocols.Target, error) {
	if joins(t) && t.URL.Host != "" && !strings.HasSuffix(t.URL.Path, "/") {
		u := *t.URL
		u.RawPath, u.Path = u.EscapedPath()+"/", u.Path+"/"
		var err error
		if t, err = s.e.Reg.Target(&u, ""); err != nil {
			return nil, err
		}
	}
	s.kept.Lend(s.e, false)
	defer s.kept.TakeBack(s.e, false)
	c, err := s.e.Client(t)
	if err != nil {
		return nil, err
	}
	err = s.e.Again(ctx, func() error { return isFolder(ctx, c, t) })
	return t, kit.Named(protocols.Wrap(kit.CauseOf(ctx, err), t.Spec.Name, s.e.Verb, protocols.Redact(t.URL)), s.e.Verb)
}

// isFolder returns an error unless something can be listed. The first entry is enough.
func isFolder(ctx context.Context, c protocols.Client, t *protocols.Target) error {
	name, file := strings.TrimSuffix(t.Name, "/"), false
	if joins(t) && kit.Is[protocols.Statter](c) && name != "" {
		found, err := protocols.Stat(ctx, c, name)
		if err == nil && found.Type == protocols.TypeDir {
			return nil
		}
		file = err == nil && found.Type == protocols.TypeFile
	}
	for entry, err := range protocols.List(ctx, c, t.Name) {
		if err == nil && file && entry.Name == path.Base(name) {
			break // a server lists a file as itself
		}
		return err
	}
	if file {
		return &protocols.Error{Kind: protocols.KindRefused, Text: "this is not a folder"}
	}
	return nil
}

func (s *shell) pwd(context.Context, []word) error {
	at := protocols.Redact(s.p.at.URL)
	return s.e.Out.Record(map[string]string{"url": at}, func() string { return show.Safe(at) })
}

func (s *shell) lcd(_ context.Context, args []word) error {
	to, err := "", error(nil)
	switch len(args) {
	case 0:
		to, err = os.UserHomeDir()
	case 1:
		to = args[0].text
		if rest, ok := strings.CutPrefix(to, "~/"); ok {
			to, err = os.UserHomeDir()
			to = filepath.Join(to, rest)
		}
	default:
		err = kit.Usage("lcd: one folder")
	}
	if err == nil {
		err = os.Chdir(to)
	}
	return local(err)
}

// local makes an error of the system one of ours.
func local(err error) error {
	if err == nil || protocols.KindOf(err) == protocols.KindUsage {
		return err
	}
	return &protocols.Error{Kind: protocols.KindLocal, Err: err}
}

func (s *shell) lpwd(context.Context, []word) error {
	at, err := os.Getwd()
	if err != nil {
		return local(err)
	}
	return s.e.Out.Record(map[string]string{"path": at}, func() string { return show.Safe(at) })
}

// help prints what there is.
func (s *shell) help(ctx context.Context, args []word) error {
	own := builtins()
	if len(args) > 0 {
		if b, ok := own[args[0].text]; ok {
			return s.e.Out.Text(strings.TrimSpace(args[0].text+" "+b.args) + ": " + b.short)
		}
		return s.verb(ctx, []word{args[0], {text: "--help"}})
	}
	rows := [][2]string{}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		rows = append(rows, [2]string{strings.TrimSpace(name + " " + own[name].args), own[name].short})
	}
	rows = append(rows, [2]string{"!COMMAND", "run a command of this machine"})
	for _, v := range s.lookup(s.e.Reg, s.p.at.Spec) {
		if _, taken := own[v.Name]; !taken && v.Name != "shell" {
			rows = append(rows, [2]string{v.Name, v.Short})
		}
	}
	var text strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&text, "%-13s  %s\n", row[0], row[1])
	}
	text.WriteString("\nhelp VERB prints the flags of a verb. Names are relative to the current folder, which is meant where no name is given.")
	for line := range strings.SplitSeq(show.Wrap(text.String(), show.Columns(s.e.Out.Raw)), "\n") {
		if err := s.e.Out.Text(line); err != nil {
			return err
		}
	}
	return nil
}

// local runs a command of this machine, or its shell.
func (s *shell) local(ctx context.Context, command string) error {
	if err := s.e.Out.Flush(); err != nil {
		return err
	}
	args := []string{"-c", command}
	if strings.TrimSpace(command) == "" {
		if s.edit == nil {
			return kit.Usage("! runs a command: !COMMAND")
		}
		args = nil
	}
	cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("SHELL"), "sh"), args...)
	if args != nil {
		cmd = exec.CommandContext(ctx, "sh", args...)
	}
	cmd.Env, cmd.Stdout, cmd.Stderr = secret.Environ(), s.e.Out.Raw, s.e.Out.Words
	if s.edit != nil {
		cmd.Stdin = s.e.Stdin
	}
	err := cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("!%s: %s", firstOf(command), ended)}
	}
	if err != nil {
		return local(kit.CauseOf(ctx, err))
	}
	return nil
}

func firstOf(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// localNames returns the files of this machine that a word names.
func localNames(w word) ([]string, error) {
	if !w.glob || exists(w.text) {
		return []string{w.text}, nil
	}
	found, err := filepath.Glob(w.text)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no local file matches %s", w.text)
	}
	return found, local(err)
}
