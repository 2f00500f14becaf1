//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The markers around the results of the last run in a file.
const (
	beginResults = "<!-- results -->"
	endResults   = "<!-- /results -->"
)

func markdown(results []result, about string, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n%d rounds; the ratios are netclients' first row divided by the peer's: below 1, netclients is better.\n", about, rounds)
	for _, r := range results {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", r.workload.name, r.workload.about)
		writeRow(&b, columns)
		fmt.Fprintln(&b, strings.Repeat("| --- ", len(columns))+"|")
		for _, cells := range table(r) {
			writeRow(&b, cells)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func writeRow(b *strings.Builder, cells []string) {
	for _, cell := range cells {
		fmt.Fprintf(b, "| %s ", strings.ReplaceAll(cell, "|", `\|`))
	}
	b.WriteString("|\n")
}

// replaceResults replaces the text between the markers of a file and leaves the rest unchanged.
func replaceResults(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), beginResults)
	_, tail, closed := strings.Cut(rest, endResults)
	if !ok || !closed {
		return fmt.Errorf("%s: no %s and %s", path, beginResults, endResults)
	}
	return os.WriteFile(path, []byte(head+beginResults+"\n"+text+endResults+tail), 0o644)
}

// machine describes what the numbers depend on.
func machine(ctx context.Context) string {
	return fmt.Sprintf("%s. %s, %d cores, Linux %s, %s. %s", time.Now().Format(time.DateOnly),
		processor(), runtime.NumCPU(), kernel(), runtime.Version(), packages(ctx))
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return "?"
	}
	var b strings.Builder
	for _, c := range name.Release {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

// packages lists the versions of the Debian packages in use. dpkg-query prints those that it knows even when it fails
// for others.
func packages(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Package} ${Version}, ",
		"vsftpd", "curl", "lftp", "ncftp", "wget", "aria2", "python3")
	out, err := cmd.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return ""
	}
	return strings.TrimSuffix(string(out), ", ") + "."
}
