package imapcmd

import (
	"cmp"
	"context"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/transfer"
)

// imapPut is put: many messages go in few commands.
type imapPut struct {
	messageFlags []string
	date         kit.Moment
	keepDate     bool
	create, dry  bool
}

func (p *imapPut) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&p.messageFlags, "flags", nil, `flags of the messages, as '\Seen,\Flagged'`)
	fs.Var(&p.date, "date", "internal `DATE` of the messages: RFC 3339, a date, or how long ago (36h, 7d); default now")
	fs.BoolVar(&p.keepDate, "file-date", false, "the time of the file is the internal date")
	verbs.DryRunFlag(fs, &p.dry)
	fs.BoolVar(&p.create, "create", false, "make the mailbox when it is not there")
}

func (p *imapPut) run(ctx context.Context, e *kit.Env, args []string) error {
	files, dest := args[:len(args)-1], args[len(args)-1]
	var flags []string // a list as CSV would end at a line end
	for _, list := range p.messageFlags {
		flags = append(flags, strings.FieldsFunc(list, func(r rune) bool { return r == ',' })...)
	}
	p.messageFlags = flags
	job := e.NewJob("put", 1)
	defer job.Close()
	return kit.Use(ctx, e, dest, func(ctx context.Context, c *imap.Client, at *protocols.Target) error {
		c.Settings.Create = p.create
		if p.dry {
			return p.plan(ctx, e, c, at, files)
		}
		began, many := time.Now(), len(files) > 1
		err := c.PutAll(ctx, at.Name, p.uploads(e, files, p.date.Time), func(i int, stored protocols.Entry, err error) error {
			r := transfer.Result{
				Protocol: "imap", Source: files[i], Destination: stored.URL, Name: filepath.Base(files[i]), Bytes: stored.Size,
				Took: time.Since(began), Status: transfer.StatusDone, Err: err,
			}
			if began = time.Now(); err != nil {
				r.Status = transfer.StatusFailed
			}
			if err = job.Settle(ctx, r, err, many); job.Note(ctx, err) {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
		return job.Verdict(!many)
	})
}

// plan says what would be stored. A mailbox that is missing is the error that storing
// would end with.
func (p *imapPut) plan(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, files []string) error {
	if _, err := c.Stat(ctx, at.Name); err != nil && !p.create {
		return err
	}
	job := e.NewJob("put", 1)
	defer job.Close()
	return job.Each(ctx, files, func(_ context.Context, path string) (transfer.Result, error) {
		r := transfer.Result{Protocol: "imap", Source: path, Destination: protocols.Redact(at.URL), Name: filepath.Base(path), Status: transfer.StatusPlanned, Would: "copy"}
		if path == "-" {
			return r, nil
		}
		info, err := os.Stat(path)
		if err != nil {
			r.Status, r.Would, r.Err = transfer.StatusFailed, "", err
			return r, err
		}
		r.Bytes = info.Size()
		return r, nil
	})
}

// uploads opens one file after the other; "-" is standard input.
func (p *imapPut) uploads(e *kit.Env, files []string, date time.Time) iter.Seq2[imap.Upload, error] {
	return func(yield func(imap.Upload, error) bool) {
		for _, path := range files {
			up := imap.Upload{Body: e.Stdin, Flags: p.messageFlags, Date: date}
			if path == "-" {
				if !yield(up, nil) {
					return
				}
				continue
			}
			f, err := os.Open(path)
			if err != nil {
				yield(up, err)
				return
			}
			up.Body = f
			if info, err := f.Stat(); err == nil && p.keepDate && date.IsZero() {
				up.Date = info.ModTime()
			}
			more := yield(up, nil)
			f.Close()
			if !more {
				return
			}
		}
	}
}

// imapIdle is idle.
type imapIdle struct {
	most  int
	limit kit.Duration
	poll  kit.Duration
}

func (w *imapIdle) flags(fs *pflag.FlagSet) {
	fs.IntVar(&w.most, "count", 0, "stop after `N` events")
	fs.Var(&w.limit, "for", "stop after this `DURATION`")
	fs.Var(&w.poll, "poll", "how often a server without IDLE is asked, a `DURATION`")
}

func (w *imapIdle) run(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	c.Settings.PollEvery = time.Duration(w.poll)
	until := ctx
	if w.limit > 0 {
		var cancel context.CancelFunc
		until, cancel = context.WithTimeout(ctx, time.Duration(w.limit))
		defer cancel()
	}
	name, n := cmp.Or(at.Name, "INBOX"), 0
	if show.IsTerminal(e.Out.Words) {
		e.Out.Say("waiting for what happens in " + show.Safe(name) + "; Ctrl-C ends it")
	}
	for entry, err := range c.Watch(until, name) {
		if err != nil {
			if ctx.Err() == nil && until.Err() != nil {
				return nil // --for is over
			}
			return err
		}
		if err := printEvent(e, &entry); err != nil {
			return err
		}
		if n++; n == w.most {
			break
		}
	}
	return nil
}

// printEvent prints one event at once: others wait for it.
func printEvent(e *kit.Env, entry *protocols.Entry) error {
	err := e.Out.Record(entry, func() string {
		line := entry.Facts["event"] + " " + entry.Name
		if entry.MessageInfo != nil {
			line += " " + entry.From + " " + entry.Subject
		}
		return show.Safe(line)
	})
	return cmp.Or(err, e.Out.Flush())
}
