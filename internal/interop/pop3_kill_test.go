//go:build linux

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
)

// popKills is how often a run is killed, for each kind of archive.
const popKills = 10

// TestPOP3Killed: a fetch that is killed at any moment, many times, neither loses
// nor duplicates a message; with --delete-after every message is on the server or
// on disk at all times.
func TestPOP3Killed(t *testing.T) {
	l := popServer(t)
	program := programtest.Build(t)
	for _, scheme := range []string{"maildir", "mbox"} {
		for _, deletes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, delete %v", scheme, deletes), func(t *testing.T) {
				k := &popKiller{t: t, lab: l, dir: filepath.Join(t.TempDir(), "mail"), scheme: scheme}
				if k.argv = []string{program, "pop3", "fetch", "-q", "--tls", "off", "--retries", "0"}; deletes {
					k.argv = append(k.argv, "--delete-after")
				}
				k.argv = append(k.argv, popBox+"@"+l.addrs["POP3"], scheme+":"+k.dir)
				k.run(deletes)
			})
		}
	}
}

// popKiller fetches into one archive.
type popKiller struct {
	t           *testing.T
	lab         popLab
	dir, scheme string
	argv        []string
}

func (k *popKiller) run(deletes bool) {
	batches := 0
	var texts []string
	whole := 400 * time.Millisecond // the duration of a run
	for kills := 0; kills < popKills; {
		if kills >= batches*4 { // more mail, until the next run completes
			batches++
			more := popLetters(fmt.Sprintf("%d.%d", time.Now().UnixNano(), batches), 120)
			popFill(k.t, more)
			texts = append(texts, more...)
		}
		began := time.Now()
		if runUntil(k.t, rand.N(whole), filepath.Join(filepath.Dir(k.dir), "state"), k.argv) {
			kills++
		} else {
			whole = max(2*time.Since(began)/3, 20*time.Millisecond)
		}
		k.check(texts, false)
	}
	for runUntil(k.t, time.Minute, filepath.Join(filepath.Dir(k.dir), "state"), k.argv) {
		k.t.Fatal("still running after a minute")
	}
	k.check(texts, true)
	if left := len(k.onServer()); deletes && left > 0 || !deletes && left < len(texts) {
		k.t.Errorf("%d messages on the server at the end, deleting %v", left, deletes)
	}
}

// check compares the messages on disk, and also those on the server unless all
// must be on disk, with the originals.
func (k *popKiller) check(texts []string, all bool) {
	k.t.Helper()
	there := map[string]int{}
	for _, text := range k.archived() {
		there[text]++
	}
	for text, n := range there {
		if n > 1 || !slices.Contains(texts, text) {
			k.t.Errorf("%d times in the archive: %.100q", n, text)
		}
	}
	var left []string
	if !all {
		left = k.onServer()
	}
	for i, text := range texts {
		if there[text] == 0 && !slices.Contains(left, text) {
			k.t.Fatalf("message %d is lost: %.100q", i, text)
		}
	}
}

func (k *popKiller) onServer() (texts []string) {
	k.t.Helper()
	c := k.lab.box(k.t, popWay{service: "POP3", scheme: "pop3", mode: protocols.TLSOff})
	defer c.Close()
	return ours(contents(k.t, c, ""))
}

// ours excludes mail that arrived by LMTP meanwhile.
func ours(texts []string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return strings.HasPrefix(s, "Return-Path:") })
}

func (k *popKiller) archived() (texts []string) {
	k.t.Helper()
	if _, err := os.Stat(k.dir); err != nil {
		return nil
	}
	if k.scheme == "mbox" {
		k.whole()
		return ours(contents(k.t, mailstore.NewMbox(nil), k.dir))
	}
	return ours(contents(k.t, mailstore.NewMaildir(nil), k.dir))
}

// whole undoes an interrupted append, as the next run does.
func (k *popKiller) whole() {
	k.t.Helper()
	a, err := mailstore.NewMbox(nil).OpenArchive(context.Background(), k.dir, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	a.Close()
}

// popLetters returns messages of 1 to 40 KiB.
func popLetters(stamp string, n int) (texts []string) {
	for i := range n {
		line := fmt.Sprintf("From here on, line of letter %d\r\n", i)
		texts = append(texts, fmt.Sprintf("From: a@example.org\r\nMessage-ID: <%d.%s@interop>\r\n\r\n%s", i, stamp, strings.Repeat(line, 30+i*7%1200)))
	}
	return texts
}
