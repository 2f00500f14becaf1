package imap

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Quota is one resource of a quota root. STORAGE counts in KiB.
type Quota struct {
	Root     string `json:"root"`
	Resource string `json:"resource"`
	Usage    int64  `json:"usage"`
	Limit    int64  `json:"limit"`
}

// Quotas returns the quotas that apply to a mailbox (GETQUOTAROOT, RFC 9208 4.2),
// or, if root is not nil, those of that quota root (GETQUOTA).
func (a *Admin) Quotas(ctx context.Context, mailbox string, root *string) ([]Quota, error) {
	n, err := parseFor(a.c, mailbox)
	if err == nil && root != nil {
		err = checkArgs(*root)
	}
	if err != nil {
		return nil, a.c.wrap(err, "quota", mailbox)
	}
	verb, arg := "GETQUOTAROOT", any(session.BoxName(cmp.Or(n.Mailbox, "INBOX")))
	if root != nil {
		verb, arg = "GETQUOTA", session.Text(*root)
	}
	var out []Quota
	err = runOn(ctx, a.c, "quota", mailbox, func(ctx context.Context, s *session.Session) error {
		if !s.Has("QUOTA") {
			return imapwire.Missing("quota", "QUOTA")
		}
		return s.Values("QUOTA", func(values []imapwire.Node) error {
			list, err := quotas(values)
			if out = append(out, list...); len(out) > s.Limits.ReplyLines {
				return imapwire.ErrTooMany("quotas")
			}
			return err
		}, verb, arg)
	})
	return out, err
}

// quotas reads `root (STORAGE 10 512 ...)`. Courier leaves the list out where nothing is limited.
func quotas(values []imapwire.Node) ([]Quota, error) {
	if len(values) == 1 && values[0].Kind != imapwire.ListNode || len(values) == 2 && values[1].Kind == imapwire.NilNode {
		return nil, nil
	}
	if len(values) != 2 || values[1].Kind != imapwire.ListNode || len(values[1].List)%3 != 0 {
		return nil, errValues("QUOTA")
	}
	var out []Quota
	for part := range slices.Chunk(values[1].List, 3) {
		usage, ok1 := part[1].Int64()
		limit, ok2 := part[2].Int64()
		if !ok1 || !ok2 {
			return nil, errValues("QUOTA")
		}
		out = append(out, Quota{values[0].Text, strings.ToUpper(part[0].Text), usage, limit})
	}
	slices.SortFunc(out, func(a, b Quota) int { return cmp.Compare(a.Resource, b.Resource) })
	return out, nil
}

// SetQuota sets the limits of a quota root (SETQUOTA), by resource.
func (a *Admin) SetQuota(ctx context.Context, root string, limits map[string]int64) error {
	if err := checkArgs(root); err != nil {
		return a.c.wrap(err, "quota", "")
	}
	var set []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if !imapwire.IsFlag(name) || limits[name] < 0 {
			return a.c.wrap(protocols.UsageError(proto, "quota", "want a resource and a limit, as STORAGE=512"), "quota", "")
		}
		set = append(set, fmt.Sprintf("%s %d", strings.ToUpper(name), limits[name]))
	}
	return runOn(ctx, a.c, "quota", "", func(ctx context.Context, s *session.Session) error {
		if !s.Has("QUOTA") {
			return imapwire.Missing("quota", "QUOTA")
		}
		return s.Simple("SETQUOTA", session.Text(root), "("+strings.Join(set, " ")+")")
	})
}
