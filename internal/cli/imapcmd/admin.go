package imapcmd

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapAdminVerbs change flags, subscriptions, rights and the like.
func imapAdminVerbs() []*kit.Verb {
	return []*kit.Verb{
		{
			Name: "flag", Args: "URL FLAG...", Short: `change flags of messages: +\Seen or Seen adds, !\Seen or -\Seen removes, =\Seen replaces all`,
			Works: kit.Is[*imap.Client], Words: minusFlags, Run: kit.On(imapFlag),
			Examples: []string{`imap flag 'user@host/INBOX;UID=5' '+\Seen' '!\Flagged'`},
		},
		{
			Name: "expunge", Args: "URL...", Short: `remove what is marked \Deleted for good`,
			Works: kit.Is[*imap.Client], Run: kit.Each(func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
				return verbs.Changed(e, "expunged", at.Name, c.Expunge(ctx, at.Name))
			}),
			Examples: []string{"imap expunge imaps://user@host/INBOX"},
		},
		{
			Name: "subscribe", Args: "URL...", Short: "put mailboxes on the list of subscriptions",
			Works: kit.Is[*imap.Client], Run: kit.Each(subscribing(false)),
		},
		{
			Name: "unsubscribe", Args: "URL...", Short: "take mailboxes off the list of subscriptions",
			Works: kit.Is[*imap.Client], Run: kit.Each(subscribing(true)),
		},
		{
			Name: "quota", Args: "URL [ROOT] [RESOURCE=LIMIT...]", Short: "use and limits; with limits sets them",
			Works: kit.Is[*imap.Client], Run: kit.On(imapQuota),
			Examples: []string{
				"imap quota imaps://user@host/INBOX",
				"imap quota imaps://admin@host/ user.ann STORAGE=512000",
			},
		},
		{
			Name: "acl", Args: "URL [WHO] [RIGHTS]", Short: "rights on a mailbox; with RIGHTS sets them: lrs, +w, -w, none; with WHO shows the rights that can be granted",
			Works: kit.Is[*imap.Client], Run: kit.On(imapACL),
			Examples: []string{
				"imap acl imaps://user@host/Team",
				"imap acl imaps://user@host/Team bob lrs",
			},
		},
		{
			Name: "myrights", Args: "URL...", Short: "the own rights on a mailbox",
			Works: kit.Is[*imap.Client], Run: kit.Each(imapMyRights),
		},
		{
			Name: "namespace", Args: "URL", Short: "the prefixes under which mailboxes lie",
			Works: kit.Is[*imap.Client], Run: kit.On(imapNamespace),
		},
		{
			Name: "id", Args: "URL", Short: "who the server says it is",
			Works: kit.Is[*imap.Client], Run: kit.On(imapID),
		},
		{
			Name: "metadata", Args: "URL [ENTRY] [VALUE]", Short: "annotations of a mailbox or the server; with VALUE sets one, an empty one removes it",
			Works: kit.Is[*imap.Client], Run: kit.On(imapMetadata),
			Examples: []string{
				"imap metadata imaps://user@host/INBOX",
				"imap metadata imaps://user@host/INBOX /private/comment mine",
			},
		},
		{
			Name: "check", Args: "URL", Short: "ask for a checkpoint of a mailbox",
			Works: kit.Is[*imap.Client], Run: kit.On(func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
				return verbs.Changed(e, "checked", at.Name, c.Check(ctx, at.Name))
			}),
		},
	}
}

// minusFlags writes !Seen for -Seen: a word that begins with a minus would be taken for
// flags of the command line.
func minusFlags(fs *pflag.FlagSet, args []string) []string {
	out := slices.Clone(args)
	for i, a := range args {
		if a == "--" {
			break
		}
		if len(a) < 3 || a[0] != '-' || a[1] == '-' {
			continue
		}
		system := slices.ContainsFunc([]string{"Seen", "Answered", "Flagged", "Deleted", "Draft"}, func(f string) bool { return strings.EqualFold(f, a[1:]) })
		if system || fs.ShorthandLookup(a[1:2]) == nil {
			out[i] = "!" + a[1:]
		}
	}
	return out
}

func imapFlag(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	return verbs.Changed(e, "flagged", at.Name, c.Flag(ctx, at.Name, args...))
}

func subscribing(off bool) kit.Action[*imap.Client] {
	return func(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
		return verbs.Changed(e, "subscribed", at.Name, c.Subscribe(ctx, at.Name, off))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func imapQuota(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	if len(args) > 1 {
		limits := map[string]int64{}
		for _, arg := range args[1:] {
			resource, limit, _ := strings.Cut(arg, "=")
			n, err := strconv.ParseInt(limit, 10, 64)
			if err != nil {
				return kit.Usage("quota: want a resource and a limit, as STORAGE=512")
			}
			limits[resource] = n
		}
		return verbs.Changed(e, "quota set", args[0], c.Admin().SetQuota(ctx, args[0], limits))
	}
	var root *string
	if len(args) == 1 {
		root = &args[0]
	}
	list, err := c.Admin().Quotas(ctx, at.Name, root)
	if err != nil {
		return err
	}
	for _, q := range list {
		if err := e.Out.Record(q, func() string {
			return show.Safe(q.Root + " " + q.Resource + " " + show.Number(q.Usage) + " of " + show.Number(q.Limit))
		}); err != nil {
			return err
		}
	}
	return nil
}

// grantable are the rights that somebody can be granted, in groups that go together.
type grantable struct {
	Identifier string   `json:"identifier"`
	Possible   []string `json:"possible"`
}

func imapACL(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	switch {
	case len(args) == 2 && args[1] == "none":
		return verbs.Changed(e, "rights taken", at.Name, c.Admin().DeleteACL(ctx, at.Name, args[0]))
	case len(args) == 2:
		return verbs.Changed(e, "rights set", at.Name, c.Admin().SetACL(ctx, at.Name, args[0], args[1]))
	case len(args) == 1:
		list, err := c.Admin().ListRights(ctx, at.Name, args[0])
		if err != nil {
			return err
		}
		return e.Out.Record(grantable{args[0], list}, func() string { return show.Safe(strings.Join(list, " ")) })
	}
	list, err := c.Admin().ACL(ctx, at.Name)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := e.Out.Record(r, func() string { return show.Safe(r.Identifier + " " + r.Rights) }); err != nil {
			return err
		}
	}
	return nil
}

func imapMyRights(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, _ []string) error {
	rights, err := c.Admin().MyRights(ctx, at.Name)
	if err != nil {
		return err
	}
	return e.Out.Record(map[string]string{"url": protocols.Redact(at.URL), "rights": rights}, func() string { return show.Safe(rights) })
}

func imapNamespace(ctx context.Context, e *kit.Env, c *imap.Client, _ *protocols.Target, _ []string) error {
	list, err := c.Admin().Namespaces(ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := e.Out.Record(n, func() string {
			return show.Safe(n.Kind + " " + strconv.Quote(n.Prefix) + " " + strconv.Quote(n.Delimiter))
		}); err != nil {
			return err
		}
	}
	return nil
}

func imapID(ctx context.Context, e *kit.Env, c *imap.Client, _ *protocols.Target, _ []string) error {
	id, err := c.Admin().ID(ctx)
	if err != nil {
		return err
	}
	return printMap(e, id)
}

func imapMetadata(ctx context.Context, e *kit.Env, c *imap.Client, at *protocols.Target, args []string) error {
	if len(args) == 2 {
		value := &args[1]
		if *value == "" {
			value = nil
		}
		return verbs.Changed(e, "annotated", at.Name, c.Admin().SetMetadata(ctx, at.Name, args[0], value))
	}
	values, err := c.Admin().Metadata(ctx, at.Name, args...)
	if err != nil {
		return err
	}
	return printMap(e, values)
}

// printMap prints one object, or a line for each key.
func printMap(e *kit.Env, m map[string]string) error {
	if e.Out.JSON {
		return e.Out.Object(m)
	}
	for _, key := range sortedKeys(m) {
		if err := e.Out.Text(key + " " + m[key]); err != nil {
			return err
		}
	}
	return nil
}
