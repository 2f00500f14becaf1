//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Time limits for clients that hang; slowLimit is for workloads marked as slow.
const (
	runLimit  = time.Minute
	slowLimit = 10 * time.Minute
)

const timeProgram = "/usr/bin/time"

// sample is the resource usage of one run: the process and those of its children that it waited for.
type sample struct {
	wall, cpu time.Duration
	peakKiB   int64 // of the largest process; 0 if unknown
}

// run starts a whole process and waits for it. Its output goes to files on the RAM disk.
//
// The kernel lets a process inherit the peak size of the process that forked it, so the value from wait4 is the
// client's own size only if it is larger than ours. A warm-up run is therefore run under time(1), which is tiny; a
// timed one is not, because that would cost a millisecond.
func (l *lab) run(ctx context.Context, argv []string, warmUp bool) (sample, error) {
	limit := cmp.Or(l.limit, runLimit)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args := make([]string, len(argv))
	for i, arg := range argv {
		args[i] = l.expand(arg)
	}
	var err error
	if args[0], err = l.find(args[0]); err != nil {
		return sample{}, err
	}
	peak := filepath.Join(l.scratch, "peak")
	if warmUp {
		args = underTime(args, peak)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = l.environ()
	s, err := l.start(cmd)
	if ctx.Err() != nil {
		err = fmt.Errorf("still running after %v", limit)
	}
	if warmUp {
		s.peakKiB = readPeak(peak)
	}
	return s, err
}

// environ returns the environment of every client: the same few variables, and an empty home.
func (l *lab) environ() []string {
	return []string{
		"PATH=" + l.path, "HOME=" + l.home, "TMPDIR=" + l.scratch, "LC_ALL=C.UTF-8",
		"NETCLIENTS_PASSWORD=secret",
	}
}

func (l *lab) stdout() string { return filepath.Join(l.scratch, "stdout") }

func (l *lab) start(cmd *exec.Cmd) (sample, error) {
	stdout, err := os.Create(l.stdout())
	if err != nil {
		return sample{}, err
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(l.scratch, "stderr"))
	if err != nil {
		return sample{}, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	begin := time.Now()
	err = cmd.Run()
	s := sample{wall: time.Since(begin)}
	if err != nil {
		text, _ := os.ReadFile(stderr.Name())
		return s, fmt.Errorf("%s", firstLine(string(text), err))
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss > ownPeak() {
		s.peakKiB = usage.Maxrss
	}
	return s, nil
}

func ownPeak() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 1 << 62 // then the clients' sizes cannot be measured
	}
	return usage.Maxrss
}

func underTime(args []string, file string) []string {
	_ = os.Remove(file)
	if _, err := os.Stat(timeProgram); err != nil {
		return args
	}
	return append([]string{timeProgram, "-q", "-f", "%M", "-o", file}, args...)
}

func readPeak(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// firstLine returns the first non-empty line, truncated to fit a table, or the error's text.
func firstLine(text string, err error) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line[:min(len(line), 160)]
		}
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
