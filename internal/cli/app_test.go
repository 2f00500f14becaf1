package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

func TestBothFormsReachTheVerb(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a", "b")}
	s.cli(t, "ls", "fake://h/").want(t, 0, "a\nb\n")
	s.cli(t, "fake", "ls", "h/").want(t, 0, "a\nb\n")
	s.cli(t, "fake", "ls", "fake://h/").want(t, 0, "a\nb\n")
	if n := s.closed.Load(); n != 3 {
		t.Errorf("%d of 3 clients closed", n)
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a", "b", "c")}
	s.cli(t, "--jq", ".name", "ls", "fake://h/", "--limit", "1").want(t, 0, "a\n")
	s.cli(t, "fake", "--json", "--jq=.size", "ls", "--reverse", "h", "--limit=1").want(t, 0, "2\n")
}

func TestVerbThatAProtocolHasNot(t *testing.T) {
	s := &fakeServer{}
	s.cli(t, "ls", "mute://h/").says(t, 2, "mute: no verb ls; mute can caps, probe")
	s.cli(t, "mute", "ls", "h/").says(t, 2, "mute: no verb ls; mute can caps, probe")
	s.cli(t, "mute", "ls", "--long", "h/").says(t, 2, "mute: no verb ls")
	s.cli(t, "fake", "prob", "h/").says(t, 2, "did you mean probe?")
	s.cli(t, "mute", "ls", "fake://h/").says(t, 2, "mute: no verb ls")
	s.cli(t, "mute", "probe", "fake://h/").says(t, 2, `scheme "fake" belongs to fake, not to mute`)
}

func TestOneClientForOneServer(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a")}
	s.cli(t, "ls", "fake://h/1", "fake://H/2", "fake://other/").want(t, 0, "a\na\na\n")
	if closed := s.closed.Load(); s.dialed != 2 || closed != 2 {
		t.Errorf("%d clients made, %d closed; want 2", s.dialed, closed)
	}
}

func TestManyTargets(t *testing.T) {
	gone := &protocols.Error{Kind: protocols.KindRefused, Text: "gone"}
	auth := &protocols.Error{Kind: protocols.KindAuth, Text: "no"}
	for _, c := range []struct {
		failures []error
		code     int
	}{
		{nil, 0},
		{[]error{gone}, 10},
		{[]error{gone, gone}, 6},
		{[]error{gone, auth}, 10},
	} {
		s := &fakeServer{entries: entriesOf("a"), failures: c.failures}
		r := s.cli(t, "ls", "fake://h/1", "fake://h/2")
		if r.code != c.code || strings.Count(r.errOut, "netclients: ") != len(c.failures) {
			t.Errorf("%v: exit code %d, want %d: %s", c.failures, r.code, c.code, r.errOut)
		}
	}
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		failures, retries string
		code, lists       int
	}{
		{"..", "2", 0, 3}, {"...", "2", 7, 3}, {".", "0", 7, 1}, {"...", "3", 0, 4},
	} {
		s := &fakeServer{entries: entriesOf("a")}
		for range c.failures {
			s.failures = append(s.failures, errPassing)
		}
		r := s.cli(t, "ls", "fake://h/", "--retries", c.retries, "--retry-wait", "1ms")
		if r.code != c.code || s.lists != c.lists {
			t.Errorf("%+v: exit code %d after %d attempts", c, r.code, s.lists)
		}
	}
	s := &fakeServer{failures: []error{&protocols.Error{Kind: protocols.KindRefused, Text: "no"}}}
	s.cli(t, "ls", "fake://h/").says(t, 6, "no")
	if s.lists != 1 {
		t.Errorf("a permanent no was repeated: %d", s.lists)
	}
}

// TestEndInARetryPause: what ends a command while it waits to retry is its exit code,
// and the note of the pause shows no secret.
func TestEndInARetryPause(t *testing.T) {
	busy := &protocols.Error{Kind: protocols.KindTemporary, Retryable: true, Text: "421 busy, said hushhush"}
	s := &fakeServer{failures: []error{busy, busy, busy}}
	r := s.cli(t, "ls", "fake://u:hushhush@h/", "--retry-wait", "1m", "--timeout", "50ms", "-v")
	r.says(t, 8, "timed out after 50ms (--timeout)", "retrying in 1m0s", "421 busy, said ****")
	if strings.Contains(r.errOut, "hushhush") {
		t.Errorf("the password is shown: %s", r.errOut)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	s = &fakeServer{failures: []error{busy, busy, busy}}
	s.cliContext(t, ctx, "ls", "fake://h/", "--retry-wait", "1m").says(t, 130, "421 busy")
}

// TestMistypedPasswordIsNotShown: no usage error repeats a password, however short.
func TestMistypedPasswordIsNotShown(t *testing.T) {
	s := &fakeServer{}
	for _, args := range [][]string{
		{"ls", "fake:bob:xy@h/"}, {"ls", "fake//bob:xy@h/"}, {"ls", "--retries", "fake://bob:xy@h/", "fake://h/"},
		{"ls", "--limit", "bob:xy@h", "fake://h/"}, {"fake://bob:xy@h/"}, {"fake", "fake://bob:xy@h/"}, {"ls", "fakt://bob:xy@h/"},
		{"put", "fake://bob:xy@h/", "x"},
	} {
		r := s.cli(t, args...)
		if r.code == 0 || strings.Contains(r.out+r.errOut, "xy") {
			t.Errorf("%q: exit code %d, %s", args, r.code, r.errOut)
		}
	}
}

func TestTimeoutAndInterrupt(t *testing.T) {
	s := &fakeServer{wait: true}
	s.cli(t, "ls", "fake://h/", "--timeout", "10ms").says(t, 8, "netclients: fake ls h: timed out after 10ms (--timeout)")
	s.cli(t, "ls", "fake://h/1", "fake://h/2", "--timeout", "10ms").says(t, 8, "timed out after 10ms")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	s.cliContext(t, ctx, "ls", "fake://h/").says(t, 130)
}

func TestErrorLines(t *testing.T) {
	bad := &protocols.Error{Kind: protocols.KindAuth, Code: 530, Text: "no\x1b[31m\nway", Sentinel: protocols.ErrLoginNeeded}
	s := &fakeServer{failures: []error{bad, bad}}
	r := s.cli(t, "ls", "fake://u@h/x")
	want := "netclients: fake ls h/x: 530 no\uFFFD[31m way (server wants a login first)\n  try: --user NAME with --password-file FILE\n"
	if r.code != 5 || r.errOut != want {
		t.Errorf("exit code %d: %q", r.code, r.errOut)
	}
	r = s.cli(t, "ls", "fake://u:pw@h/x", "--json")
	want = `{"error":{"protocol":"fake","op":"ls","url":"fake://u@h/x","kind":"auth","code":530,"enhanced":"","message":"530 no\u001b[31m\nway (server wants a login first)","retryable":false,"hint":"--user NAME with --password-file FILE"}}` + "\n"
	if r.errOut != want {
		t.Errorf("got %s want %s", r.errOut, want)
	}
}

func TestPanicIsOneLine(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	a := newApp(reg, strings.NewReader(""), &out, &errOut)
	a.verbs = append([]*kit.Verb{{
		Name: "boom", Args: "URL", Generic: true, Works: kit.Is[protocols.Client],
		Run: func(context.Context, *kit.Env, []string) error { panic("oh\x07no") },
	}}, a.verbs...)
	code := guarded(&errOut, func() int { return a.main(t.Context(), []string{"boom", "file:///"}) })
	if code != 1 || errOut.String() != "netclients: internal error: oh\uFFFDno\n" {
		t.Errorf("code %d, %q", code, errOut.String())
	}
}

func TestClosedPipeIsSilent(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.EPIPE, ""}, {syscall.ENOSPC, "netclients: standard output: no space left on device\n"},
	} {
		var errOut bytes.Buffer
		code := Main(t.Context(), []string{"protocols"}, strings.NewReader(""), fullWriter{c.err}, &errOut)
		if code != 11 || errOut.String() != c.want {
			t.Errorf("%v: code %d, %q", c.err, code, errOut.String())
		}
	}
}

// TestTableIsWhole: what help, completion and docs are made of is there, and no
// verb's flag hides one that works everywhere.
func TestTableIsWhole(t *testing.T) {
	global := pflag.NewFlagSet("", pflag.ContinueOnError)
	kit.NewGlobals().Register(global)
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verbTable(reg) {
		if v.Short == "" || v.Examples == nil && v.Generic || v.Args == "" || v.Works == nil || v.Run == nil {
			t.Errorf("verb %s lacks text, example or function", v.Name)
		}
		if v.Flags == nil {
			continue
		}
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		v.Flags(fs)
		fs.VisitAll(func(f *pflag.Flag) {
			if global.Lookup(f.Name) != nil || f.Shorthand != "" && global.ShorthandLookup(f.Shorthand) != nil {
				t.Errorf("%s: --%s -%s works everywhere already", v.Name, f.Name, f.Shorthand)
			}
			if f.Usage == "" {
				t.Errorf("%s: --%s has no help", v.Name, f.Name)
			}
		})
	}
}

// TestNoVerbTakesAPassword: secrets as values of flags can be seen by others.
func TestNoVerbTakesAPassword(t *testing.T) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	kit.NewGlobals().Register(fs)
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verbTable(reg) {
		if v.Flags != nil {
			more := pflag.NewFlagSet("", pflag.ContinueOnError)
			v.Flags(more)
			more.VisitAll(func(f *pflag.Flag) {
				if fs.Lookup(f.Name) == nil {
					f.Shorthand = ""
					fs.AddFlag(f)
				}
			})
		}
	}
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Name == "secret" && strings.Contains(f.Usage, "env:VAR or file:PATH") {
			return // names where a secret comes from
		}
		for _, word := range []string{"password", "token", "secret", "passwd"} {
			if strings.Contains(f.Name, word) && !strings.HasSuffix(f.Name, "-file") && !strings.HasSuffix(f.Name, "-command") {
				t.Errorf("--%s takes a secret", f.Name)
			}
		}
	})
}

// TestOnlyTheCalledCommandHasFlags keeps the start quick.
func TestOnlyTheCalledCommandHasFlags(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(reg, nil, new(bytes.Buffer), new(bytes.Buffer))
	a.build([]string{"version"})
	n := 0
	for _, c := range a.root.Commands() {
		c.LocalNonPersistentFlags().VisitAll(func(*pflag.Flag) { n++ })
		n += len(c.Commands())
	}
	if n > 3 {
		t.Errorf("%d flags and verbs of protocols are made for `version`", n)
	}
}

// TestEveryHelpPage: no page fails, none has an empty line of flags.
func TestEveryHelpPage(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := newApp(reg, nil, &out, &out)
	a.build([]string{"help"})
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		out.Reset()
		if err := c.Help(); err != nil || !strings.Contains(out.String(), "Usage:") {
			t.Errorf("help of %s: %v: %s", c.CommandPath(), err, out.String())
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(a.root)
}

func TestTallyKinds(t *testing.T) {
	var none kit.Tally
	none.Add(nil)
	if none.Err() != nil {
		t.Error("all done is no error")
	}
	if show.ExitCode(errors.New("x")) != 1 || show.ExitCode(nil) != 0 || show.ExitCode(kit.Exit(42)) != 42 {
		t.Error("exit codes")
	}
}
