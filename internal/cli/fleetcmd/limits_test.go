package fleetcmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab"
)

// files starts an FTP server and writes jobs, of which %s is its address and %d the number.
func files(t *testing.T, n int, job string) (dir, jobs string) {
	t.Helper()
	s, err := lab.StartFTP(lab.FTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir = t.TempDir()
	jobs = filepath.Join(dir, "jobs.ndjson")
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.NewReplacer("ADDR", s.Addr(), "DIR", dir, "NUMBER", fmt.Sprint(i)).Replace(job) + "\n")
	}
	if err := os.WriteFile(jobs, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, jobs
}

// finished returns the records that a run has printed.
func finished(t *testing.T, out string) (all []record) {
	t.Helper()
	for line := range strings.Lines(out) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Job.ID != "" {
			all = append(all, r)
		}
	}
	return all
}

type record struct {
	Job      struct{ ID string }
	State    string
	Attempts int
	Started  time.Time
	Error    struct{ Message string }
}

// TestOneConnectionForEachServer: jobs that copy trees do with the one connection that
// there may be, and a copy within the server, which needs two, fails for good.
func TestOneConnectionForEachServer(t *testing.T) {
	dir, jobs := files(t, 2, `{"id":"tree-NUMBER","verb":"sync","args":["ftp://anonymous@ADDR/pub/nested/a","DIR/NUMBER"]}`)
	out, _ := run(t, dir, 0, "fleet", "run", jobs, "--per-host", "1", "--json")
	for _, r := range finished(t, out) {
		if r.State != "done" || r.Attempts != 1 {
			t.Errorf("%+v", r)
		}
	}
	for i := range 2 {
		if b, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i), "one.txt")); err != nil || string(b) != "one\n" {
			t.Errorf("tree %d: %q, %v", i, b, err)
		}
	}
	dir, jobs = files(t, 1, `{"id":"copy","verb":"cp","args":["ftp://anonymous@ADDR/README.txt","ftp://anonymous@ADDR/incoming/copy.txt"]}`)
	out, _ = run(t, dir, 10, "fleet", "run", jobs, "--per-host", "1", "--json")
	for _, r := range finished(t, out) {
		if r.State != "failed" || r.Attempts != 1 || !strings.Contains(r.Error.Message, "than the 1 that --per-host allows") {
			t.Errorf("%+v", r)
		}
	}
}

// TestRate: no more jobs are started in a second than --rate says.
func TestRate(t *testing.T) {
	dir, jobs := files(t, 4, `{"id":"NUMBER","verb":"get","args":["ftp://anonymous@ADDR/README.txt"],"flags":{"output":"DIR/NUMBER.txt"}}`)
	begun := time.Now()
	out, _ := run(t, dir, 0, "fleet", "run", jobs, "--rate", "4", "--json")
	var last time.Time
	all := finished(t, out)
	for _, r := range all {
		if r.Started.After(last) {
			last = r.Started
		}
	}
	if took := last.Sub(begun); len(all) != 4 || took < 750*time.Millisecond {
		t.Errorf("%d jobs, the last one was started after %v", len(all), took)
	}
}

// TestMetrics: a worker serves the figures of the fleet.
func TestMetrics(t *testing.T) {
	dir, jobs := files(t, 3, `{"id":"NUMBER","verb":"ls","args":["ftp://anonymous@ADDR/pub"]}`)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_, urls := cluster(t, 1)
	run(t, dir, 0, "fleet", "submit", jobs, "--nats", urls)
	l.Close() // as late as can be: others look for ports too
	p := program(t, filepath.Join(dir, "worker"), "fleet", "work", "--nats", urls, "--metrics", at).start(t)
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + at + path)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	text := ""
	await(t, "three jobs in the figures", func() bool {
		_, text = get("/metrics")
		return strings.Contains(text, `state="done"} 3`) || p.ProcessState != nil
	})
	for _, want := range []string{"# TYPE netclients_fleet_jobs gauge", `state="waiting"} 0`, `state="failed"} 0`, "netclients_fleet_bytes{"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if code, _ := get("/other"); code != http.StatusNotFound {
		t.Errorf("another path: %d", code)
	}
	if _, errs := run(t, filepath.Join(dir, "second"), 3, "fleet", "work", "--nats", urls, "--metrics", at, "--drain"); !strings.Contains(errs, "--metrics") {
		t.Errorf("an address in use: %s", errs)
	}
}
