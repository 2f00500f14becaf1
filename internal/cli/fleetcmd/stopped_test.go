//go:build unix

package fleetcmd_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab"
)

// TestSuspended: a worker that is stopped for longer than its lease has lost its jobs, and
// writes nothing when it goes on: another one has moved the accounts meanwhile.
func TestSuspended(t *testing.T) {
	const accounts, messages = 4, 300
	faults, err := lab.ParseFaults("slow=96k")
	if err != nil {
		t.Fatal(err)
	}
	m := newMigration(t, accounts, messages, faults)
	_, urls := cluster(t, 1)
	common := []string{"--nats", urls, "--workers", "4", "--per-host", "16"}
	run(t, m.dir, 0, "fleet", "submit", m.jobs, "--nats", urls, "--lease", "3s")
	stopped := program(t, filepath.Join(m.dir, "stopped"), append([]string{"fleet", "work"}, common...)...).start(t)
	await(t, "a part", func() bool { return m.stored() > 100 })
	if err := stopped.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // what it has sent arrives
	part := m.stored()
	if part >= accounts*messages {
		t.Fatalf("all %d messages were stored before the worker could be stopped", part)
	}
	other := program(t, filepath.Join(m.dir, "other"), append([]string{"fleet", "work", "--drain"}, common...)...).start(t)
	if got := other.code(t); got != 0 {
		t.Fatalf("exit code %d\n%s\n%s", got, other.out.String(), other.err.String())
	}
	m.same()
	if err := stopped.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	m.same() // nothing was added
	stopped.Process.Signal(syscall.SIGTERM)
	if got := stopped.code(t); got != 130 {
		t.Errorf("the stopped worker ends with %d, want 130", got)
	}
	if !strings.Contains(stopped.err.String(), "given up") && !strings.Contains(stopped.err.String(), "lease") {
		t.Errorf("the stopped worker says nothing of its lost jobs: %q", stopped.err.String())
	}
	records(t, m, accounts, "--nats", urls)
	if t.Failed() {
		t.Logf("%d messages were stored when it was stopped\n%.3000s\n%.3000s", part, stopped.err.String(), other.err.String())
	}
}

// TestInterruptedTwice: after the first Ctrl-C running jobs may end, the second one ends
// the worker at once. What it had begun is done by the next one, nothing twice.
func TestInterruptedTwice(t *testing.T) {
	faults, err := lab.ParseFaults("slow=12k")
	if err != nil {
		t.Fatal(err)
	}
	m := newMigration(t, 2, 60, faults)
	p := program(t, m.dir, "fleet", "run", m.jobs, "--workers", "2", "--grace", "10m").start(t)
	await(t, "a part", func() bool { return m.stored() > 2 })
	p.Process.Signal(syscall.SIGINT)
	part := m.stored()
	await(t, "more after the first Ctrl-C", func() bool { return m.stored() > part+1 })
	p.Process.Signal(syscall.SIGINT)
	p.code(t) // bounded, and far below --grace
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("the worker ended with %v", p.ProcessState)
	}
	if m.stored() == 2*60 {
		t.Skip("all messages were stored before the second Ctrl-C")
	}
	run(t, m.dir, 0, "fleet", "run", m.jobs)
	m.same()
}
