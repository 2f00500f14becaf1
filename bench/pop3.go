//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pop3 measures fetching a maildrop of 10,000 messages, 30 MiB, from Dovecot (mdbox) at once, a second run with nothing
// new, and a part of it over a slow link. All programs keep the messages on the server.
func pop3() []workload {
	return []workload{popFetch(), popAgain(), popList(), popSlow()}
}

const (
	popMessages = 10000
	popSlowly   = 500
	popUser     = "erin"  // the maildrop of popMessages
	popFew      = "grace" // the maildrop of popSlowly
	popURL      = "pop3://" + popUser + "@{POP3}/"
)

// goPOP3 is a program that uses github.com/knadh/go-pop3.
const goPOP3 = "{SCRATCH}/gopop3"

// fillMaildrop fills a user's maildrop with n messages of about 3 KiB.
func fillMaildrop(l *lab, user string, n int) error {
	argv := python("pop3_fill.py", "{IMAP_PORT}", user, fmt.Sprint(n))
	for i := range argv {
		argv[i] = l.expand(argv[i])
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("are the servers up? %s", firstLine(string(out), err))
	}
	return nil
}

func popSetup(l *lab) error {
	if err := fillMaildrop(l, popUser, popMessages); err != nil {
		return err
	}
	var curl strings.Builder
	for i := range popMessages {
		fmt.Fprintf(&curl, "url = \"%s%d\"\noutput = \"%s/new/%[2]d\"\n", l.expand("pop3://"+popUser+":secret@{POP3}/"), i+1, l.out)
	}
	fetchmail := "poll 127.0.0.1 service %s protocol pop3 username %s password secret keep fetchall sslproto ''\n"
	return errors.Join(
		os.WriteFile(l.expand("{SCRATCH}/curl-pop3"), []byte(curl.String()), 0o600),
		os.WriteFile(l.expand("{SCRATCH}/mpoprc"), []byte("defaults\n"), 0o600),
		os.WriteFile(l.expand("{SCRATCH}/fetchmailrc"), fmt.Appendf(nil, fetchmail, l.expand("{POP3_PORT}"), popUser), 0o600),
	)
}

// emptyMaildir creates a maildir for programs that do not create it.
func emptyMaildir(l *lab) error {
	for _, dir := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(l.out, dir), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// storedMessages checks for the number of messages, of plausible size, in the maildir or folder, or in one file. The
// floor writes a single sparse file with the size of what it read.
func storedMessages(want int) func(*lab) error {
	return func(l *lab) error {
		n, bytes := 0, int64(0)
		_, err := walkFiles(l.out, func(name string) error {
			info, err := os.Stat(filepath.Join(l.out, name))
			if err == nil && !strings.HasPrefix(filepath.Base(name), ".") {
				n, bytes = n+1, bytes+info.Size()
			}
			return err
		})
		if err == nil && (n != want && n != 1 || bytes < int64(want)*2900) {
			err = fmt.Errorf("%d files with %d bytes, want %d messages", n, bytes, want)
		}
		return err
	}
}

func mpop(maildrop, port, dir, state string) []string {
	return []string{
		"mpop", "-C", "{SCRATCH}/mpoprc", "--host=127.0.0.1", "--port=" + port, "--user=" + maildrop, "--passwordeval=echo secret", "--tls=off",
		"--auth=user", "--delivery=maildir," + dir, "--uidls-file=" + state, "--keep=on", "-q",
	}
}

func popSync(url, to string) []string {
	return []string{program, "sync", "--quiet", "--tls", "off", url, to}
}

func popFetch() workload {
	return workload{
		name:  "pop3-fetch",
		about: "fetch 10,000 messages, 30 MiB, from Dovecot to an empty maildir on a RAM disk; curl and python write one file per message, fetchmail one file for all",
		setup: popSetup,
		before: func(l *lab) error {
			return cmp.Or(emptyMaildir(l), os.RemoveAll(l.expand("{SCRATCH}/uidls")))
		},
		check: storedMessages(popMessages),
		peers: []peer{
			{"netclients to a maildir", popSync(popURL, "maildir:{OUT}")},
			{"netclients to an mbox", popSync(popURL, "mbox:{OUT}/mbox")},
			{"mpop", mpop(popUser, "{POP3_PORT}", "{OUT}", "{SCRATCH}/uidls")},
			{"curl, one connection", []string{"curl", "-sS", "-K", "{SCRATCH}/curl-pop3"}},
			{"go-pop3 (library), one file per message", []string{goPOP3, "{POP3_PORT}", popUser, "{OUT}/new"}},
			{"python poplib", python("pop3_fetch.py", "{POP3_PORT}", popUser, "{OUT}/new")},
			{"fetchmail", []string{"fetchmail", "-f", "{SCRATCH}/fetchmailrc", "--silent", "--bsmtp", "{OUT}/bsmtp", "--pidfile", "{SCRATCH}/fetchmail.pid"}},
			{"floor: python, pipelined, discarded", python("pop3_floor.py", "{POP3_PORT}", popUser, fmt.Sprint(popMessages), "{OUT}/floor")},
		},
	}
}

// popAgain keeps the archives outside the folder that is emptied.
func popAgain() workload {
	ours := popSync(popURL, "maildir:{SCRATCH}/again")
	theirs := mpop(popUser, "{POP3_PORT}", "{SCRATCH}/again-mpop", "{SCRATCH}/again-uidls")
	return workload{
		name:  "pop3-again",
		about: "the same maildrop again, with nothing new",
		times: 5,
		setup: func(l *lab) error {
			if err := popSetup(l); err != nil {
				return err
			}
			for _, dir := range []string{"tmp", "new", "cur"} {
				if err := os.MkdirAll(filepath.Join(l.scratch, "again-mpop", dir), 0o700); err != nil {
					return err
				}
			}
			return nil // the first round, which is untimed, fetches
		},
		peers: []peer{{"netclients", ours}, {"mpop", theirs}},
	}
}

func popList() workload {
	return workload{
		name:  "pop3-list",
		about: "list 10,000 messages with header information (UIDL, LIST, TOP)",
		setup: popSetup,
		check: lines(popMessages, "example.org"),
		peers: []peer{
			{"netclients ls --json", []string{program, "ls", "--json", "--tls", "off", popURL}},
			{"python poplib", python("pop3_list.py", "{POP3_PORT}", popUser)},
		},
	}
}

// popSlow shows the effect of pipelining, with a 50 ms round trip.
func popSlow() workload {
	return workload{
		name:  "pop3-slow",
		about: "fetch 500 messages over a link with a 50 ms round trip",
		setup: func(l *lab) error {
			if err := fillMaildrop(l, popFew, popSlowly); err != nil {
				return err
			}
			address, err := delayed(l.vars["POP3"], 50*time.Millisecond)
			if err != nil {
				return err
			}
			l.vars["POP3_SLOW"], l.vars["POP3_SLOW_PORT"] = address, address[strings.LastIndexByte(address, ':')+1:]
			return os.WriteFile(l.expand("{SCRATCH}/mpoprc"), []byte("defaults\n"), 0o600)
		},
		before: func(l *lab) error {
			return cmp.Or(emptyMaildir(l), os.RemoveAll(l.expand("{SCRATCH}/uidls")))
		},
		check: storedMessages(popSlowly),
		peers: []peer{
			{"netclients to a maildir", popSync("pop3://"+popFew+"@{POP3_SLOW}/", "maildir:{OUT}")},
			{"mpop", mpop(popFew, "{POP3_SLOW_PORT}", "{OUT}", "{SCRATCH}/uidls")},
			{"python poplib", python("pop3_fetch.py", "{POP3_SLOW_PORT}", popFew, "{OUT}/new")},
		},
	}
}
