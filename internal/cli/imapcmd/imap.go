// Package imapcmd has the verbs that only IMAP has, and its flags.
package imapcmd

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/transfer"
)

// imapVerbs are the verbs that only IMAP has, and generic ones that do more there.
func Verbs() []*kit.Verb {
	adding, copying := &imapPut{}, &imapCopy{}
	rmdir := &imapDelete{}
	mine := []*kit.Verb{
		{
			Name: "put", Args: "FILE... URL", Short: "store messages in a mailbox",
			Works: kit.Is[*imap.Client], Flags: adding.flags, Run: adding.run,
			Examples: []string{`put --flags '\Seen' --date 2026-01-02T03:04:05Z note.eml imaps://user@host/Archive`},
		},
		{Name: "append", Means: "put", Works: kit.Is[*imap.Client], Examples: []string{"imap append *.eml user@host/Archive"}},
		{
			Name: "cp", Args: "SRC DST", Short: "copy messages; inside one server without moving their bytes",
			Works: kit.Is[*imap.Client], Flags: copying.Flags, Run: copying.run,
			Examples: []string{"cp 'imaps://user@host/INBOX;UID=5' imaps://user@host/Archive"},
		},
		{
			Name: "mv", Args: "URL NEW", Short: "move messages to another mailbox, or rename a mailbox",
			Works: kit.Is[*imap.Client], Run: kit.On(imapMove),
			Examples: []string{
				"mv 'imaps://user@host/INBOX;UID=5' Archive",
				"mv imaps://user@host/Old imaps://user@host/New",
			},
		},
		{
			Name: "rmdir", Args: "URL...", Short: "delete mailboxes that hold no messages and have none below them",
			Works: kit.Is[*imap.Client], Flags: rmdir.flags, Run: kit.Each(rmdir.run),
			Examples: []string{"rmdir imaps://user@host/Old"},
		},
	}
	return slices.Concat(mine, imapReadVerbs(), imapListVerbs(), imapAdminVerbs())
}

// imapListVerbs list messages and mailboxes.
func imapListVerbs() []*kit.Verb {
	l, s, t := verbs.NewLister(), verbs.NewLister(), verbs.NewLister()
	w, k := &imapIdle{}, &imapCaps{}
	return []*kit.Verb{
		{
			Name: "caps", Args: "URL...", Short: "list the capabilities of the server",
			Works: kit.Is[*imap.Client], Flags: k.flags, Run: kit.Each(k.run),
			Examples: []string{"imap caps --login imaps://user@host"},
		},
		{Name: "folders", Means: "ls", Works: kit.Is[*imap.Client]},
		{
			Name: "sort", Args: "URL KEYS [QUERY]", Short: "list messages in the order of keys: date, reverse size, from, subject, arrival",
			Works: kit.Is[*imap.Client], Flags: l.Flags, Run: kit.On(func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
				return l.Print(e, at.Name, c.Sort(ctx, at.Name, args[0], second(args)))
			}),
			Examples: []string{"imap sort imaps://user@host/INBOX 'reverse date' 'from:ann'"},
		},
		{
			Name: "thread", Args: "URL [ALGORITHM] [QUERY]", Short: "list messages by conversations",
			Works: kit.Is[*imap.Client], Flags: s.Flags, Run: kit.On(func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
				algorithm := ""
				if len(args) > 0 {
					algorithm = args[0]
				}
				return s.Print(e, at.Name, c.Thread(ctx, at.Name, algorithm, second(args)))
			}),
			Examples: []string{"imap thread imaps://user@host/INBOX"},
		},
		{
			Name: "lsub", Args: "URL", Short: "list the mailboxes that are subscribed to",
			Works: kit.Is[*imap.Client], Flags: t.Flags, Run: kit.On(func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
				return t.Print(e, at.Name, c.Subscribed(ctx, at.Name))
			}),
		},
		{
			Name: "status", Args: "URL...", Short: "counts of mailboxes that are not opened for it",
			Works: kit.Is[*imap.Client], Run: kit.Each(imapStatus),
			Examples: []string{"imap status imaps://user@host/INBOX", "imap status imaps://user@host/"},
		},
		{
			Name: "select", Args: "URL", Short: "open a mailbox, tell all that the server says of it",
			Works: kit.Is[*imap.Client], Run: kit.On(imapSelect),
		},
		{
			Name: "recent", Args: "URL", Short: "how many messages have come in since a client last looked",
			Works: kit.Is[*imap.Client], Run: kit.On(imapRecent),
		},
		{
			Name: "idle", Args: "URL", Short: "tell what happens in a mailbox (INBOX when none is named), until stopped", Lasting: true,
			Works: kit.Is[*imap.Client], Flags: w.flags, Run: kit.On(w.run),
			Examples: []string{"imap idle --json imaps://user@host/INBOX | jq -r .subject"},
		},
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
	setup := kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.Compress, "compress", false, "compress the connection (COMPRESS=DEFLATE): for slow links")
		fs.BoolVar(&s.MarkSeen, "mark-seen", false, `mark what is read as \Seen`)
		fs.BoolVar(&s.RawNames, "raw-names", false, "mailbox names as they are on the wire, without modified UTF-7")
		fs.StringArrayVar(&s.Enable, "enable", nil, "`EXTENSION` to enable, such as UTF8=ACCEPT")
		fs.StringVar(&s.ProxyUser, "proxy-user", "", "act as this `USER` (PROXYAUTH)")
	}, func(c *imap.Client) error {
		c.Settings = s
		c.Settings.Spool, c.Settings.Files = spoolFile, stateFiles{}
		var err error
		c.Settings.StateDir, err = kit.StateDir("imap")
		return err
	}).With(kit.Scope{
		"mark-seen": kit.Readers,
	}, []string{"account"}, kit.SASL)
	setup.Link = func(e *kit.Env, c protocols.Client) error {
		if x, ok := protocols.As[*imap.Client](c); ok && e.Hosted != nil && e.Hosted.StateDir != "" {
			x.Settings.StateDir, x.Settings.Files = e.Hosted.StateDir, sharedFiles{safe: e.Hosted.Safe}
		}
		return nil
	}
	return setup
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

func (k *imapCaps) run(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	if !k.login {
		return k.CapsOf.Run(ctx, e, c, at, args)
	}
	list, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	return k.Print(e, list)
}

// mailboxArg reads an argument that names a mailbox of at's server: a URL, or just its name.
func mailboxArg(e *kit.Env, at *protocols.Target, text string) (string, error) {
	host := at.URL.Host
	if kit.HasScheme(text) || e.Proto != "" && host != "" && strings.HasPrefix(text, host+"/") {
		return verbs.Beside(e, at, text)
	}
	return imap.MailboxName(strings.Trim(text, "/")), nil
}

func imapMove(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	to, err := mailboxArg(e, at, args[0])
	if err != nil {
		return err
	}
	return verbs.Changed(e, "moved", at.Name+" to "+to, c.Move(ctx, at.Name, to))
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
	return kit.Use(ctx, e, args[0], func(ctx context.Context, c *imap.Client, at *protocols.Target) error {
		to, err := mailboxArg(e, at, args[1])
		if err != nil {
			return err
		}
		if k.DryRun() {
			return e.NewJob("cp", 1).Tell(transfer.Result{
				Protocol: "imap", Source: protocols.Redact(at.URL), Destination: c.URL(to), Name: at.Name, Status: transfer.StatusPlanned, Would: "copy",
			})
		}
		copied, err := c.Copy(ctx, at.Name, to)
		return verbs.Changed(e, "copied", at.Name+" to "+cmp.Or(copied, to), err)
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

func (d *imapDelete) run(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	c.Settings.Force = d.force
	return verbs.Changed(e, "removed", at.Name, c.Unmake(ctx, at.Name))
}

func imapStatus(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	if at.Name == "" { // the account: all of its mailboxes
		l := verbs.NewLister()
		l.Long = true
		return l.Run(ctx, e, c, at, nil)
	}
	entry, err := c.Stat(ctx, at.Name)
	if err != nil {
		return err
	}
	return printFacts(e, &entry)
}

func imapSelect(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	entry, err := c.Select(ctx, at.Name, true)
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

func imapRecent(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	n := 0
	for _, err := range c.Search(ctx, at.Name, "RECENT") {
		if err != nil {
			return err
		}
		n++
	}
	return e.Out.Record(map[string]any{"url": protocols.Redact(at.URL), "recent": n}, func() string { return show.Number(int64(n)) })
}
