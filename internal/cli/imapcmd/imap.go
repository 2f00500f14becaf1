// Package imapcmd has the verbs that only IMAP has, and its flags.
package imapcmd

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapVerbs are the verbs that only IMAP has, and generic ones that do more there.
func Verbs() []*kit.Verb {
	adding, copying := &imapPut{}, &imapCopy{}
	put := kit.On[*imap.Client]("put", "FILE... URL", "store messages in a mailbox", nil)
	put.Run = adding.run
	cp := kit.On[*imap.Client]("cp", "SRC DST", "copy messages; inside one server without moving their bytes", nil)
	cp.Run = copying.run
	rmdir := &imapDelete{}
	mine := []*kit.Verb{
		put.Only().With(adding.flags).Eg(`put --flags '\Seen' --date 2026-01-02T03:04:05Z note.eml imaps://user@host/Archive`),
		kit.As[*imap.Client]("append", put).Eg("imap append *.eml user@host/Archive"),
		cp.Only().With(copying.Flags).Eg("cp 'imaps://user@host/INBOX;UID=5' imaps://user@host/Archive"),
		kit.On("mv", "URL NEW", "move messages to another mailbox, or rename a mailbox", imapMove).Only().
			Eg("mv 'imaps://user@host/INBOX;UID=5' Archive", "mv imaps://user@host/Old imaps://user@host/New"),
		kit.On("rmdir", "URL...", "delete mailboxes that hold no messages", rmdir.run).Only().With(rmdir.flags).
			Eg("rmdir imaps://user@host/Old"),
	}
	return slices.Concat(mine, imapReadVerbs(), imapListVerbs(), imapAdminVerbs())
}

// imapListVerbs list messages and mailboxes.
func imapListVerbs() []*kit.Verb {
	l, s, t := verbs.NewLister(), verbs.NewLister(), verbs.NewLister()
	w, k := &imapIdle{}, &imapCaps{}
	return []*kit.Verb{
		kit.On("caps", "URL...", "list the capabilities of the server", k.run).Only().With(k.flags).
			Eg("imap caps --login imaps://user@host"),
		kit.As[*imap.Client]("folders", kit.VerbNamed("ls", verbs.ListVerbs())),
		kit.On("sort", "URL KEYS [QUERY]", "list messages in the order of keys: date, reverse size, from, subject, arrival", func(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
			return l.Print(e, name, c.Sort(ctx, name, args[0], second(args)))
		}).Only().With(l.Flags).Eg("imap sort imaps://user@host/INBOX 'reverse date' 'from:ann'"),
		kit.On("thread", "URL [ALGORITHM] [QUERY]", "list messages by conversations", func(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
			algorithm := ""
			if len(args) > 0 {
				algorithm = args[0]
			}
			return s.Print(e, name, c.Thread(ctx, name, algorithm, second(args)))
		}).Only().With(s.Flags).Eg("imap thread imaps://user@host/INBOX"),
		kit.On("lsub", "URL", "list the mailboxes that are subscribed to", func(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
			return t.Print(e, name, c.Subscribed(ctx, name))
		}).Only().With(t.Flags),
		kit.On("status", "URL...", "counts of mailboxes that are not opened for it", imapStatus).Only().
			Eg("imap status imaps://user@host/INBOX"),
		kit.On("select", "URL", "open a mailbox, tell all that the server says of it", imapSelect).Only(),
		kit.On("recent", "URL", "how many messages have come in since a client last looked", imapRecent).Only(),
		kit.On("idle", "URL", "tell what happens in a mailbox, until stopped", w.run).Only().Lasts().With(w.flags).
			Eg("imap idle --json imaps://user@host/INBOX | jq -r .subject"),
	}
}

func second(args []string) string {
	if len(args) > 1 {
		return args[1]
	}
	return ""
}

// imapFlags are the flags that all verbs of IMAP have.
func Flags() *kit.Setup {
	var s imap.Settings
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
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
	verbs.CapsOf
	login bool
}

func (k *imapCaps) flags(fs *pflag.FlagSet) {
	k.CapsOf.Flags(fs)
	fs.BoolVar(&k.login, "login", false, "what it says after the login")
}

func (k *imapCaps) run(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
	if !k.login {
		return k.CapsOf.Run(ctx, e, c, name, args)
	}
	list, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	return k.Print(e, list)
}

// mailboxArg reads an argument that names a mailbox of the current target's
// server: a URL, or just its name.
func mailboxArg(e *kit.Env, text string) (string, error) {
	host := e.At.URL.Host
	if kit.HasScheme(text) || e.Proto != "" && host != "" && strings.HasPrefix(text, host+"/") {
		return verbs.Beside(e, text)
	}
	return imap.MailboxName(strings.Trim(text, "/")), nil
}

func imapMove(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
	to, err := mailboxArg(e, args[0])
	if err != nil {
		return err
	}
	return verbs.Changed(e, "moved", name+" to "+to, c.Move(ctx, name, to))
}

// imapCopy is cp: inside one server it is COPY.
type imapCopy struct{ verbs.Copier }

func (k *imapCopy) run(ctx context.Context, e *kit.Env, args []string) error {
	src, err := e.Target(args[0])
	if err != nil {
		return err
	}
	if !sameServer(e, src, args[1]) || !strings.Contains(src.Name, "UID=") {
		return k.Copier.Run(ctx, e, args)
	}
	return kit.With(ctx, e, "cp", args[0], func(ctx context.Context, c *imap.Client, name string) error {
		to, err := mailboxArg(e, args[1])
		if err != nil {
			return err
		}
		at, err := c.Copy(ctx, name, to)
		if at == "" {
			at = to
		}
		return verbs.Changed(e, "copied", name+" to "+at, err)
	})
}

// sameServer reports whether text names a mailbox at the server of src. A bare
// name is one only where the command line says that it is about IMAP.
func sameServer(e *kit.Env, src *protocols.Target, text string) bool {
	if !kit.HasScheme(text) {
		return e.Proto != ""
	}
	dst, err := e.Target(text)
	return err == nil && dst.Spec == src.Spec && strings.EqualFold(dst.URL.Host, src.URL.Host) && !strings.Contains(dst.Name, "UID=")
}

// imapDelete is rmdir.
type imapDelete struct{ force bool }

func (d *imapDelete) flags(fs *pflag.FlagSet) {
	fs.BoolVarP(&d.force, "force", "f", false, "delete mailboxes with all the messages in them")
}

func (d *imapDelete) run(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
	c.Settings.Force = d.force
	return verbs.Changed(e, "removed", name, c.Unmake(ctx, name))
}

func imapStatus(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
	entry, err := c.Stat(ctx, name)
	if err != nil {
		return err
	}
	return printFacts(e, &entry)
}

func imapSelect(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
	entry, err := c.Select(ctx, name, true)
	if err != nil {
		return err
	}
	return printFacts(e, &entry)
}

// printFacts prints an entry with its facts, one a line.
func printFacts(e *kit.Env, entry *protocols.Entry) error {
	if e.Out.JSON {
		return e.Out.Object(entry)
	}
	lines := []string{"name " + entry.Name}
	if entry.GroupInfo != nil {
		lines = append(lines, "messages "+show.Number(entry.Count))
	}
	if entry.Size >= 0 {
		lines = append(lines, "size "+show.Number(entry.Size))
	}
	for _, key := range sortedKeys(entry.Facts) {
		lines = append(lines, key+" "+entry.Facts[key])
	}
	for _, line := range lines {
		if err := e.Out.Text(line); err != nil {
			return err
		}
	}
	return nil
}

func imapRecent(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
	n := 0
	for _, err := range c.Search(ctx, name, "RECENT") {
		if err != nil {
			return err
		}
		n++
	}
	return e.Out.Record(map[string]any{"url": protocols.Redact(e.At.URL), "recent": n}, func() string { return show.Number(int64(n)) })
}
