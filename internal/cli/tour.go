package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netclients/netclients/protocols"
)

// tourStep is one thing a client does in the tour: a command line, and what its
// output must hold. URL stands for the lab server's URL, DIR for an empty folder.
type tourStep struct {
	protocol string
	what     string
	args     string // words apart by spaces
	stdin    string
	want     string // must be in the output
	file     string // must exist afterwards, as seen from DIR
}

// tourSteps is the tour. Each protocol adds what its client is mainly for.
func tourSteps() []tourStep {
	return []tourStep{
		{protocol: "ftp", what: "probe with login", args: "probe --login URL", want: "up"},
		{protocol: "ftp", what: "list a folder", args: "ls -l URLpub/", want: "large.bin"},
		{protocol: "ftp", what: "list as JSON", args: "ls --json URLpub/", want: `"name":"large.bin"`},
		{protocol: "ftp", what: "read a file", args: "cat URLREADME.txt", want: "Welcome"},
		{protocol: "ftp", what: "save a file", args: "get URLpub/large.bin -o DIR/large.bin", file: "large.bin"},
		{protocol: "ftp", what: "store a file", args: "put - URLincoming/tour.txt", stdin: "a text of the tour\n"},
		{protocol: "ftp", what: "read it back", args: "cat URLincoming/tour.txt", want: "a text of the tour"},
		{protocol: "ftp", what: "rename it", args: "mv URLincoming/tour.txt renamed.txt"},
		{protocol: "ftp", what: "delete it", args: "rm --yes URLincoming/renamed.txt"},
		{protocol: "ftp", what: "mirror a tree", args: "sync URLpub/nested/ DIR/nested", file: "nested/many/file00.txt"},
		{protocol: "ftp", what: "a raw command", args: "raw URL SYST", want: "215"},
	}
}

// tourResult is what became of a step.
type tourResult struct {
	Protocol string  `json:"protocol"`
	Step     string  `json:"step"`
	Command  string  `json:"command"`
	OK       bool    `json:"ok"`
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
}

// tourCommand is `netclients tour`.
func (a *app) tourCommand() *cobra.Command {
	return a.plain("tour", "", "show what each client does, against the embedded servers", a.tour)
}

func (a *app) tour(cmd *cobra.Command, e *env, _ []string) error {
	list, stop, err := startLab("")
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "netclients-tour-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := e.out.newTable("PROTOCOL", "STEP", "RESULT", "> TIME", "COMMAND")
	var count tally
	for _, s := range tourSteps() {
		server := serverOf(list, s.protocol)
		if server == nil || a.reg.Spec(s.protocol) == nil {
			continue
		}
		r, err := s.run(cmd.Context(), server, dir)
		if final(cmd.Context(), err) {
			return err
		}
		count.add(err)
		if err := showStep(e.out, t, r); err != nil {
			return err
		}
	}
	if !e.out.json {
		if err := t.end(); err != nil {
			return err
		}
	}
	return count.err()
}

func serverOf(list []*running, protocol string) *running {
	for _, r := range list {
		if r.Protocol == protocol {
			return r
		}
	}
	return nil
}

func showStep(o *output, t *table, r tourResult) error {
	if o.json {
		return o.object(r)
	}
	result := o.paint.as(green, "ok")
	if !r.OK {
		result = o.paint.as(red, "FAILED: ") + safe(r.Error)
	}
	return t.row(r.Protocol, r.Step, result, fmt.Sprintf("%.1f ms", r.Seconds*1000), safe(r.Command))
}

// run does the step as the command line would, with its own streams.
func (s *tourStep) run(ctx context.Context, server *running, dir string) (tourResult, error) {
	fill := func(url string) string { return strings.NewReplacer("URL", url, "DIR", dir).Replace(s.args) }
	r := tourResult{Protocol: s.protocol, Step: s.what, Command: "netclients " + fill(server.URL)}
	var out, words bytes.Buffer
	start := time.Now()
	code := Main(ctx, strings.Fields(fill(server.full())), strings.NewReader(s.stdin), &out, &words)
	r.Seconds = time.Since(start).Seconds()
	err := s.check(code, out.String(), words.String(), dir)
	r.OK = err == nil
	if err != nil {
		r.Error = err.Error()
	}
	return r, err
}

// check compares what came with what the step wants.
func (s *tourStep) check(code int, out, words, dir string) error {
	bad := func(format string, args ...any) error {
		return &protocols.Error{Proto: s.protocol, Op: "tour", Kind: protocols.Internal, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case code != 0:
		return bad("exit code %d: %s", code, strings.TrimSpace(words))
	case !strings.Contains(out, s.want):
		return bad("no %q in the output", s.want)
	case s.file != "":
		if info, err := os.Stat(filepath.Join(dir, s.file)); err != nil || info.Size() == 0 {
			return bad("%s is not there", s.file)
		}
	}
	return nil
}
