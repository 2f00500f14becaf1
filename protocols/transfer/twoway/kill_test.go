package twoway_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/mailtest"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// TestMain makes the test binary a program that syncs, when it is told to: the one that is
// killed.
func TestMain(m *testing.M) {
	if args := os.Getenv("TWOWAY_TEST_SYNC"); args != "" {
		os.Exit(syncProgram(strings.Split(args, "\n")))
	}
	os.Exit(m.Run())
}

// ends are the two sides as arguments of a program.
func ends(sides ...place) (args []string) {
	for _, p := range sides {
		switch p := p.(type) {
		case *account:
			args = append(args, p.url, p.state, p.mailbox)
		case *folder:
			args = append(args, "", "", p.dir)
		}
	}
	return args
}

func syncProgram(args []string) int {
	var sides [2]transfer.Endpoint
	for i := range sides {
		if url := args[3*i]; url != "" {
			sides[i] = mailtest.IMAP(url, args[3*i+1], args[3*i+2])
		} else {
			sides[i] = mailtest.Maildir(args[3*i+2])
		}
	}
	_, err := twoway.Sync(context.Background(), sides[0], sides[1], quick(nil), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return protocols.KindOf(err).Exit()
}

// owner changes both sides at random, and knows what must come of it.
type owner struct {
	sides [2]place
	want  map[string]string
	next  int
}

func (o *owner) changes(t *testing.T, n int) {
	t.Helper()
	var there [2]map[string]string
	for i, p := range o.sides {
		there[i] = p.content(t)
	}
	touched := map[string]bool{}
	for range n {
		i := rand.IntN(2)
		p := o.sides[i]
		texts := slices.Sorted(maps.Keys(there[i]))
		if len(texts) < 12 || rand.IntN(3) == 0 {
			o.next++
			text := fmt.Sprint("message ", o.next)
			flags := [][]string{nil, {`\Seen`}, {`\Flagged`, `\Seen`}}[rand.IntN(3)]
			p.add(t, text, flags...)
			o.want[text] = strings.Join(flags, " ")
			continue
		}
		text := texts[rand.IntN(len(texts))]
		if touched[text] || o.want[text] != there[i][text] { // conflicts have a test of their own
			continue
		}
		touched[text] = true
		if rand.IntN(2) == 0 {
			p.remove(t, text)
			delete(o.want, text)
			continue
		}
		flags := [][]string{nil, {`\Answered`}, {`\Flagged`}, {`\Answered`, `\Flagged`, `\Seen`}}[rand.IntN(4)]
		p.flag(t, text, flags...)
		o.want[text] = strings.Join(flags, " ")
	}
}

// TestKilledBothWays: whenever runs are killed, the last one has brought all changes of both
// sides to the other one, each message once.
func TestKilledBothWays(t *testing.T) {
	kinds(t, func(t *testing.T, a, b place) {
		o := &owner{sides: [2]place{a, b}, want: map[string]string{}}
		killed := 0
		for range 2 {
			o.changes(t, 60)
			run := func() *exec.Cmd {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "TWOWAY_TEST_SYNC="+strings.Join(ends(a, b), "\n"))
				cmd.Stderr = os.Stderr
				mailtest.Check(t, cmd.Start())
				return cmd
			}
			for range 3 {
				cmd := run()
				timer := time.AfterFunc(time.Duration(10+rand.IntN(120))*time.Millisecond, func() { _ = cmd.Process.Kill() })
				if cmd.Wait() != nil {
					killed++
				}
				timer.Stop()
			}
			if err := run().Wait(); err != nil {
				t.Fatalf("the last run: %v", err)
			}
			same(t, a, b, o.want)
		}
		if killed == 0 {
			t.Log("no run lived long enough to be killed")
		}
	})
}

// TestTroubleOfServers: connections that are cut anywhere cost retries, and nothing else.
func TestTroubleOfServers(t *testing.T) {
	for _, fault := range []string{"cut=4k*6", "close=2k*5", "drop:APPEND*1", "reset:STORE*2", "delay=1ms"} {
		t.Run(fault, func(t *testing.T) {
			a := newAccount(t, maillab.IMAPOptions{ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, fault)}})
			o := &owner{sides: [2]place{a, newFolder(t)}, want: map[string]string{}}
			for range 2 {
				o.changes(t, 40)
				options := quick(nil)
				options.Retries = 12
				_, err := twoway.Sync(t.Context(), o.sides[0].end(), o.sides[1].end(), options, nil)
				mailtest.Check(t, err)
				same(t, o.sides[0], o.sides[1], o.want)
			}
		})
	}
}

// TestOneRefused: a message that one side refuses is named; the others arrive, and it is
// tried again by the next run.
func TestOneRefused(t *testing.T) {
	a := newAccount(t, maillab.IMAPOptions{ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, "code:APPEND=NO refused*1")}})
	b := newFolder(t)
	a.add(t, "there")
	for i := range 5 {
		b.add(t, fmt.Sprint(i))
	}
	var failed []string
	sum, err := twoway.Sync(t.Context(), a.end(), b.end(), quick(nil), func(r transfer.Result) {
		if r.Status == transfer.StatusFailed {
			failed = append(failed, r.Subject)
		}
	})
	if protocols.KindOf(err) != protocols.KindPartial || sum.Done != 5 || sum.Failed != 1 || len(failed) != 1 {
		t.Errorf("%+v, %v, %q", sum, err, failed)
	}
	sync(t, a, b, nil)
	same(t, a, b, map[string]string{"there": "", "0": "", "1": "", "2": "", "3": "", "4": ""})
}
