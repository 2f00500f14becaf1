//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// The migration of the fleet workloads.
const (
	fleetMessages = 20
	fleetTrip     = 20 * time.Millisecond
	fleetPassword = "of-the-benchmark"
	fleetEmpty    = 2000   // jobs that do nothing
	fleetWaiting  = 100000 // jobs that wait
)

// fleet measures jobs: a migration of so many accounts, the queue by itself, and many
// jobs that wait.
func fleet(accounts int) []workload {
	return []workload{fleetMigration(accounts), fleetQueue(), fleetMany()}
}

// migration is the servers of a migration.
type migration struct {
	users    []string
	from, to *maillab.IMAPServer
}

func fleetMigration(accounts int) workload {
	m := &migration{}
	run := func(workers int) peer {
		return peer{fmt.Sprintf("netclients fleet run, %d workers", workers), []string{
			program, "fleet", "run", "--quiet", "--workers", fmt.Sprint(workers), "--per-host", "64", "{SCRATCH}/fleet.ndjson",
		}}
	}
	const one = `{NETCLIENTS} sync --quiet --retries 0 --password-file {SCRATCH}/fleet.password imap://%[1]s@{FLEET_FROM}/INBOX imap://%[1]s@{FLEET_TO}/INBOX`
	return workload{
		name:  "fleet",
		about: fmt.Sprintf("move %d accounts of %d messages from one IMAP server to another, both %v away", accounts, fleetMessages, fleetTrip),
		slow:  true,
		setup: func(l *lab) error { return m.setup(l, accounts) }, before: m.empty, check: m.moved,
		peers: []peer{
			run(8), run(4), run(2), run(1),
			{"loop, a process for each account", []string{"sh", "-c", "while read -r u; do " + fmt.Sprintf(one, "$u") + " || exit 1; done < {SCRATCH}/fleet.users"}},
			{"xargs -P 8, a process for each account", []string{"sh", "-c", "xargs -P 8 -I U " + fmt.Sprintf(one, "U") + " < {SCRATCH}/fleet.users"}},
			{"GNU parallel -j 8, a process for each account", []string{"parallel", "-j", "8", "-I", "U", "-a", "{SCRATCH}/fleet.users", fmt.Sprintf(one, "U")}},
		},
	}
}

func (m *migration) setup(l *lab, accounts int) error {
	var users []base.Credentials
	for i := range accounts {
		name := fmt.Sprintf("user%05d", i)
		m.users = append(m.users, name)
		users = append(users, base.Credentials{User: name, Password: fleetPassword})
	}
	limits := maillab.Limits{Messages: 2 * accounts * fleetMessages, Bytes: 1 << 30}
	var err error
	if m.from, err = maillab.StartIMAP(maillab.IMAPOptions{Mail: maillab.NewMailboxes(limits, users...)}); err != nil {
		return err
	}
	if m.to, err = maillab.StartIMAP(maillab.IMAPOptions{Mail: maillab.NewMailboxes(limits, users...)}); err != nil {
		return err
	}
	for name, s := range map[string]*maillab.IMAPServer{"FLEET_FROM": m.from, "FLEET_TO": m.to} {
		if l.vars[name], err = delayed(s.Addr(), fleetTrip); err != nil {
			return err
		}
	}
	var jobs strings.Builder
	for _, user := range m.users {
		for i := range fleetMessages {
			text := fmt.Sprintf("From: a@lab.invalid\r\nTo: %s@lab.invalid\r\nSubject: %d\r\n\r\n%s\r\n", user, i, strings.Repeat("text ", 400))
			if err := m.from.Mail().Deliver(user, []byte(text)); err != nil {
				return err
			}
		}
		line, err := json.Marshal(map[string]any{
			"id": user, "verb": "sync", "args": []string{"imap://" + user + "@" + l.vars["FLEET_FROM"] + "/INBOX", "imap://" + user + "@" + l.vars["FLEET_TO"] + "/INBOX"},
			"secrets": map[string]string{"src": l.expand("file:{SCRATCH}/fleet.password"), "dst": l.expand("file:{SCRATCH}/fleet.password")},
		})
		if err != nil {
			return err
		}
		jobs.Write(append(line, '\n'))
	}
	return writeAll(l, map[string]string{"fleet.ndjson": jobs.String(), "fleet.users": strings.Join(m.users, "\n") + "\n", "fleet.password": fleetPassword + "\n"})
}

func writeAll(l *lab, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(l.scratch, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// empty removes all messages from the destination.
func (m *migration) empty(*lab) error {
	for _, user := range m.users {
		list, err := m.to.Mail().Snapshot(user, maillab.Inbox)
		if err != nil {
			return err
		}
		for _, x := range list {
			m.to.Mail().Delete(user, maillab.Inbox, x.UID)
		}
	}
	return nil
}

// moved checks that each account has all its messages once.
func (m *migration) moved(*lab) error {
	for _, user := range m.users {
		info, err := m.to.Mail().Info(user, maillab.Inbox)
		if err == nil && info.Messages != fleetMessages {
			err = fmt.Errorf("%s has %d messages, want %d", user, info.Messages, fleetMessages)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fleetQueue is about jobs that have nothing to do.
func fleetQueue() workload {
	return workload{
		name:  "fleet-queue",
		about: fmt.Sprintf("%d jobs that list an empty folder: what the queue, the records and the start of a verb take", fleetEmpty),
		slow:  true,
		setup: func(l *lab) error {
			return writeAll(l, map[string]string{"empty.ndjson": emptyJobs(fleetEmpty), "empty.list": strings.Repeat("/var/empty\n", fleetEmpty)})
		},
		before: func(*lab) error { return os.MkdirAll("/var/empty", 0o755) },
		peers: []peer{
			{"netclients fleet run, 8 workers", []string{program, "fleet", "run", "--quiet", "{SCRATCH}/empty.ndjson"}},
			{"netclients fleet run, 1 worker", []string{program, "fleet", "run", "--quiet", "--workers", "1", "{SCRATCH}/empty.ndjson"}},
			{"loop, a process for each job", []string{"sh", "-c", "while read -r d; do {NETCLIENTS} ls --json $d; done < {SCRATCH}/empty.list"}},
			{"xargs -P 8, a process for each job", []string{"xargs", "-a", "{SCRATCH}/empty.list", "-P", "8", "-n", "1", program, "ls", "--json"}},
			{"GNU parallel -j 8, a process for each job", []string{"parallel", "-j", "8", "-I", "D", "-a", "{SCRATCH}/empty.list", program + " ls --json D"}},
		},
	}
}

func emptyJobs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"job%06d","verb":"ls","args":["/var/empty"]}`+"\n", i)
	}
	return b.String()
}

// fleetMany is about memory.
func fleetMany() workload {
	return workload{
		name:  "fleet-waiting",
		about: fmt.Sprintf("submit %d jobs, which then wait: time and memory of the program with its broker", fleetWaiting),
		slow:  true,
		setup: func(l *lab) error { return writeAll(l, map[string]string{"many.ndjson": manyJobs(fleetWaiting)}) },
		peers: []peer{{"netclients fleet submit", []string{program, "fleet", "submit", "--quiet", "{SCRATCH}/many.ndjson"}}},
	}
}

func manyJobs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"user%06d","verb":"sync","args":["imap://user%06d@old.example/INBOX","imap://user%06d@new.example/INBOX"],"flags":{"delete":true},"secrets":{"src":"csv:/etc/users.csv#old","dst":"csv:/etc/users.csv#new"}}`+"\n", i, i, i)
	}
	return b.String()
}
