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

// imap measures fetching 20,020 messages, 201 MiB, from Dovecot (mdbox) to files, a second run with nothing new,
// listing them, and storing 2,000 (sdbox); and fewer messages over a slow link.
func imap() []workload {
	return []workload{imapFetch(), imapAgain(), imapList(), imapAppend(), imapSlowFetch(), imapSlowAppend()}
}

const (
	imapMessages = 20020
	imapStored   = 2000
	imapFew      = 500 // over a slow link
	imapBox      = "bench"
	imapFewBox   = "few"
	imapURL      = "imap://carol@{IMAP}/" + imapBox
	imapAll      = "(UID BODY.PEEK[])"
	imapEnvelope = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"
)

// runScript runs a script that prepares or checks something, outside the timing.
func runScript(l *lab, argv []string) error {
	for i := range argv {
		argv[i] = l.expand(argv[i])
	}
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %s", argv[1], firstLine(string(out), err))
	}
	return nil
}

func imapSetup(l *lab) error {
	err := runScript(l, python("imap_fill.py", "{IMAP_PORT}", "carol", imapBox, fmt.Sprint(imapMessages)))
	return cmp.Or(err, mbsyncConfig(l, "mbsyncrc", "DisableExtension COMPRESS=DEFLATE\n"), mbsyncConfig(l, "mbsyncrc-deflate", ""))
}

// mbsyncConfig writes a configuration; extra is added to the account.
func mbsyncConfig(l *lab, name, extra string) error {
	text := "FSync no\n\nIMAPAccount a\nHost 127.0.0.1\nPort {IMAP_PORT}\nUser carol\nPass secret\nSSLType None\nAuthMechs LOGIN\n" + extra +
		"\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {OUT}/\nInbox {OUT}/INBOX\n\n" +
		"Channel c\nFar :far:" + imapBox + "\nNear :near:" + imapBox + "\nSync Pull\nCreate Near\nSyncState *\n"
	return os.WriteFile(l.expand("{SCRATCH}/"+name), []byte(l.expand(text)), 0o600)
}

func mbsync(config string) []string {
	return []string{"mbsync", "-q", "-c", "{SCRATCH}/" + config, "c"}
}

func imapSync(to string) []string { return imapSyncFrom(imapURL, to) }

func imapSyncFrom(from, to string) []string {
	return []string{program, "sync", "--quiet", "--tls", "off", "--durability", "none", from, to}
}

// archived checks that all messages are in files; the floor writes a single file with the size of what it read.
func archived(l *lab) error {
	if seen, err := os.Stat(filepath.Join(l.out, "floor")); err == nil && seen.Size() > imapMessages*5000 {
		return nil
	}
	return archivedAll(l, imapMessages)
}

func archivedAll(l *lab, want int) error {
	n, bytes := 0, int64(0)
	_, err := walkFiles(l.out, func(name string) error {
		info, err := os.Stat(filepath.Join(l.out, name))
		if err == nil && !strings.HasPrefix(filepath.Base(name), ".") {
			n, bytes = n+1, bytes+info.Size()
		}
		return err
	})
	if err == nil && (n != want || bytes < int64(want)*5000) {
		err = fmt.Errorf("%d files with %d bytes, want %d messages", n, bytes, want)
	}
	return err
}

func imapFetch() workload {
	return workload{
		name:   "imap-fetch",
		about:  "fetch 20,020 messages, 201 MiB, from Dovecot to an empty maildir on a RAM disk, without fsync; python writes one file per message",
		setup:  imapSetup,
		before: func(l *lab) error { return os.MkdirAll(filepath.Join(l.out, "new"), 0o700) },
		check:  archived,
		peers: []peer{
			{"netclients", imapSync("maildir:{OUT}/box")},
			{"mbsync, no compression", mbsync("mbsyncrc")},
			{"mbsync as shipped, COMPRESS=DEFLATE", mbsync("mbsyncrc-deflate")},
			{"python imaplib, 500 at a time", python("imap_fetch.py", "{IMAP_PORT}", "carol", imapBox, "{OUT}/new")},
			{"floor: python, one FETCH, discarded", python("imap_floor.py", "{IMAP_PORT}", "carol", imapBox, imapAll, "{OUT}/floor")},
		},
	}
}

// imapAgain keeps the archives outside the folder that is emptied.
func imapAgain() workload {
	return workload{
		name:  "imap-again",
		about: "the same mailbox again, with nothing new",
		times: 5,
		setup: func(l *lab) error {
			text := "again-mbsync"
			err := imapSetup(l)
			config, readErr := os.ReadFile(l.expand("{SCRATCH}/mbsyncrc"))
			kept := strings.ReplaceAll(string(config), l.out, filepath.Join(l.scratch, text))
			return errors.Join(err, readErr, os.MkdirAll(filepath.Join(l.scratch, text), 0o700),
				os.WriteFile(l.expand("{SCRATCH}/mbsyncrc-again"), []byte(kept), 0o600))
		},
		peers: []peer{{"netclients", imapSync("maildir:{SCRATCH}/again")}, {"mbsync", mbsync("mbsyncrc-again")}},
	}
}

func imapList() workload {
	return workload{
		name:  "imap-list",
		about: "list 20,020 messages with date, sender, subject, size and flags; python prints the raw responses, the floor discards them",
		setup: imapSetup,
		peers: []peer{
			{"netclients ls --json", []string{program, "ls", "--json", "--tls", "off", imapURL}},
			{"netclients ls", []string{program, "ls", "--tls", "off", imapURL}},
			{"python imaplib, not parsed", python("imap_list.py", "{IMAP_PORT}", "carol", imapBox)},
			{"floor: python, one FETCH, discarded", python("imap_floor.py", "{IMAP_PORT}", "carol", imapBox, imapEnvelope)},
		},
	}
}

// imapSlow starts a proxy with a 50 ms round trip.
func imapSlow(l *lab) error {
	address, err := delayed(l.vars["IMAP"], 50*time.Millisecond)
	if err == nil {
		l.vars["IMAP_SLOW"], l.vars["IMAP_SLOW_PORT"] = address, address[strings.LastIndexByte(address, ':')+1:]
	}
	return err
}

// imapSlowFetch shows the cost of waiting for each response.
func imapSlowFetch() workload {
	return workload{
		name:  "imap-slow-fetch",
		about: "fetch 500 messages to a maildir over a link with a 50 ms round trip",
		setup: func(l *lab) error {
			return cmp.Or(runScript(l, python("imap_fill.py", "{IMAP_PORT}", "carol", imapFewBox, fmt.Sprint(imapFew))), imapSlow(l))
		},
		before: func(l *lab) error { return os.MkdirAll(filepath.Join(l.out, "new"), 0o700) },
		check:  func(l *lab) error { return archivedAll(l, imapFew) },
		peers: []peer{
			{"netclients", imapSyncFrom("imap://carol@{IMAP_SLOW}/"+imapFewBox, "maildir:{OUT}/box")},
			{"python imaplib, one at a time", python("imap_fetch.py", "{IMAP_SLOW_PORT}", "carol", imapFewBox, "{OUT}/new", "1")},
			{"python imaplib, 500 at a time", python("imap_fetch.py", "{IMAP_SLOW_PORT}", "carol", imapFewBox, "{OUT}/new")},
		},
	}
}

// imapSlowAppend does the same for storing.
func imapSlowAppend() workload {
	box := func(more ...string) []string {
		return append(python("imap_empty.py", "{IMAP_PORT}", "dave", "slow"), more...)
	}
	return workload{
		name:   "imap-slow-append",
		about:  "store 200 messages of 2 to 8 KiB over a link with a 50 ms round trip",
		setup:  func(l *lab) error { return cmp.Or(lettersIn(l, "few", imapStored/10), imapSlow(l)) },
		before: func(l *lab) error { return runScript(l, box()) },
		check:  func(l *lab) error { return runScript(l, box(fmt.Sprint(imapStored/10))) },
		peers: []peer{
			{"netclients put", []string{"sh", "-c", "exec {NETCLIENTS} imap put --quiet --tls off {SCRATCH}/few/*.eml dave@{IMAP_SLOW}/slow"}},
			{"python imaplib", python("imap_append.py", "{IMAP_SLOW_PORT}", "dave", "slow", "{SCRATCH}/few")},
		},
	}
}

// imapLetters writes the files to store.
func imapLetters(l *lab) error { return lettersIn(l, "letters", imapStored) }

// lettersIn writes files, and a curl configuration for them.
func lettersIn(l *lab, folder string, count int) error {
	dir := filepath.Join(l.scratch, folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var curl strings.Builder
	for i := range count {
		name := filepath.Join(dir, fmt.Sprintf("%05d.eml", i))
		text := fmt.Sprintf("From: a@example.org\r\nSubject: letter %d\r\n\r\n%s", i, strings.Repeat("some words of text in a line that is not long\r\n", 40+i%130))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&curl, "url = \"%s\"\nupload-file = \"%s\"\n", l.expand("imap://dave:secret@{IMAP}/stored"), name)
	}
	return os.WriteFile(l.expand("{SCRATCH}/curl-imap"), []byte(curl.String()), 0o600)
}

func imapAppend() workload {
	box := func(more ...string) []string {
		return append(python("imap_empty.py", "{IMAP_PORT}", "dave", "stored"), more...)
	}
	return workload{
		name:   "imap-append",
		about:  "store 2,000 messages of 2 to 8 KiB in Dovecot (sdbox)",
		setup:  imapLetters,
		before: func(l *lab) error { return runScript(l, box()) },
		check:  func(l *lab) error { return runScript(l, box(fmt.Sprint(imapStored))) },
		peers: []peer{
			{"netclients put", []string{"sh", "-c", "exec {NETCLIENTS} imap put --quiet --tls off {SCRATCH}/letters/*.eml dave@{IMAP}/stored"}},
			{"curl, one connection", []string{"curl", "-sS", "-K", "{SCRATCH}/curl-imap"}},
			{"python imaplib", python("imap_append.py", "{IMAP_PORT}", "dave", "stored", "{SCRATCH}/letters")},
		},
	}
}
