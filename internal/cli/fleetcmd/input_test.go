package fleetcmd_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/protocols/lab"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const good = `{"verb":"sync","args":["imap://ann@127.0.0.1:1/INBOX","imap://ann@127.0.0.1:2/INBOX"]}` + "\n"

// TestBadJobs: a file with one line that cannot be run submits nothing, and the error names
// file and line; no secret is repeated.
func TestBadJobs(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"not JSON":          {`{"verb":"sync",`, "not JSON"},
		"no object":         {`["sync"]`, "object"},
		"two":               {`{"verb":"ls","args":["ftp://h/"]}{}`, "something follows"},
		"unknown key":       {`{"verb":"ls","args":["ftp://h/"],"flag":{}}`, `unknown field "flag"`},
		"a number as args":  {`{"verb":"ls","args":5}`, `"args"`},
		"no verb":           {`{"args":["ftp://h/"]}`, `"verb" is missing`},
		"unknown verb":      {`{"verb":"snyc","args":["ftp://h/","x"]}`, "snyc"},
		"not a verb":        {`{"verb":"lab","args":[]}`, "not a verb"},
		"a fleet":           {`{"verb":"fleet purge","args":[],"flags":{"yes":true}}`, "not a verb"},
		"too few arguments": {`{"verb":"sync","args":["ftp://h/"]}`, "DST is missing"},
		"unknown flag":      {`{"verb":"sync","args":["ftp://h/","x"],"flags":{"delte":true}}`, "unknown flag --delte"},
		"bad value":         {`{"verb":"sync","args":["ftp://h/","x"],"flags":{"parallel":"many"}}`, "parallel"},
		"flag of ours":      {`{"verb":"sync","args":["ftp://h/","x"],"flags":{"json":true}}`, "not for jobs"},
		"unknown scheme":    {`{"verb":"sync","args":["fpt://h/","x"]}`, "fpt"},
		"password":          {`{"verb":"sync","args":["ftp://joe:hushhush@h/","x"]}`, "must not enter the queue"},
		"password in flag":  {`{"verb":"sync","args":["ftp://h/","x"],"flags":{"proxy":"http://joe:hushhush@p:3128"}}`, "must not enter the queue"},
		"password header":   {`{"verb":"get","args":["http://h/"],"flags":{"header":["Authorization: Basic hushhush"]}}`, "must not enter the queue"},
		"secret written":    {`{"verb":"sync","args":["ftp://joe@h/","x"],"secrets":{"src":"hushhush"}}`, "never written down"},
		"secret elsewhere":  {`{"verb":"sync","args":["ftp://joe@h/","x"],"secrets":{"source":"env:X"}}`, `"src" and "dst"`},
		"lane":              {`{"verb":"ls","args":["ftp://h/"],"lane":"a.b"}`, "lane"},
		"durability":        {`{"verb":"sync","args":["ftp://h/","x"],"flags":{"durability":"none"}}`, "durability"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			jobs := write(t, dir, "jobs.ndjson", good+c.line+"\n"+good)
			_, errs := run(t, dir, 2, "fleet", "submit", jobs)
			if !strings.Contains(errs, c.want) || !strings.Contains(errs, jobs+":2: ") {
				t.Errorf("the error is %q, want %q and %s:2", errs, c.want, jobs)
			}
			if strings.Contains(errs, "hushhush") {
				t.Errorf("the error repeats a secret: %q", errs)
			}
			if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
				t.Error("a fleet was made")
			}
		})
	}
}

// TestBadValues: flags that no fleet can work with are refused before one is made.
func TestBadValues(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"--workers 0", "--workers 0: want at least 1"},
		{"--per-host 0", "--per-host 0: want at least 1"},
		{"--attempts 0", "--attempts 0: want at least 1"},
		{"--rate -1", "--rate -1"},
		{"--rate nan", "--rate NaN"},
		{"--replicas -3", "--replicas -3"},
		{"--lease 10ms", "--lease 10ms"},
		{"--lane a.b", `--lane "a.b"`},
		{"--fleet a.b", `--fleet "a.b"`},
		{"--nats foo:bar", `--nats "nats://foo:bar"`},
		{"--nats http://127.0.0.1:4222", `--nats "http://127.0.0.1:4222"`},
		{"--nats nats://127.0.0.1,", `--nats "nats://"`},
	} {
		t.Run(c.flags, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, errs := run(t, dir, 2, append([]string{"fleet", "run", write(t, dir, "jobs.ndjson", good)}, strings.Fields(c.flags)...)...)
			if !strings.Contains(errs, c.want) {
				t.Errorf("the error is %q, want %q", errs, c.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
				t.Error("a fleet was made")
			}
		})
	}
}

// TestTemplate: a table and a template make jobs; a column that is missing is an error.
func TestTemplate(t *testing.T) {
	m := newMigration(t, 3, 4, lab.Faults{})
	table := "user,password\n"
	for _, user := range m.users {
		table += user + "," + password + "\n"
	}
	csv := write(t, m.dir, "users.csv", table)
	words := "sync imap://{user}@" + m.from.Addr() + "/INBOX imap://{user}@" + m.to.Addr() + "/INBOX"
	_, errs := run(t, m.dir, 2, "fleet", "run", "--template", strings.Replace(words, "{user}", "{name}", 1), csv)
	if !strings.Contains(errs, csv+":1:") || !strings.Contains(errs, `no column "name"`) {
		t.Errorf("error %q", errs)
	}
	run(t, m.dir, 0, "fleet", "run", "--template", words+" --max-size=1G", "--secret", "src=csv:"+csv, "--secret", "dst=csv:"+csv+"#password", csv)
	m.same()
	queue, err := filepath.Glob(filepath.Join(m.dir, "state", "netclients", "fleet", "default", "store", "*"))
	if err != nil || len(queue) == 0 {
		t.Fatal("no store", err)
	}
	for _, dir := range queue {
		_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				if b, _ := os.ReadFile(path); strings.Contains(string(b), password) {
					t.Errorf("%s holds a password", path)
				}
			}
			return nil
		})
	}
}

// TestNoBroker: a broker that is not there is exit 3, with its address.
func TestNoBroker(t *testing.T) {
	dir := t.TempDir()
	port := freePorts(t, 1)[0]
	_, errs := run(t, dir, 3, "fleet", "submit", write(t, dir, "jobs.ndjson", good), "--nats", "nats://127.0.0.1:"+port)
	if !strings.Contains(errs, "127.0.0.1:"+port) {
		t.Errorf("the error does not name the address: %q", errs)
	}
}

// TestOtherFormat: a fleet of another version is refused with the reason.
func TestOtherFormat(t *testing.T) {
	_, urls := cluster(t, 1)
	nc, err := nats.Connect(urls)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		meta map[string]string
		want string
	}{
		"new":     {map[string]string{"netclients-fleet-format": "7", "netclients-fleet-lease": "30s"}, "format 7"},
		"foreign": {nil, "not made by a fleet"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "nc_" + name + "_jobs", Subjects: []string{"nc." + name + ".job.*"}, Metadata: c.meta}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, errs := run(t, dir, 2, "fleet", "work", "--fleet", name, "--nats", urls)
		if !strings.Contains(errs, c.want) {
			t.Errorf("%s: error %q, want %q", name, errs, c.want)
		}
	}
}

// TestUnfit: a worker whose folder others can write says so and takes no jobs.
func TestUnfit(t *testing.T) {
	m := newMigration(t, 1, 1, lab.Faults{})
	work := filepath.Join(m.dir, "fleet", "work")
	if err := os.MkdirAll(work, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o777); err != nil {
		t.Fatal(err)
	}
	_, errs := run(t, m.dir, 11, "fleet", "run", m.jobs, "--dir", filepath.Join(m.dir, "fleet"))
	if !strings.Contains(errs, "takes no jobs") || !strings.Contains(errs, work) {
		t.Errorf("error %q", errs)
	}
	if n := m.stored(); n != 0 {
		t.Errorf("%d messages were stored", n)
	}
}

// TestListenNeedsLogin: a broker for other machines is not open to everybody, and nothing
// goes to it unencrypted.
func TestListenNeedsLogin(t *testing.T) {
	dir := t.TempDir()
	_, errs := run(t, dir, 2, "fleet", "serve", "--listen", "0.0.0.0:0")
	if !strings.Contains(errs, "--token-file") {
		t.Errorf("error %q", errs)
	}
	token := write(t, dir, "token", "of-the-fleet\n")
	_, errs = run(t, dir, 2, "fleet", "serve", "--listen", "0.0.0.0:0", "--token-file", token)
	if !strings.Contains(errs, "--cert") {
		t.Errorf("error %q", errs)
	}
	_, errs = run(t, dir, 5, "fleet", "work", "--nats", "nats://192.0.2.1", "--token-file", token)
	if !strings.Contains(errs, "without TLS") {
		t.Errorf("error %q", errs)
	}
}

// TestLocalFilesNeedAMachine: over a broker, a job with local files names its machine.
func TestLocalFilesNeedAMachine(t *testing.T) {
	_, urls := cluster(t, 1)
	m := newMigration(t, 2, 3, lab.Faults{})
	var b strings.Builder
	for _, user := range m.users {
		fmt.Fprintf(&b, `{"id":%q,"verb":"sync","args":["imap://%s@%s/INBOX","maildir:%s"],"secrets":{"src":"env:FLEET_PASSWORD"}}`+"\n", user, user, m.from.Addr(), filepath.Join(m.dir, user))
	}
	jobs := write(t, m.dir, "local.ndjson", b.String())
	_, errs := run(t, m.dir, 2, "fleet", "submit", jobs, "--nats", urls)
	if !strings.Contains(errs, "--bind") || !strings.Contains(errs, jobs+":1") {
		t.Errorf("error %q", errs)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	run(t, m.dir, 0, "fleet", "run", jobs, "--nats", urls, "--bind", host)
	for _, user := range m.users {
		if list, _ := filepath.Glob(filepath.Join(m.dir, user, "*", "*")); len(list) != 3 {
			t.Errorf("%s has %d messages, want 3", user, len(list))
		}
	}
}

// TestRules: what cannot pass is not tried again, what can is, and failed jobs can be sent
// again.
func TestRules(t *testing.T) {
	m := newMigration(t, 2, 3, lab.Faults{})
	port := freePorts(t, 1)[0]
	text := fmt.Sprintf(`{"id":"login","verb":"ls","args":["imap://user0000@%s/"],"secrets":{"src":"env:WRONG_PASSWORD"}}
{"id":"gone","verb":"ls","args":["imap://user0000@%s/nowhere"],"secrets":{"src":"env:FLEET_PASSWORD"}}
{"id":"away","verb":"ls","args":["imap://user0000@127.0.0.1:%s/"],"flags":{"retries":0}}
{"id":"fine","verb":"ls","args":["imap://user0000@%s/INBOX"],"secrets":{"src":"env:FLEET_PASSWORD"}}
`, m.from.Addr(), m.from.Addr(), port, m.from.Addr())
	jobs := write(t, m.dir, "some.ndjson", text)
	p := program(t, m.dir, "fleet", "run", jobs, "--attempts", "3", "--backoff", "50ms", "--json", "--items")
	p.Env = append(p.Env, "WRONG_PASSWORD=wrong")
	p.start(t)
	if got := p.code(t); got != 10 {
		t.Fatalf("exit code %d, want 10\n%s\n%s", got, p.out.String(), p.err.String())
	}
	for id, want := range map[string]string{"login": `"attempts":1`, "gone": `"attempts":1`, "away": `"attempts":3`} {
		out, _ := run(t, m.dir, 0, "fleet", "failed", id, "--json")
		if !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %s, want %s", id, out, want)
		}
	}
	if out, _ := run(t, m.dir, 0, "fleet", "results", "--lines", "fine"); strings.Count(out, `"type":"message"`) != 3 {
		t.Errorf("items: %s", out)
	}
	if out, _ := run(t, m.dir, 0, "fleet", "retry", "login"); !strings.Contains(out, "1 job sent again") {
		t.Errorf("retry: %s", out)
	}
	if out, _ := run(t, m.dir, 0, "fleet", "status", "--json"); !strings.Contains(out, `"waiting":1,"running":0,"done":1,"failed":2`) {
		t.Errorf("status: %s", out)
	}
	for _, verb := range []string{"results", "failed", "retry", "cancel"} {
		if _, errs := run(t, m.dir, 2, "fleet", verb, "nobody"); !strings.Contains(errs, `no job "nobody"`) {
			t.Errorf("fleet %s of an unknown job: %q", verb, errs)
		}
	}
	run(t, m.dir, 2, "fleet", "cancel")
	run(t, m.dir, 0, "fleet", "cancel", "login")
	if out, _ := run(t, m.dir, 10, "fleet", "run"); !strings.Contains(out, "1 cancelled") {
		t.Errorf("run of what is left: %s", out)
	}
	run(t, m.dir, 0, "fleet", "purge", "--yes")
	run(t, m.dir, 2, "fleet", "status")
}

// freePorts returns ports that nobody listens at now.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}
