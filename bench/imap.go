package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// imap is bringing 20,020 messages, 201 MiB, from Dovecot (mdbox) to files, again with nothing new, listing them,
// and storing 2,000 (sdbox).
func imap() []workload { return []workload{imapFetch(), imapAgain(), imapList(), imapAppend()} }

const (
	imapMessages = 20020
	imapStored   = 2000
	imapBox      = "bench"
	imapURL      = "imap://carol@{IMAP}/" + imapBox
	imapAll      = "(UID BODY.PEEK[])"
	imapEnvelope = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"
)

// runScript runs a script that prepares or checks something, outside of the timing.
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

// mbsyncConfig writes a configuration; extra goes to the account.
func mbsyncConfig(l *lab, name, extra string) error {
	text := "FSync no\n\nIMAPAccount a\nHost 127.0.0.1\nPort {IMAP_PORT}\nUser carol\nPass secret\nSSLType None\nAuthMechs LOGIN\n" + extra +
		"\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {OUT}/\nInbox {OUT}/INBOX\n\n" +
		"Channel c\nFar :far:" + imapBox + "\nNear :near:" + imapBox + "\nSync Pull\nCreate Near\nSyncState *\n"
	return os.WriteFile(l.expand("{SCRATCH}/"+name), []byte(l.expand(text)), 0o600)
}

func mbsync(config string) []string {
	return []string{"mbsync", "-q", "-c", "{SCRATCH}/" + config, "c"}
}

func imapSync(to string) []string {
	return []string{program, "sync", "--quiet", "--tls", "off", "--durability", "none", imapURL, to}
}

// archived checks that all messages are in files, or one file of the size of all of them.
func archived(l *lab) error {
	n, bytes := 0, int64(0)
	_, err := walkFiles(l.out, func(name string) error {
		info, err := os.Stat(filepath.Join(l.out, name))
		if err == nil && !strings.HasPrefix(filepath.Base(name), ".") {
			n, bytes = n+1, bytes+info.Size()
		}
		return err
	})
	if err == nil && (n != imapMessages && n != 1 || bytes < imapMessages*5000) {
		err = fmt.Errorf("%d files with %d bytes, want %d messages", n, bytes, imapMessages)
	}
	return err
}

func imapFetch() workload {
	return workload{
		name:   "imap-fetch",
		about:  "fetch 20,020 messages, 201 MiB, from Dovecot to an empty maildir on a RAM disk, nothing forced to it; python writes one file a message",
		setup:  imapSetup,
		before: func(l *lab) error { return os.MkdirAll(filepath.Join(l.out, "new"), 0o700) },
		check:  archived,
		peers: []peer{
			{"netclients", imapSync("maildir:{OUT}/box")},
			{"mbsync, no compression", mbsync("mbsyncrc")},
			{"mbsync as shipped, COMPRESS=DEFLATE", mbsync("mbsyncrc-deflate")},
			{"python imaplib, 500 at a time", python("imap_fetch.py", "{IMAP_PORT}", "carol", imapBox, "{OUT}/new")},
			{"floor: python, one FETCH, to nowhere", python("imap_floor.py", "{IMAP_PORT}", "carol", imapBox, imapAll, "{OUT}/floor")},
		},
	}
}

// imapAgain keeps the archives outside of the folder that is emptied.
func imapAgain() workload {
	return workload{
		name:  "imap-again",
		about: "the same mailbox once more, with nothing new",
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
		about: "list 20,020 messages with date, sender, subject, size and flags; python prints what comes, the floor drops it",
		setup: imapSetup,
		peers: []peer{
			{"netclients ls --json", []string{program, "ls", "--json", "--tls", "off", imapURL}},
			{"netclients ls", []string{program, "ls", "--tls", "off", imapURL}},
			{"python imaplib, not parsed", python("imap_list.py", "{IMAP_PORT}", "carol", imapBox)},
			{"floor: python, one FETCH, to nowhere", python("imap_floor.py", "{IMAP_PORT}", "carol", imapBox, imapEnvelope)},
		},
	}
}

// imapLetters are the files that are stored, and curl's configuration for them.
func imapLetters(l *lab) error {
	dir := filepath.Join(l.scratch, "letters")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var curl strings.Builder
	for i := range imapStored {
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
		about:  "store 2,000 messages of 2 to 8 KiB at Dovecot (sdbox)",
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
