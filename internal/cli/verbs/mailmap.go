package verbs

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// mailNames decides what the mailboxes of an account are called at the destination.
type mailNames struct {
	rules       []string // REGEX=NEW
	noUse       bool
	subscribe   bool
	subscribing []string // names at the destination that are up to date
}

func (m *mailNames) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&m.rules, "map", nil, "mail accounts: replace what `REGEX=NEW` matches in the names of mailboxes; may be repeated, $1 is a group")
	fs.BoolVar(&m.noUse, "no-special-use", false, "mail accounts: do not store sent mail, drafts, junk, trash and archive in DST's mailboxes for them, whatever their names")
	fs.BoolVar(&m.subscribe, "subscribe", false, "mail accounts: subscribe to the mailboxes in DST")
}

// given returns the name of a flag that was given; empty: none.
func (m *mailNames) given() string {
	switch {
	case len(m.rules) > 0:
		return "map"
	case m.noUse:
		return "no-special-use"
	case m.subscribe:
		return "subscribe"
	}
	return ""
}

// mailRule replaces what an expression matches in a name.
type mailRule struct {
	from *regexp.Regexp
	to   string
}

// compile reads the rules. The last equals sign ends an expression.
func (m *mailNames) compile() ([]mailRule, error) {
	var out []mailRule
	for _, text := range m.rules {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			return nil, kit.Usage("sync: --map wants REGEX=NEW, not %q", text)
		}
		from, err := regexp.Compile(text[:i])
		if err != nil {
			return nil, kit.Usage("sync: --map %s: %v", text, err)
		}
		out = append(out, mailRule{from, text[i+1:]})
	}
	return out, nil
}

// renamed applies rules to a name in their order.
func renamed(rules []mailRule, name string) (string, error) {
	to := name
	for _, r := range rules {
		to = r.from.ReplaceAllString(to, r.to)
	}
	if to == "" {
		return "", kit.Usage("sync: --map leaves nothing of the name of the mailbox %q", name)
	}
	return to, nil
}

// movedUses are the special uses (RFC 6154) of which an account has one mailbox each.
var movedUses = map[string]bool{"sent": true, "drafts": true, "junk": true, "trash": true, "archive": true}

// uses returns the mailboxes of an account by their special use. Of two for one use none
// is meant.
func uses(ctx context.Context, e *kit.Env, account *protocols.Target) (map[string]string, error) {
	c, err := e.Dial(account)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out, twice := map[string]string{}, map[string]bool{}
	for entry, err := range protocols.List(ctx, c, account.Name) {
		if err != nil {
			return nil, err
		}
		use := entry.Facts["use"]
		if entry.Type != protocols.TypeMailbox || !movedUses[use] {
			continue
		}
		if other := out[use]; other != "" && other != entry.Name {
			twice[use] = true
		}
		out[use] = entry.Name
	}
	for use := range twice {
		delete(out, use)
	}
	return out, nil
}

// namer returns what the mailboxes that are synced to a target are called there.
func (m *mailNames) namer(ctx context.Context, e *kit.Env, to *protocols.Target) (func(name, use string) (string, error), error) {
	rules, err := m.compile()
	if err != nil {
		return nil, err
	}
	var there map[string]string
	if !m.noUse && isAccount(to) {
		if there, err = uses(ctx, e, to); err != nil {
			return nil, err
		}
	}
	return func(name, use string) (string, error) {
		to, err := renamed(rules, name)
		if err != nil || to != name { // who renames it wants that name
			return to, err
		}
		return cmp.Or(there[use], name), nil
	}, nil
}

// apart refuses two mailboxes for one place, before anything is written.
func apart(pairs []MailPair) error {
	taken := map[string]string{}
	for _, p := range pairs {
		if p.err != nil {
			continue
		}
		place := mailboxOf(p.To)
		if other, ok := taken[place]; ok {
			return kit.Usage("sync: the mailboxes %q and %q would both be stored in %q: choose other names with --map, or --exclude one of them (or --no-special-use, if their uses are the reason)", other, p.Name, p.To.Name)
		}
		taken[place] = p.Name
	}
	return nil
}

// subscriber is implemented by clients of accounts with subscriptions.
type subscriber interface {
	Subscribe(ctx context.Context, name string, off bool) error
}

// note has the mailboxes that are brought up to date subscribed to.
func (m *mailNames) note(pairs []MailPair) {
	m.subscribing = nil
	for i := range pairs {
		if p := &pairs[i]; p.err == nil {
			p.Done = func() { m.subscribing = append(m.subscribing, p.To.Name) }
		}
	}
}

// subscribed subscribes to them.
func (m *mailNames) subscribed(ctx context.Context, e *kit.Env, to *protocols.Target) error {
	if len(m.subscribing) == 0 {
		return nil
	}
	client, err := e.Dial(to)
	if err != nil {
		return err
	}
	defer client.Close()
	c, ok := protocols.As[subscriber](client)
	if !ok {
		return kit.Usage("sync: --subscribe is for IMAP accounts as DST")
	}
	var first error
	for _, name := range m.subscribing {
		first = cmp.Or(first, c.Subscribe(ctx, name, false))
	}
	return first
}
