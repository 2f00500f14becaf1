package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapAdminVerbs change flags, subscriptions, rights and the like.
func imapAdminVerbs() []*verb {
	return []*verb{
		on("flag", "URL FLAG...", `change flags of messages: +\Seen sets, !\Seen takes away; without a sign they replace all`, imapFlag).only().
			eg(`imap flag 'user@host/INBOX;UID=5' '+\Seen' '!\Flagged'`),
		on("expunge", "URL...", `remove what is marked \Deleted for good`, func(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
			return changed(e, "expunged", name, c.Expunge(ctx, name))
		}).only().eg("imap expunge imaps://user@host/INBOX"),
		on("subscribe", "URL...", "put mailboxes on the list of subscriptions", subscribing(false)).only(),
		on("unsubscribe", "URL...", "take mailboxes off the list of subscriptions", subscribing(true)).only(),
		on("quota", "URL [ROOT] [RESOURCE=LIMIT...]", "use and limits; with limits sets them", imapQuota).only().
			eg("imap quota imaps://user@host/INBOX", "imap quota imaps://admin@host/ user.ann STORAGE=512000"),
		on("acl", "URL [WHO] [RIGHTS]", "rights on a mailbox; with RIGHTS sets them: lrs, +w, -w, none; with WHO tells what could be given", imapACL).only().
			eg("imap acl imaps://user@host/Team", "imap acl imaps://user@host/Team bob lrs"),
		on("myrights", "URL...", "the own rights on a mailbox", imapMyRights).only(),
		on("namespace", "URL", "the prefixes under which mailboxes lie", imapNamespace).only(),
		on("id", "URL", "who the server says it is", imapID).only(),
		on("metadata", "URL [ENTRY] [VALUE]", "annotations of a mailbox or the server; with VALUE sets one, an empty one removes it", imapMetadata).only().
			eg("imap metadata imaps://user@host/INBOX", "imap metadata imaps://user@host/INBOX /private/comment mine"),
		on("check", "URL", "ask for a checkpoint of a mailbox", func(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
			return changed(e, "checked", name, c.Check(ctx, name))
		}).only(),
	}
}

func imapFlag(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	return changed(e, "flagged", name, c.Flag(ctx, name, args...))
}

func subscribing(off bool) action[*imap.Client] {
	return func(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
		return changed(e, "subscribed", name, c.Subscribe(ctx, name, off))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func imapQuota(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	if len(args) > 1 {
		limits := map[string]int64{}
		for _, arg := range args[1:] {
			resource, limit, _ := strings.Cut(arg, "=")
			n, err := strconv.ParseInt(limit, 10, 64)
			if err != nil {
				return usage("quota: want a resource and a limit, as STORAGE=512")
			}
			limits[resource] = n
		}
		return changed(e, "quota set", args[0], c.Admin().SetQuota(ctx, args[0], limits))
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
		if err := e.out.record(q, func() string {
			return safe(q.Root + " " + q.Resource + " " + number(q.Usage) + " of " + number(q.Limit))
		}); err != nil {
			return err
		}
	}
	return nil
}

func imapACL(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	switch {
	case len(args) == 2 && args[1] == "none":
		return changed(e, "rights taken", name, c.Admin().DeleteACL(ctx, name, args[0]))
	case len(args) == 2:
		return changed(e, "rights set", name, c.Admin().SetACL(ctx, name, args[0], args[1]))
	case len(args) == 1:
		list, err := c.Admin().ListRights(ctx, name, args[0])
		if err != nil {
			return err
		}
		return e.out.record(map[string]any{"identifier": args[0], "possible": list}, func() string { return safe(strings.Join(list, " ")) })
	}
	list, err := c.Admin().ACL(ctx, name)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := e.out.record(r, func() string { return safe(r.Identifier + " " + r.Rights) }); err != nil {
			return err
		}
	}
	return nil
}

func imapMyRights(ctx context.Context, e *env, c *imap.Client, name string, _ []string) error {
	rights, err := c.Admin().MyRights(ctx, name)
	if err != nil {
		return err
	}
	return e.out.record(map[string]string{"url": protocols.Redact(e.at.URL), "rights": rights}, func() string { return safe(rights) })
}

func imapNamespace(ctx context.Context, e *env, c *imap.Client, _ string, _ []string) error {
	list, err := c.Admin().Namespaces(ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := e.out.record(n, func() string { return safe(n.Kind + " " + strconv.Quote(n.Prefix) + " " + strconv.Quote(n.Delimiter)) }); err != nil {
			return err
		}
	}
	return nil
}

func imapID(ctx context.Context, e *env, c *imap.Client, _ string, _ []string) error {
	id, err := c.Admin().ID(ctx)
	if err != nil {
		return err
	}
	return printMap(e, id)
}

func imapMetadata(ctx context.Context, e *env, c *imap.Client, name string, args []string) error {
	if len(args) == 2 {
		value := &args[1]
		if *value == "" {
			value = nil
		}
		return changed(e, "annotated", name, c.Admin().SetMetadata(ctx, name, args[0], value))
	}
	values, err := c.Admin().Metadata(ctx, name, args...)
	if err != nil {
		return err
	}
	return printMap(e, values)
}

// printMap prints one object, or a line for each key.
func printMap(e *env, m map[string]string) error {
	if e.out.json {
		return e.out.object(m)
	}
	for _, key := range sortedKeys(m) {
		if err := e.out.text(key + " " + m[key]); err != nil {
			return err
		}
	}
	return nil
}
