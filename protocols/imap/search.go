package imap

import (
	"cmp"
	"context"
	"iter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Search finds messages of a mailbox and lists them as List does. The query is
// readable ("from:ann subject:\"the plan\" since:2026-01-02 unread larger:2M"), or
// IMAP's own words if it starts with "imap:" ("imap:OR SEEN FROM ann").
func (c *Client) Search(ctx context.Context, text, query string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "search", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		return listFound(ctx, s, n, cmp.Or(query, n.Search), yield)
	}, query)
}

// listFound lists what a search finds, in the order of the server.
func listFound(ctx context.Context, s *session.Session, n *imapwire.Name, query string, yield yielder) error {
	box, found, err := findMessages(s, n, query)
	if err != nil {
		return err
	}
	return listSets(ctx, box, "UID FETCH", found.Sets(), yield)
}

// findMessages selects the mailbox of a name and finds messages of it.
func findMessages(s *session.Session, n *imapwire.Name, query string) (*session.Mailbox, imapwire.Ranges, error) {
	criteria, err := compileQuery(query)
	if err != nil {
		return nil, nil, err
	}
	if n.UIDs() != "" {
		criteria = append([]any{"UID " + n.UIDs()}, criteria...)
	}
	box, err := s.Refresh(n)
	if err != nil {
		return nil, nil, err
	}
	found, err := box.Search(criteria)
	return box, found, err
}
