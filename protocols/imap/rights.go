package imap

import (
	"cmp"
	"context"
	"slices"

	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Right is the rights that one user or group has on a mailbox (RFC 4314).
type Right struct {
	Identifier string `json:"identifier"`
	Rights     string `json:"rights"`
}

// ACL returns who has which rights on a mailbox, sorted by identifier.
func (a *Admin) ACL(ctx context.Context, mailbox string) ([]Right, error) {
	var out []Right
	err := a.acl(ctx, mailbox, "ACL", func(values []imapwire.Node) error {
		if len(values)%2 != 1 {
			return errValues("ACL")
		}
		out = make([]Right, 0, len(values)/2)
		for part := range slices.Chunk(values[1:], 2) {
			out = append(out, Right{part[0].Text, part[1].Text})
		}
		return nil
	}, "GETACL")
	slices.SortFunc(out, func(a, b Right) int { return cmp.Compare(a.Identifier, b.Identifier) })
	return out, err
}

// MyRights returns the rights that the user has on a mailbox.
func (a *Admin) MyRights(ctx context.Context, mailbox string) (string, error) {
	var out string
	err := a.acl(ctx, mailbox, "MYRIGHTS", func(values []imapwire.Node) error {
		if len(values) != 2 {
			return errValues("MYRIGHTS")
		}
		out = values[1].Text
		return nil
	}, "MYRIGHTS")
	return out, err
}

// ListRights returns the rights that identifier can be given on a mailbox: first
// those that it always has, then groups of rights that are granted together.
func (a *Admin) ListRights(ctx context.Context, mailbox, identifier string) ([]string, error) {
	var out []string
	err := a.acl(ctx, mailbox, "LISTRIGHTS", func(values []imapwire.Node) error {
		out = nil
		for _, v := range values[min(2, len(values)):] {
			out = append(out, v.Text)
		}
		return nil
	}, "LISTRIGHTS", identifier)
	return out, err
}

// SetACL changes the rights of identifier on a mailbox: "lrs" sets them, "+w" adds
// one, "-w" removes one.
func (a *Admin) SetACL(ctx context.Context, mailbox, identifier, rights string) error {
	return a.acl(ctx, mailbox, "", nil, "SETACL", identifier, rights)
}

// DeleteACL removes all rights of identifier on a mailbox.
func (a *Admin) DeleteACL(ctx context.Context, mailbox, identifier string) error {
	return a.acl(ctx, mailbox, "", nil, "DELETEACL", identifier)
}

// acl runs one command of the ACL extension on a mailbox. each sees the values of
// the responses named response.
func (a *Admin) acl(ctx context.Context, mailbox, response string, each func(values []imapwire.Node) error, verb string, args ...string) error {
	if err := checkArgs(args...); err != nil {
		return a.c.wrap(err, "acl", mailbox)
	}
	return a.c.on(ctx, "acl", mailbox, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if !s.Has("ACL") {
			return imapwire.Missing("acl", "ACL")
		}
		all := []any{session.BoxName(n.Mailbox)}
		for _, arg := range args {
			all = append(all, session.Text(arg))
		}
		return s.Values(response, each, verb, all...)
	})
}
