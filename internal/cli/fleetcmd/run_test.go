package fleetcmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab"
)

// TestRun: a jobs file is run to its end, and a second time nothing is left to do.
func TestRun(t *testing.T) {
	m := newMigration(t, 20, 10, lab.Faults{})
	out, _ := run(t, m.dir, 0, "fleet", "run", m.jobs, "--json")
	m.same()
	if n := strings.Count(out, `"state":"done"`); n != 20 {
		t.Errorf("%d records, want 20:\n%s", n, out)
	}
	out, _ = run(t, m.dir, 0, "fleet", "run", m.jobs)
	if !strings.Contains(out, "20/20 jobs done") {
		t.Errorf("second run: %s", out)
	}
	m.same()
}

// TestRunKilled: 500 accounts move although the process, which is the broker too, is
// killed three times on the way. Each message is there once, each job has one record.
func TestRunKilled(t *testing.T) {
	const accounts, messages = 500, 6
	m := newMigration(t, accounts, messages, lab.Faults{})
	for _, part := range []int{1, 2, 3} {
		p := program(t, m.dir, "fleet", "run", m.jobs, "--workers", "8", "--per-host", "8").start(t)
		await(t, "a quarter more", func() bool { return m.stored() >= part*accounts*messages/4 })
		p.Process.Kill()
		p.Wait()
		if n := m.stored(); n == accounts*messages {
			t.Fatalf("all was done before kill %d", part)
		}
	}
	out, errs := run(t, m.dir, 0, "fleet", "run", m.jobs, "--workers", "8", "--per-host", "8", "--json")
	m.same()
	records(t, m, accounts)
	if t.Failed() {
		t.Logf("%.2000s\n%.2000s", out, errs)
	}
}

// records checks that each job has one final record, and is done.
func records(t *testing.T, m *migration, want int, more ...string) {
	t.Helper()
	out, _ := run(t, m.dir, 0, append([]string{"fleet", "results", "--json"}, more...)...)
	seen := map[string]int{}
	for line := range strings.Lines(out) {
		var r struct {
			Job   struct{ ID string }
			State string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		seen[r.Job.ID]++
		if r.State != "done" {
			t.Errorf("job %s is %s", r.Job.ID, r.State)
		}
	}
	if len(seen) != want {
		t.Errorf("%d jobs have records, want %d", len(seen), want)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("job %s has %d records", id, n)
		}
	}
}
