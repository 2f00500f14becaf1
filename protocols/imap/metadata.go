package imap

import (
	"context"
	"errors"
	"slices"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Metadata returns annotations of a mailbox, or of the server if mailbox is empty
// (RFC 5464), by entry. Without entries it returns all below /private and /shared.
func (a *Admin) Metadata(ctx context.Context, mailbox string, entries ...string) (map[string]string, error) {
	out := map[string]string{}
	options := []any{"(DEPTH 0)"}
	if len(entries) == 0 {
		entries, options = []string{"/private", "/shared"}, []any{"(DEPTH infinity)"}
	}
	if err := checkArgs(entries...); err != nil {
		return nil, a.c.wrap(err, "metadata", mailbox)
	}
	list := []any{session.Open}
	for _, e := range entries {
		list = append(list, session.Text(e))
	}
	list = append(list, session.Close)
	err := a.metadata(ctx, mailbox, func(s *session.Session, box session.BoxName) error {
		each := func(values []imapwire.Node) error { return addAnnotations(out, values, s.Limits.ReplyLines) }
		// The grammar has the options first, the examples of the RFC have them after
		// the mailbox: there are servers of either kind.
		err := s.Values("METADATA", each, "GETMETADATA", slices.Concat(options, []any{box}, list)...)
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Kind == protocols.KindRefused {
			err = s.Values("METADATA", each, "GETMETADATA", slices.Concat([]any{box}, options, list)...)
		}
		return err
	})
	return out, err
}

// addAnnotations reads `mailbox (entry value ...)`. A response without values is
// news of entries that changed.
func addAnnotations(out map[string]string, values []imapwire.Node, most int) error {
	if len(values) == 2 {
		addPairs(out, values[1].List, most, func(entry string) string { return entry })
	}
	return nil
}

// SetMetadata sets one annotation; a nil value removes it.
func (a *Admin) SetMetadata(ctx context.Context, mailbox, entry string, value *string) error {
	if err := checkArgs(entry); err != nil {
		return a.c.wrap(err, "metadata", mailbox)
	}
	set := []any{session.Open, session.Text(entry), "NIL", session.Close}
	if value != nil {
		set[2] = session.Text(*value)
	}
	return a.metadata(ctx, mailbox, func(s *session.Session, box session.BoxName) error {
		return s.Simple("SETMETADATA", append([]any{box}, set...)...)
	})
}

// metadata runs f if the server supports METADATA. METADATA-SERVER is enough for
// the server's own annotations.
func (a *Admin) metadata(ctx context.Context, mailbox string, f func(s *session.Session, box session.BoxName) error) error {
	n, err := parseFor(a.c, mailbox)
	if err != nil {
		return a.c.wrap(err, "metadata", mailbox)
	}
	return runOn(ctx, a.c, "metadata", mailbox, func(ctx context.Context, s *session.Session) error {
		if !s.Has("METADATA") && (n.Mailbox != "" || !s.Has("METADATA-SERVER")) {
			return imapwire.Missing("metadata", "METADATA")
		}
		return f(s, session.BoxName(n.Mailbox))
	})
}
