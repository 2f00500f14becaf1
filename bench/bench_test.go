//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/interop"
	"time"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func rowOf(name, program string, walls ...int) row {
	r := row{peer: peer{name, []string{program}}, peakKiB: 2048}
	for _, n := range walls {
		r.samples = append(r.samples, sample{wall: ms(n), cpu: ms(n) / 2})
	}
	return r
}

func TestTable(t *testing.T) {
	failed := rowOf("failed", "f", 1)
	failed.failure = "boom"
	r := result{rows: []row{
		failed,
		rowOf("slow", "s", 900, 1000, 4000, 1100),
		rowOf("fast", "f", 300, 100, 200),
		{peer: peer{"absent", []string{"a"}}, absent: "not installed"},
		rowOf("ours", program, 500),
	}}
	want := []string{
		"ours|1|0.500|0.500 to 0.500|0.250|2.0||",
		"fast|3|0.200|0.100 to 0.300|0.100|2.0|2.50|2.50",
		"slow|4|1.050|0.900 to 4.000|0.525|2.0|0.48|0.48",
		"failed|0|FAILED: boom|||||",
		"absent|0|not installed|||||",
	}
	got := table(r)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i, cells := range got {
		if line := strings.Join(cells, "|"); line != want[i] {
			t.Errorf("got  %s\nwant %s", line, want[i])
		}
		if len(cells) != len(columns) {
			t.Errorf("%s: %d cells, want %d", cells[0], len(cells), len(columns))
		}
	}
}

func TestReplaceResults(t *testing.T) {
	tests := []struct{ name, old, want string }{
		{"replaced", "a\n<!-- results -->\nold\n<!-- /results -->\nb\n", "a\n<!-- results -->\nNEW\n<!-- /results -->\nb\n"},
		{"no end", "a\n<!-- results -->\nold\n", ""},
		{"no markers", "a\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.md")
			write(t, path, tt.old)
			err := replaceResults(path, "NEW\n")
			if (err != nil) != (tt.want == "") {
				t.Fatalf("error %v", err)
			}
			want := tt.want
			if want == "" {
				want = tt.old
			}
			if got, _ := os.ReadFile(path); string(got) != want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A wrong copy must not pass.
func TestSameTree(t *testing.T) {
	tests := []struct {
		name string
		copy map[string]string
		ok   bool
	}{
		{"same", map[string]string{"a": "1", "d/b": "22"}, true},
		{"missing", map[string]string{"a": "1"}, false},
		{"surplus", map[string]string{"a": "1", "d/b": "22", "c": ""}, false},
		{"changed", map[string]string{"a": "1", "d/b": "23"}, false},
		{"short", map[string]string{"a": "1", "d/b": "2"}, false},
		{"long", map[string]string{"a": "1", "d/b": "222"}, false},
		{"nothing", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &lab{vars: map[string]string{"ROOT": t.TempDir(), "OUT": t.TempDir()}}
			write(t, l.expand("{ROOT}/a"), "1")
			write(t, l.expand("{ROOT}/d/b"), "22")
			for name, text := range tt.copy {
				write(t, filepath.Join(l.expand("{OUT}"), name), text)
			}
			if err := sameTree("{ROOT}", "{OUT}")(l); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLines(t *testing.T) {
	l := &lab{scratch: t.TempDir()}
	write(t, l.stdout(), "header\nentry-1\nentry-2\n")
	if err := lines(2, "entry-")(l); err != nil {
		t.Error(err)
	}
	if err := lines(3, "entry-")(l); err == nil {
		t.Error("two lines were accepted for three")
	}
}

// A failed run is reported with its first line on standard error; the exit code alone is enough to fail it.
func TestRun(t *testing.T) {
	l := &lab{scratch: t.TempDir(), path: "/usr/bin:/bin"}
	tests := []struct{ name, script, want string }{
		{"good", "exit 0", ""},
		{"error line", "echo >&2; echo bad luck >&2; echo more >&2; exit 3", "bad luck"},
		{"silent", "exit 3", "exit status 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := l.run(t.Context(), []string{"sh", "-c", tt.script}, false)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The CPU time of children that the process waited for counts.
func TestRunCountsChildren(t *testing.T) {
	l := &lab{scratch: t.TempDir(), path: "/usr/bin:/bin"}
	s, err := l.run(t.Context(), []string{"sh", "-c", "head -c 200000000 /dev/zero >/dev/null; true"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if s.cpu <= 0 || s.wall <= 0 {
		t.Errorf("wall %v, CPU %v", s.wall, s.cpu)
	}
}

// Names are unique, so that results are identifiable, and command lines use only known values.
func TestWorkloads(t *testing.T) {
	known := &lab{vars: map[string]string{}}
	for _, name := range []string{"OUT", "HOME", "ROOT", "CA", "SCRATCH", "NETCLIENTS", "PEERS", "DELAYED", "FLEET_FROM", "FLEET_TO", "NNTP_SLOW", "NNTP_SLOW_PORT", "NNTP_HUGE", "NNTP_HUGE_PORT", "POP3_SLOW", "POP3_SLOW_PORT", "IMAP_SLOW", "IMAP_SLOW_PORT", "ECHO_PORT", "LAB_TELNET", "LAB_TELNET_PORT"} {
		known.vars[name] = "x"
	}
	services, err := interop.Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range services {
		known.vars[name], known.vars[name+"_PORT"] = "x", "x"
	}
	seen := map[string]bool{}
	for _, w := range workloads(10) {
		if seen[w.name] {
			t.Errorf("two workloads have the name %s", w.name)
		}
		seen[w.name] = true
		for _, p := range w.peers {
			if id := w.name + " " + p.name; seen[id] {
				t.Errorf("two programs have the name %s", id)
			} else {
				seen[id] = true
			}
			if line := known.expand(strings.Join(p.argv, " ")); strings.ContainsAny(line, "{}") {
				t.Errorf("%s: %s: unknown name in %s", w.name, p.name, line)
			}
		}
	}
}
