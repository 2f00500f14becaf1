package fleetcmd

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
)

// statusJSON is what fleet status prints.
type statusJSON struct {
	Fleet  string `json:"fleet"`
	Broker string `json:"broker"`
	fleet.Counts
}

// status is fleet status.
func (f *flags) status(ctx context.Context, e *kit.Env, _ []string) error {
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		t, err := fl.Track(ctx, nil)
		if err != nil {
			return err
		}
		select {
		case <-t.Ready():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		v := newView(e, t, nil)
		tell := func() error {
			c := t.Counts()
			err := e.Out.Record(statusJSON{f.name, fl.Address(), c}, func() string { return "fleet " + f.name + ": " + v.text(c) })
			return cmp.Or(err, e.Out.Flush())
		}
		if err := tell(); err != nil || !f.follow {
			return err
		}
		return followOn(ctx, t, tell)
	})
}

// followOn reports each change until all jobs are over.
func followOn(ctx context.Context, t *fleet.Tracker, tell func() error) error {
	last := t.Counts()
	for {
		select {
		case <-t.Settled():
			if t.Counts() != last {
				return tell()
			}
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.Changed():
		}
		if c := t.Counts(); c != last {
			last = c
			if err := tell(); err != nil {
				return err
			}
		}
	}
}

// results is fleet results.
func (f *flags) results(ctx context.Context, e *kit.Env, args []string) error {
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		if f.lines {
			return printItems(ctx, e, fl, args)
		}
		return records(ctx, e, fl, args, func(r *fleet.Record) bool { return r.State.Final() && (!f.onlyFailed || r.State == fleet.Failed) })
	})
}

// failed is fleet failed.
func (f *flags) failed(ctx context.Context, e *kit.Env, args []string) error {
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		return records(ctx, e, fl, args, func(r *fleet.Record) bool { return r.State == fleet.Failed })
	})
}

// records prints the records that pick takes, of the ids where there are some. An id that
// no job has is an error.
func records(ctx context.Context, e *kit.Env, fl *fleet.Fleet, ids []string, pick func(*fleet.Record) bool) error {
	unknown := slices.Clone(ids)
	for r, err := range fl.Records(ctx) {
		if err != nil {
			return err
		}
		unknown = slices.DeleteFunc(unknown, func(id string) bool { return id == r.Job.ID })
		if len(ids) > 0 && !slices.Contains(ids, r.Job.ID) || !pick(r) {
			continue
		}
		if err := e.Out.Record(public(r), func() string { return recordText(r) }); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		return kit.Usage("fleet %q has no job %q", fl.Name(), unknown[0])
	}
	return nil
}

func recordText(r *fleet.Record) string {
	text := fmt.Sprintf("%-9s %s  %s %s", r.State, r.Job.ID, r.Job.Verb, strings.Join(r.Job.Args, " "))
	if r.Ended != nil && r.Started != nil {
		text += fmt.Sprintf("  (%d items, %s, attempt %d at %s)", r.Items, show.HumanBytes(r.Bytes), r.Attempts, r.Worker)
	}
	if r.Error != nil {
		text += "  " + r.Error.Message
	}
	return show.Safe(text)
}

// printItems prints the lines of single items.
func printItems(ctx context.Context, e *kit.Env, fl *fleet.Fleet, ids []string) error {
	if len(ids) == 0 {
		ids = []string{""}
	}
	for _, id := range ids {
		for line, err := range fl.Items(ctx, id) {
			if err == nil {
				err = e.Out.Write(append(line, '\n'))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// counted prints how many jobs something was done with.
func counted(e *kit.Env, key, text string, n int) error {
	return e.Out.Record(map[string]int{key: n}, func() string { return jobs(n) + " " + text })
}

// jobs is a number of jobs in words.
func jobs(n int) string {
	if n == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", n)
}

// retry is fleet retry.
func (f *flags) retry(ctx context.Context, e *kit.Env, args []string) error {
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		n, err := fl.Retry(ctx, args, f.all)
		if err != nil {
			return err
		}
		return counted(e, "retried", "sent again; fleet run and fleet work run what waits", n)
	})
}

// cancel is fleet cancel.
func (f *flags) cancel(ctx context.Context, e *kit.Env, args []string) error {
	if (len(args) == 0) != f.all {
		return kit.Usage("fleet cancel: want the ids of jobs, or --all")
	}
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		n, err := fl.Cancel(ctx, args)
		if err != nil {
			return err
		}
		return counted(e, "cancelled", "cancelled", n)
	})
}

// purge is fleet purge.
func (f *flags) purge(ctx context.Context, e *kit.Env, _ []string) error {
	if err := sure(f.yes); err != nil {
		return err
	}
	return f.existing(ctx, e, func(fl *fleet.Fleet) error {
		if err := fl.Purge(ctx); err != nil {
			return err
		}
		return e.Out.Record(map[string]string{"purged": f.name}, func() string { return "fleet " + f.name + " is removed" })
	})
}

// sure asks on a terminal whether all is to be removed.
func sure(yes bool) error {
	if yes {
		return nil
	}
	tty, ok := secret.OpenTerminal()
	if !ok {
		return kit.Usage("fleet purge removes all jobs and what their syncs remember: confirm it with --yes")
	}
	defer tty.Close()
	fmt.Fprintf(tty, "Remove the fleet with all its jobs, and what their syncs remember? [y/N] ")
	answer, _ := bufio.NewReader(tty).ReadString('\n')
	if strings.ToLower(strings.TrimSpace(answer)) != "y" {
		return &protocols.Error{Op: "fleet", Kind: protocols.KindInterrupted, Text: "not removed"}
	}
	return nil
}

// readKeys reads the public nkeys of those who may use a broker.
func readKeys(path string) (keys []string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case len(line) != 56 || line[0] != 'U':
			return nil, kit.Usage("%s: want public nkeys of users, one per line, such as UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4", path)
		default:
			keys = append(keys, line)
		}
	}
	return keys, nil
}
