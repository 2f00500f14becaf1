package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapVerbs are the verbs that only IMAP has, and generic ones that do more there.
func imapVerbs() []*verb {
	adding, copying := &imapPut{}, &imapCopy{}
	put := on[*imap.Client]("put", "FILE... URL", "store messages in a mailbox", nil)
	put.run = adding.run
	cp := on[*imap.Client]("cp", "SRC DST", "copy messages; inside one server without moving their bytes", nil)
	cp.run = copying.run
	rmdir := &imapDelete{}
	mine := []*verb{
		put.only().with(adding.flags).eg(`put --flags '\Seen' --date 2026-01-02T03:04:05Z note.eml imaps://user@host/Archive`),
		as[*imap.Client]("append", put).eg("imap append *.eml user@host/Archive"),
		cp.only().with(copying.flags).eg("cp 'imaps://user@host/INBOX;UID=5' imaps://user@host/Archive"),
		on("mv", "URL NEW", "move messages to another mailbox, or rename a mailbox", imapMove).only().
			eg("mv 'imaps://user@host/INBOX;UID=5' Archive", "mv imaps://user@host/Old imaps://user@host/New"),
		on("rmdir", "URL...", "delete mailboxes that hold no messages", rmdir.run).only().with(rmdir.flags).
			eg("rmdir imaps://user@host/Old"),
	}
	return slices.Concat(mine, imapReadVerbs(), imapListVerbs(), imapAdminVerbs())
}

// imapListVerbs list messages and mailboxes.
func imapListVerbs() []*verb {
	l, s, t := newLister(), newLister(), newLister()
	w, k := &imapIdle{}, &imapCaps{}
	return []*verb{
		on("caps", "URL...", "what the server says it can do", k.run).only().with(k.flags).
			eg("imap caps --login imaps://user@host"),
		as[*imap.Client]("folders", verbNamed("ls", listVerbs())),
		on("sort", "URL KEYS [QUERY]", "list messages in the order of keys: date, reverse size, from, subject, arrival", func(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
			return l.print(e, name, c.Sort(ctx, name, args[0], second(args)))
		}).only().with(l.flags).eg("imap sort imaps://user@host/INBOX 'reverse date' 'from:ann'"),
		on("thread", "URL [ALGORITHM] [QUERY]", "list messages by conversations", func(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
			algorithm := ""
			if len(args) > 0 {
				algorithm = args[0]
			}
			return s.print(e, name, c.Thread(ctx, name, algorithm, second(args)))
		}).only().with(s.flags).eg("imap thread imaps://user@host/INBOX"),
		on("lsub", "URL", "list the mailboxes that are subscribed to", func(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
			return t.print(e, name, c.Subscribed(ctx, name))
		}).only().with(t.flags),
		on("status", "URL...", "counts of mailboxes that are not opened for it", imapStatus).only().
			eg("imap status imaps://user@host/INBOX"),
		on("select", "URL", "open a mailbox, tell all that the server says of it", imapSelect).only(),
		on("recent", "URL", "how many messages have come in since a client last looked", imapRecent).only(),
		on("idle", "URL", "tell what happens in a mailbox, until stopped", w.run).only().lasts().with(w.flags).
			eg("imap idle --json imaps://user@host/INBOX | jq -r .subject"),
	}
}

func second(args []string) string {
	if len(args) > 1 {
		return args[1]
	}
	return ""
}

// imapFlags are the flags that all verbs of IMAP have.
func imapFlags() *setup {
	var s imap.Settings
	return flagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.Compress, "compress", false, "compress the connection (COMPRESS=DEFLATE): for slow links")
		fs.BoolVar(&s.MarkSeen, "mark-seen", false, `mark what is read as \Seen`)
		fs.BoolVar(&s.RawNames, "raw-names", false, "mailbox names as they are on the wire, without modified UTF-7")
		fs.StringArrayVar(&s.Enable, "enable", nil, "`EXTENSION` to enable, such as UTF8=ACCEPT")
		fs.StringVar(&s.ProxyUser, "proxy-user", "", "act as this `USER` (PROXYAUTH)")
	}, func(c *imap.Client) error {
		c.Settings = s
		c.Settings.Spool, c.Settings.Files = spoolFile, stateFiles{}
		var err error
		c.Settings.StateDir, err = stateDir("imap")
		return err
	})
}

// imapCaps is caps: many servers tell more to those who have logged in.
type imapCaps struct {
	capsOf
	login bool
}

func (k *imapCaps) flags(fs *pflag.FlagSet) {
	k.capsOf.flags(fs)
	fs.BoolVar(&k.login, "login", false, "what it says after the login")
}

func (k *imapCaps) run(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	if !k.login {
		return k.capsOf.run(ctx, e, c, name, args)
	}
	list, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	return k.print(e, list)
}

// mailboxArg reads an argument that names a mailbox of the current target's
// server: a URL, or just its name.
func mailboxArg(e *env, text string) (string, error) {
	host := e.at.URL.Host
	if hasScheme(text) || e.proto != "" && host != "" && strings.HasPrefix(text, host+"/") {
		return beside(e, text)
	}
	return imap.MailboxName(strings.Trim(text, "/")), nil
}

func imapMove(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	to, err := mailboxArg(e, args[0])
	if err != nil {
		return err
	}
	return changed(e, "moved", name+" to "+to, c.Move(ctx, name, to))
}

// imapCopy is cp: inside one server it is COPY.
type imapCopy struct{ copier }

func (k *imapCopy) run(ctx context.Context, e *env, args []string) error {
	src, err := e.target(args[0])
	if err != nil {
		return err
	}
	if !sameServer(e, src, args[1]) || !strings.Contains(src.Name, "UID=") {
		return k.copier.run(ctx, e, args)
	}
	return with(ctx, e, "cp", args[0], func(ctx context.Context, c *imap.Client, name string) error {
		to, err := mailboxArg(e, args[1])
		if err != nil {
			return err
		}
		at, err := c.Copy(ctx, name, to)
		if at == "" {
			at = to
		}
		return changed(e, "copied", name+" to "+at, err)
	})
}

// sameServer reports whether text names a mailbox at the server of src. A bare
// name is one only where the command line says that it is about IMAP.
func sameServer(e *env, src *protocols.Target, text string) bool {
	if !hasScheme(text) {
		return e.proto != ""
	}
	dst, err := e.target(text)
	return err == nil && dst.Spec == src.Spec && strings.EqualFold(dst.URL.Host, src.URL.Host) && !strings.Contains(dst.Name, "UID=")
}

// imapDelete is rmdir.
type imapDelete struct{ force bool }

func (d *imapDelete) flags(fs *pflag.FlagSet) {
	fs.BoolVarP(&d.force, "force", "f", false, "delete mailboxes with all the messages in them")
}

func (d *imapDelete) run(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
	c.Settings.Force = d.force
	return changed(e, "removed", name, c.Unmake(ctx, name))
}

func imapStatus(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
	entry, err := c.Stat(ctx, name)
	if err != nil {
		return err
	}
	return printFacts(e, &entry)
}

func imapSelect(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
	entry, err := c.Select(ctx, name, true)
	if err != nil {
		return err
	}
	return printFacts(e, &entry)
}

// printFacts prints an entry with its facts, one a line.
func printFacts(e *env, entry *protocols.Entry) error {
	if e.out.json {
		return e.out.object(entry)
	}
	lines := []string{"name " + entry.Name}
	if entry.GroupInfo != nil {
		lines = append(lines, "messages "+number(entry.Count))
	}
	if entry.Size >= 0 {
		lines = append(lines, "size "+number(entry.Size))
	}
	for _, key := range sortedKeys(entry.Facts) {
		lines = append(lines, key+" "+entry.Facts[key])
	}
	for _, line := range lines {
		if err := e.out.text(line); err != nil {
			return err
		}
	}
	return nil
}

func imapRecent(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
	n := 0
	for _, err := range c.Search(ctx, name, "RECENT") {
		if err != nil {
			return err
		}
		n++
	}
	return e.out.record(map[string]any{"url": protocols.Redact(e.at.URL), "recent": n}, func() string { return number(int64(n)) })
}
