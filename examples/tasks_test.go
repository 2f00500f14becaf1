package examples

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/programtest"
)

// fewestTasks is how many tasks docs/tasks.md has at least.
const fewestTasks = 70

// task is one of docs/tasks.md: a command, lines that hold what its output has to, and its
// exit code.
type task struct {
	title, command string
	want           []string
	code           int
}

var (
	taskTitle = regexp.MustCompile(`^\d+\. (.*)\n`)
	taskLine  = regexp.MustCompile(`^ {7}(.*)\n`)
)

func tasks(t *testing.T) (all []task) {
	t.Helper()
	text, err := os.ReadFile("../docs/tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if m := taskTitle.FindStringSubmatch(line); m != nil {
			all = append(all, task{title: m[1]})
		}
		m := taskLine.FindStringSubmatch(line)
		if m == nil || len(all) == 0 {
			continue
		}
		now := &all[len(all)-1]
		switch {
		case strings.HasPrefix(m[1], "$ "):
			now.command = m[1][2:]
		case strings.HasPrefix(m[1], "exit "):
			if now.code, err = strconv.Atoi(m[1][5:]); err != nil {
				t.Errorf("%s: %v", now.title, err)
			}
		default:
			now.want = append(now.want, m[1])
		}
	}
	return all
}

// TestTasks does every task of docs/tasks.md in order, as a person would type it.
func TestTasks(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("the commands need a shell: %v", err)
	}
	program, dir := programtest.Build(t), t.TempDir()
	bin := filepath.Dir(program)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	servers := startLab(t, program, env)
	all := tasks(t)
	if len(all) < fewestTasks {
		t.Errorf("%d tasks, want %d", len(all), fewestTasks)
	}
	for _, c := range all {
		t.Run(c.title, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), sh, "-c", servers.in(c.command))
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.CombinedOutput()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code {
				t.Errorf("%s: exit code %d, want %d\n%s", c.command, code, c.code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s: no %q in\n%s", c.command, want, out)
				}
			}
		})
	}
}
