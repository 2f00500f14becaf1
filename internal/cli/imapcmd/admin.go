package imapcmd

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapAdminVerbs change flags, subscriptions, rights and the like.
func imapAdminVerbs() []*kit.Verb {
	return []*kit.Verb{
		kit.On("flag", "URL FLAG...", `change flags of messages: +\Seen sets, !\Seen takes away; without a sign they replace all`, imapFlag).Only().
			Eg(`imap flag 'user@host/INBOX;UID=5' '+\Seen' '!\Flagged'`),
		kit.On("expunge", "URL...", `remove what is marked \Deleted for good`, func(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
			return verbs.Changed(e, "expunged", name, c.Expunge(ctx, name))
		}).Only().Eg("imap expunge imaps://user@host/INBOX"),
		kit.On("subscribe", "URL...", "put mailboxes on the list of subscriptions", subscribing(false)).Only(),
		kit.On("unsubscribe", "URL...", "take mailboxes off the list of subscriptions", subscribing(true)).Only(),
		kit.On("quota", "URL [ROOT] [RESOURCE=LIMIT...]", "use and limits; with limits sets them", imapQuota).Only().
			Eg("imap quota imaps://user@host/INBOX", "imap quota imaps://admin@host/ user.ann STORAGE=512000"),
		kit.On("acl", "URL [WHO] [RIGHTS]", "rights on a mailbox; with RIGHTS sets them: lrs, +w, -w, none; with WHO shows the rights that can be granted", imapACL).Only().
			Eg("imap acl imaps://user@host/Team", "imap acl imaps://user@host/Team bob lrs"),
		kit.On("myrights", "URL...", "the own rights on a mailbox", imapMyRights).Only(),
		kit.On("namespace", "URL", "the prefixes under which mailboxes lie", imapNamespace).Only(),
		kit.On("id", "URL", "who the server says it is", imapID).Only(),
		kit.On("metadata", "URL [ENTRY] [VALUE]", "annotations of a mailbox or the server; with VALUE sets one, an empty one removes it", imapMetadata).Only().
			Eg("imap metadata imaps://user@host/INBOX", "imap metadata imaps://user@host/INBOX /private/comment mine"),
		kit.On("check", "URL", "ask for a checkpoint of a mailbox", func(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
			return verbs.Changed(e, "checked", name, c.Check(ctx, name))
		}).Only(),
	}
}

func imapFlag(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
	return verbs.Changed(e, "flagged", name, c.Flag(ctx, name, args...))
}

func subscribing(off bool) kit.Action[*imap.Client] {
	return func(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
		return verbs.Changed(e, "subscribed", name, c.Subscribe(ctx, name, off))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func imapQuota(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
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
	list, err := c.Admin().Quotas(ctx, name, root)
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

func imapACL(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
	switch {
	case len(args) == 2 && args[1] == "none":
		return verbs.Changed(e, "rights taken", name, c.Admin().DeleteACL(ctx, name, args[0]))
	case len(args) == 2:
		return verbs.Changed(e, "rights set", name, c.Admin().SetACL(ctx, name, args[0], args[1]))
	case len(args) == 1:
		list, err := c.Admin().ListRights(ctx, name, args[0])
		if err != nil {
			return err
		}
		return e.Out.Record(map[string]any{"identifier": args[0], "possible": list}, func() string { return show.Safe(strings.Join(list, " ")) })
	}
	list, err := c.Admin().ACL(ctx, name)
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

func imapMyRights(ctx context.Context, e *kit.Env, c *imap.Client, name string, _ []string) error {
	rights, err := c.Admin().MyRights(ctx, name)
	if err != nil {
		return err
	}
	return e.Out.Record(map[string]string{"url": protocols.Redact(e.At.URL), "rights": rights}, func() string { return show.Safe(rights) })
}

func imapNamespace(ctx context.Context, e *kit.Env, c *imap.Client, _ string, _ []string) error {
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

func imapID(ctx context.Context, e *kit.Env, c *imap.Client, _ string, _ []string) error {
	id, err := c.Admin().ID(ctx)
	if err != nil {
		return err
	}
	return printMap(e, id)
}

func imapMetadata(ctx context.Context, e *kit.Env, c *imap.Client, name string, args []string) error {
	if len(args) == 2 {
		value := &args[1]
		if *value == "" {
			value = nil
		}
		return verbs.Changed(e, "annotated", name, c.Admin().SetMetadata(ctx, name, args[0], value))
	}
	values, err := c.Admin().Metadata(ctx, name, args...)
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
