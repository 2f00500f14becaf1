package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/pop3"
)

// pop3Verbs are the verbs that only POP3 has, and generic ones that do more.
func pop3Verbs() []*verb {
	fetch := as[*pop3.Client]("fetch", verbNamed("sync", syncVerbs()))
	fetch.short = "store new messages in a maildir or mbox"
	rm := popRemover{}
	return []*verb{
		popList(),
		on("stat", "URL...", "number and bytes of all messages (STAT), or one message", popStat).only().
			eg("pop3 stat user@pop.example.org"),
		on("uidl", "URL...", "number and unique id of every message", popUIDL).only().
			eg("pop3 uidl user@pop.example.org"),
		on("top", "URL LINES", "the header of a message and so many lines of its body", popTop).only().
			eg("pop3 top user@pop.example.org/5 10"),
		on("banner", "URL...", "the server's greeting", popBanner).only(),
		{
			name: "rm", args: "URL...", short: "delete messages; those of one server in one session", own: true, has: is[*pop3.Client],
			flags: func(fs *pflag.FlagSet) { fs.BoolVarP(&rm.yes, "yes", "y", false, "do not ask") }, run: rm.run,
			example: "  netclients rm 'pop3://user@pop.example.org/;UID=0001d8f5' pop3://user@pop.example.org/7",
		},
		fetch.eg("pop3 fetch user@pop.example.org maildir:Mail", "pop3 fetch --delete-after user@pop.example.org mbox:inbox"),
	}
}

// popList is ls with headers.
func popList() *verb {
	l := newLister()
	brief := false
	v := on("ls", "URL...", "list messages", func(ctx context.Context, e *env, c *pop3.Client, name string, args []string) error {
		c.Settings.Headers = !brief
		return l.run(ctx, e, c, name, args)
	})
	return v.only().with(func(fs *pflag.FlagSet) {
		l.flags(fs)
		fs.BoolVar(&brief, "no-headers", false, "do not ask for the header of each message (TOP)")
	}).eg("ls pop3://user@pop.example.org/", "pop3 ls --json --no-headers user@pop.example.org | jq -r .url")
}

func popStat(ctx context.Context, e *env, c *pop3.Client, name string, _ []string) error {
	c.Settings.Headers = true
	entry, err := c.Stat(ctx, name)
	if err != nil {
		return err
	}
	if entry.GroupInfo == nil {
		p := newEntryPrinter(e.out, true)
		return cmp.Or(p.put(&entry), p.end())
	}
	return e.out.record(entry, func() string { return fmt.Sprintf("%d messages, %s", entry.Count, humanBytes(max(entry.Size, 0))) })
}

func popUIDL(ctx context.Context, e *env, c *pop3.Client, _ string, _ []string) error {
	return e.again(ctx, func() error {
		for entry, err := range c.UIDs(ctx) {
			if err == nil {
				err = e.out.record(entry, func() string { return strconv.FormatInt(entry.Number, 10) + " " + safe(entry.UID) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func popTop(ctx context.Context, e *env, c *pop3.Client, name string, args []string) error {
	lines, err := strconv.Atoi(args[0])
	if err != nil || lines < 0 {
		return usage("top: %q is no number of lines", args[0])
	}
	obj, err := c.Top(ctx, name, lines)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, obj.Body)
	return e.out.copied(err)
}

func popBanner(ctx context.Context, e *env, c *pop3.Client, _ string, _ []string) error {
	text, err := c.Greeting(ctx)
	if err != nil {
		return err
	}
	return e.out.record(map[string]string{"protocol": e.at.Spec.Name, "greeting": text}, func() string { return safe(text) })
}

// popRemover is rm: numbers of messages change when a session ends, so that all
// messages of a server are deleted in one.
type popRemover struct{ yes bool }

func (r *popRemover) run(ctx context.Context, e *env, args []string) error {
	var servers []*popDoomed
	for _, text := range args {
		t, err := e.target(text)
		if err != nil {
			return err
		}
		if t.Name == "" {
			return usage("rm: %s names no message", protocols.Redact(t.URL))
		}
		c, err := e.client(t)
		if err != nil {
			return err
		}
		if !is[*pop3.Client](c) {
			return usage("rm: %s is no message on a POP3 server; delete it by itself", protocols.Redact(t.URL))
		}
		e.at = t
		if !r.yes {
			if ok, err := confirm(ctx, e, "delete "+protocols.Redact(t.URL)+"?"); !ok {
				return err
			}
		}
		i := slices.IndexFunc(servers, func(d *popDoomed) bool { return d.client == c })
		if i < 0 {
			i, servers = len(servers), append(servers, &popDoomed{client: c, url: protocols.Redact(t.URL)})
		}
		servers[i].names = append(servers[i].names, t.Name)
	}
	var sum tally
	for _, d := range servers {
		if err := d.remove(ctx, e, &sum); err != nil {
			return protocols.Wrap(err, "pop3", "rm", d.url)
		}
	}
	return sum.err()
}

// popDoomed are the messages to delete at one server.
type popDoomed struct {
	client protocols.Client
	url    string
	names  []string
}

// remove deletes them. A single refusal is the command's error, several are told
// one by one.
func (d *popDoomed) remove(ctx context.Context, e *env, sum *tally) error {
	var alone error
	err := protocols.BulkRemove(ctx, d.client, slices.Values(d.names), func(_ string, err error) error {
		if len(d.names) == 1 {
			alone = err
			return nil
		}
		sum.add(err)
		e.tell(err)
		return nil
	})
	if err == nil && alone == nil {
		e.out.detail(fmt.Sprintf("deleted %d", len(d.names)))
	}
	return cmp.Or(err, alone)
}

// pop3Flags are the flags that all verbs of POP3 have.
func pop3Flags() *setup {
	var s pop3.Settings
	return flagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.UTF8, "utf8", false, "ask for messages with UTF-8 in their headers (UTF8)")
		fs.StringVar(&s.Lang, "lang", "", "language `TAG` of the server's texts (LANG)")
		fs.BoolVar(&s.NoPipelining, "no-pipelining", false, "one command at a time")
	}, func(c *pop3.Client) error {
		c.Settings = s
		return nil
	})
}
