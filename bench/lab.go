//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/interop"
)

// lab is the environment of one run of the benchmark: a scratch folder on a RAM disk, the program under test, and the
// values that command lines may name in braces: those listed below, each service of internal/interop as {FTP}
// (host:port) and {FTP_PORT}, {CA}, {NETCLIENTS} and {PEERS} (the folder of scripts).
type lab struct {
	scratch  string        // everything that is removed at the end of the run
	out      string        // {OUT}: where clients store files, emptied before each run
	home     string        // {HOME}: the clients' home, emptied too, so that no state or configuration remains
	root     string        // {ROOT}: the servers' folder, as a local path
	path     string        // the clients' PATH
	limit    time.Duration // of a run; 0 means runLimit
	buildErr error         // why netclients could not be built
	vars     map[string]string
}

func newLab(ctx context.Context, log io.Writer) (*lab, error) {
	paths, err := interop.FindPaths(ctx)
	if err != nil {
		return nil, err
	}
	addrs, err := interop.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp(ramDisk(), "netclients-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{
		scratch: scratch,
		out:     filepath.Join(scratch, "out"),
		home:    filepath.Join(scratch, "home"),
		root:    paths.Root,
		path:    "/usr/bin:/bin:" + os.Getenv("PATH"), // the packaged programs, before any wrapper
		vars:    map[string]string{},
	}
	for name, addr := range addrs {
		l.vars[name] = addr
		l.vars[name+"_PORT"] = addr[strings.LastIndexByte(addr, ':')+1:]
	}
	program := filepath.Join(scratch, "netclients")
	for name, value := range map[string]string{
		"OUT": l.out, "HOME": l.home, "ROOT": l.root, "CA": paths.CA, "SCRATCH": scratch,
		"NETCLIENTS": program, "PEERS": filepath.Join("bench", "peers"),
	} {
		l.vars[name] = value
	}
	if l.buildErr = build(ctx, program, "./cmd/netclients"); l.buildErr != nil {
		fmt.Fprintln(log, "peers only:", l.buildErr)
	}
	if err := build(ctx, l.expand(goPOP3), "./bench/peers/gopop3"); err != nil {
		fmt.Fprintln(log, "without go-pop3:", err)
	}
	return l, l.clean()
}

// ramDisk returns a RAM disk, so that no client waits for a disk; "" means the usual temporary folder.
func ramDisk() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func build(ctx context.Context, program, folder string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, folder)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %s", firstLine(withoutHeadings(string(out)), err))
	}
	return nil
}

// withoutHeadings drops the lines in which the compiler names the package of its errors.
func withoutHeadings(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (l *lab) close() { _ = os.RemoveAll(l.scratch) }

// clean empties the folders that a run writes to.
func (l *lab) clean() error {
	for _, dir := range []string{l.out, l.home} {
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
			return err
		}
	}
	return nil
}

// find returns the path of a program, whose name may use the lab's values.
func (l *lab) find(name string) (string, error) {
	name = l.expand(name)
	if strings.Contains(name, "/") {
		return exec.LookPath(name)
	}
	for _, dir := range filepath.SplitList(l.path) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// expand substitutes the lab's values for the names in braces.
func (l *lab) expand(text string) string {
	pairs := make([]string, 0, 2*len(l.vars))
	for name, value := range l.vars {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
