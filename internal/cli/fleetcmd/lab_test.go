package fleetcmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/cli"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// asProgram makes the test binary the program itself.
const asProgram = "NETCLIENTS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(asNode)); len(words) == 5 {
		beNode(words)
	}
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// password is that of all accounts.
const password = "of-the-tests"

// migration is two mail servers with the same accounts, and jobs from one to the other.
type migration struct {
	t        *testing.T
	dir      string
	from, to *maillab.IMAPServer
	users    []string
	jobs     string // path of the file
}

// newMigration starts the servers, with so many messages in each account of the first.
func newMigration(t *testing.T, accounts, messages int, faults lab.Faults) *migration {
	t.Helper()
	m := &migration{t: t, dir: t.TempDir()}
	var creds []lab.Credentials
	for i := range accounts {
		user := fmt.Sprintf("user%04d", i)
		m.users = append(m.users, user)
		creds = append(creds, lab.Credentials{User: user, Password: password})
	}
	limits := maillab.Limits{Messages: 10 * (accounts*messages + 1)}
	m.from = startIMAP(t, maillab.NewMailboxes(limits, creds...), lab.Faults{})
	m.to = startIMAP(t, maillab.NewMailboxes(limits, creds...), faults)
	for _, user := range m.users {
		for i := range messages {
			if err := m.from.Mail().Deliver(user, message(user, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.writeJobs()
	return m
}

func startIMAP(t *testing.T, mail *maillab.Mailboxes, faults lab.Faults) *maillab.IMAPServer {
	t.Helper()
	s, err := maillab.StartIMAP(maillab.IMAPOptions{ServerOptions: lab.ServerOptions{Faults: faults}, Mail: mail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func message(user string, i int) []byte {
	return fmt.Appendf(nil, "From: lab@lab.invalid\r\nTo: %s@lab.invalid\r\nSubject: message %d\r\nMessage-ID: <%d.%s@lab.invalid>\r\n\r\n%s\r\n", user, i, i, user, strings.Repeat("text ", 50+i))
}

func (m *migration) writeJobs() {
	m.t.Helper()
	var b bytes.Buffer
	for _, user := range m.users {
		line, err := json.Marshal(map[string]any{
			"id": user, "verb": "sync", "args": []string{"imap://" + user + "@" + m.from.Addr() + "/INBOX", "imap://" + user + "@" + m.to.Addr() + "/INBOX"},
			"secrets": map[string]string{"src": "env:FLEET_PASSWORD", "dst": "env:FLEET_PASSWORD"},
		})
		if err != nil {
			m.t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	m.jobs = filepath.Join(m.dir, "jobs.ndjson")
	if err := os.WriteFile(m.jobs, b.Bytes(), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// stored returns how many messages the destination has.
func (m *migration) stored() (n int) {
	for _, user := range m.users {
		info, err := m.to.Mail().Info(user, maillab.Inbox)
		if err != nil {
			m.t.Fatal(err)
		}
		n += info.Messages
	}
	return n
}

// same checks that each message of the source is at the destination exactly once.
func (m *migration) same() {
	m.t.Helper()
	bad := 0
	for _, user := range m.users {
		want, got := m.contents(m.from, user), m.contents(m.to, user)
		if !maps.Equal(want, got) {
			if bad++; bad < 5 {
				m.t.Errorf("%s: %d different messages at the source, %d at the destination: %v", user, len(want), len(got), differences(want, got))
			}
		}
	}
	if bad > 0 {
		m.t.Errorf("%d of %d accounts differ", bad, len(m.users))
	}
}

func differences(want, got map[string]int) (out []string) {
	for text, n := range want {
		if got[text] != n {
			out = append(out, fmt.Sprintf("%d instead of %d of %q", got[text], n, strings.SplitN(text, "\r\n", 4)[2]))
		}
	}
	slices.Sort(out)
	return out
}

func (m *migration) contents(s *maillab.IMAPServer, user string) map[string]int {
	m.t.Helper()
	list, err := s.Mail().Snapshot(user, maillab.Inbox)
	if err != nil {
		m.t.Fatal(err)
	}
	out := map[string]int{}
	for _, x := range list {
		out[string(x.Data)]++
	}
	return out
}

// process is a run of the program.
type process struct {
	*exec.Cmd
	out, err bytes.Buffer
}

// program prepares a run of the program; its folders are below the test's.
func program(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	p.Env = append(os.Environ(), asProgram+"=1", "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "NETCLIENTS_CONFIG="+os.DevNull, "NETCLIENTS_KEYRING=off", "FLEET_PASSWORD="+password)
	return p
}

func (p *process) start(t *testing.T) *process {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return p
}

// code waits for the end and returns the exit code.
func (p *process) code(t *testing.T) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			return 0
		}
		return p.ProcessState.ExitCode()
	case <-time.After(3 * time.Minute):
		p.Process.Signal(syscall.SIGQUIT)
		<-done
		t.Fatalf("no end of %v\n%s\n%.8000s", p.Args[1:], p.out.String(), p.err.String())
	}
	return -1
}

// run runs the program to its end and returns what it printed.
func run(t *testing.T, dir string, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	p := program(t, dir, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if got := p.code(t); got != want {
		t.Fatalf("netclients %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, want, p.out.String(), p.err.String())
	}
	return p.out.String(), p.err.String()
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}
