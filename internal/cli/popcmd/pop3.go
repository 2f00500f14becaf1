// Package popcmd has the verbs that only POP3 has, and its flags.
package popcmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/pop3"
)

// pop3Verbs are the verbs that only POP3 has, and generic ones that do more.
func Verbs() []*kit.Verb {
	rm := popRemover{}
	return []*kit.Verb{
		popList(),
		{
			Name: "stat", Args: "URL...", Short: "number and bytes of all messages (STAT), or one message",
			Works: kit.Is[*pop3.Client], Run: kit.Each(popStat),
			Examples: []string{"pop3 stat user@pop.example.org"},
		},
		{
			Name: "uidl", Args: "URL...", Short: "number and unique id of every message",
			Works: kit.Is[*pop3.Client], Run: kit.Each(popUIDL),
			Examples: []string{"pop3 uidl user@pop.example.org"},
		},
		{
			Name: "top", Args: "URL [N] LINES", Short: "the header of a message and the first lines of its body",
			Works: kit.Is[*pop3.Client], Run: kit.On(popTop),
			Examples: []string{
				"pop3 top user@pop.example.org/5 10",
				"pop3 top user@pop.example.org 5 10",
			},
		},
		{
			Name: "banner", Args: "URL...", Short: "the server's greeting",
			Works: kit.Is[*pop3.Client], Run: kit.Each(popBanner),
		},
		{
			Name: "rm", Args: "URL...", Short: "delete messages; those of one server in one session", Works: kit.Is[*pop3.Client],
			Flags: func(fs *pflag.FlagSet) { fs.BoolVarP(&rm.yes, "yes", "y", false, "do not ask") }, Run: rm.run,
			Examples: []string{"rm 'pop3://user@pop.example.org/;UID=0001d8f5' pop3://user@pop.example.org/7"},
		},
		{
			Name: "fetch", Means: "sync", Short: "store new messages in a maildir or mbox", Works: kit.Is[*pop3.Client],
			Examples: []string{"pop3 fetch user@pop.example.org maildir:Mail", "pop3 fetch --delete-after user@pop.example.org mbox:inbox", "pop3 fetch --keep-days 14 --skip-size 10M user@pop.example.org maildir:Mail"},
		},
	}
}

// popList is ls with headers.
func popList() *kit.Verb {
	l := verbs.NewLister()
	brief := false
	list := func(ctx context.Context, e *kit.Env, c *pop3.Client, at *protocols.Target, args []string) error {
		c.Settings.Headers = !brief
		return l.Run(ctx, e, c, at, args)
	}
	return &kit.Verb{
		Name: "ls", Args: "URL...", Short: "list messages",
		Works: kit.Is[*pop3.Client], Run: kit.Each(list),
		Flags: func(fs *pflag.FlagSet) {
			l.Flags(fs)
			fs.BoolVar(&brief, "no-headers", false, "do not ask for the header of each message (TOP)")
		},
		Examples: []string{"ls pop3://user@pop.example.org/", "pop3 ls --json --no-headers user@pop.example.org | jq -r .url"},
	}
}

func popStat(ctx context.Context, e *kit.Env, c *pop3.Client, at *protocols.Target, _ []string) error {
	c.Settings.Headers = true
	entry, err := c.Stat(ctx, at.Name)
	if err != nil {
		return err
	}
	if entry.GroupInfo == nil {
		p := show.NewEntryPrinter(e.Out, true)
		return cmp.Or(p.Put(&entry), p.End())
	}
	return e.Out.Record(entry, func() string { return fmt.Sprintf("%d messages, %s", entry.Count, show.HumanBytes(max(entry.Size, 0))) })
}

func popUIDL(ctx context.Context, e *kit.Env, c *pop3.Client, _ *protocols.Target, _ []string) error {
	return e.Again(ctx, func() error {
		for entry, err := range c.UIDs(ctx) {
			if err == nil {
				err = e.Out.Record(entry, func() string { return strconv.FormatInt(entry.Number, 10) + " " + show.Safe(entry.UID) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// popTop takes the message from the URL, or from its first argument.
func popTop(ctx context.Context, e *kit.Env, c *pop3.Client, at *protocols.Target, args []string) error {
	if len(args) == 2 {
		if at.Name != "" {
			return kit.Usage("top: the URL and the argument %q both name a message: give one of them", args[0])
		}
		at.Name, args = args[0], args[1:]
	}
	lines, err := strconv.Atoi(args[0])
	if err != nil || lines < 0 {
		return kit.Usage("top: %q is not a number of lines", args[0])
	}
	obj, err := c.Top(ctx, at.Name, lines)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, obj.Body)
	return e.Out.Copied(err)
}

func popBanner(ctx context.Context, e *kit.Env, c *pop3.Client, at *protocols.Target, _ []string) error {
	text, err := c.Greeting(ctx)
	if err != nil {
		return err
	}
	return e.Out.Record(map[string]string{"protocol": at.Spec.Name, "greeting": text}, func() string { return show.Safe(text) })
}

// popRemover is rm: numbers of messages change when a session ends, so that all
// messages of a server are deleted in one.
type popRemover struct{ yes bool }

func (r *popRemover) run(ctx context.Context, e *kit.Env, args []string) error {
	var servers []*popDoomed
	for _, text := range args {
		t, err := e.Target(text)
		if err != nil {
			return err
		}
		if t.Name == "" {
			return kit.Usage("rm: %s names no message", protocols.Redact(t.URL))
		}
		c, err := e.Client(t)
		if err != nil {
			return err
		}
		if !kit.Is[*pop3.Client](c) {
			return kit.Usage("rm: %s is not a message on a POP3 server; delete it by itself", protocols.Redact(t.URL))
		}
		if !r.yes {
			if ok, err := verbs.Confirm(ctx, e, "delete "+protocols.Redact(t.URL)+"?"); !ok {
				return err
			}
		}
		i := slices.IndexFunc(servers, func(d *popDoomed) bool { return d.client == c })
		if i < 0 {
			i, servers = len(servers), append(servers, &popDoomed{client: c, url: protocols.Redact(t.URL)})
		}
		servers[i].names = append(servers[i].names, t.Name)
	}
	var sum kit.Tally
	for _, d := range servers {
		if err := d.remove(ctx, e, &sum); err != nil {
			return protocols.Wrap(err, "pop3", "rm", d.url)
		}
	}
	return sum.Err()
}

// popDoomed are the messages to delete at one server.
type popDoomed struct {
	client protocols.Client
	url    string
	names  []string
}

// remove deletes them. A single refusal is the command's error, several are told
// one by one.
func (d *popDoomed) remove(ctx context.Context, e *kit.Env, sum *kit.Tally) error {
	var alone error
	err := protocols.BulkRemove(ctx, d.client, slices.Values(d.names), func(_ string, err error) error {
		if len(d.names) == 1 {
			alone = err
			return nil
		}
		sum.Add(err)
		e.Tell(err)
		return nil
	})
	if err == nil && alone == nil {
		e.Out.Detail(fmt.Sprintf("deleted %d", len(d.names)))
	}
	return cmp.Or(err, alone)
}

// pop3Flags are the flags that all verbs of POP3 have.
func Flags() *kit.Setup {
	var s pop3.Settings
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.UTF8, "utf8", false, "ask for messages with UTF-8 in their headers (UTF8)")
		fs.StringVar(&s.Lang, "lang", "", "language `TAG` of the server's texts (LANG)")
		fs.BoolVar(&s.NoPipelining, "no-pipelining", false, "one command at a time")
	}, func(c *pop3.Client) error {
		c.Settings = s
		return nil
	}).With(nil, []string{"account"}, append([]string{"APOP"}, kit.SASL...))
}
