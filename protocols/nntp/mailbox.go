package nntp

import (
	"context"
	"iter"
	"net"
	"strconv"

	"github.com/netclients/netclients/protocols"
)

var _ protocols.MessageSource = (*Client)(nil)

// OpenMailbox opens a group, or a range of it, for a sync. It lists the articles by
// their overview. The state is the highest article number, so that a later run asks
// only for later articles. The ids are message-ids: numbers change when a server is
// rebuilt, and differ from server to server.
func (c *Client) OpenMailbox(ctx context.Context, name string) (*protocols.Mailbox, error) {
	var m *protocols.Mailbox
	err := c.do(ctx, "sync", name, []string{name}, func(ctx context.Context, s *session) error {
		t, err := oneGroup(name)
		if err != nil {
			return err
		}
		g, err := s.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		m = c.mailbox(t, name, g)
		return nil
	})
	return m, err
}

func (c *Client) mailbox(t target, name string, g protocols.GroupInfo) *protocols.Mailbox {
	_, host, port, _ := c.address()
	m := &protocols.Mailbox{Account: net.JoinHostPort(host, port), Scope: "news", Name: t.group, Grows: true}
	m.Changes = func(ctx context.Context, since string) iter.Seq2[protocols.Entry, error] {
		return stream(ctx, c, "sync", name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
			return overviewReader{s}.changes(ctx, m, t, g, since, yield)
		})
	}
	return m
}

// changes yields the articles above the number in since. A number above the last
// article comes from another server or from before a renumbering: then it yields
// all articles.
func (o overviewReader) changes(ctx context.Context, m *protocols.Mailbox, t target, g protocols.GroupInfo, since string, yield func(protocols.Entry) bool) error {
	seen, known := parseNumber(since)
	known = known && seen <= g.High && !t.ranged
	high := seen
	if known {
		t.ranged, t.low, t.high = true, seen+1, lastNumber
	} else {
		high = 0
	}
	stopped, readable := false, true
	take := func(e protocols.Entry) bool {
		if readable = readable && e.Parsed(); e.MessageInfo == nil || e.Number < t.low {
			return true // a line that cannot be read, or a server that returns the last article for an empty range
		}
		high = max(high, e.Number)
		if e.ID == "" {
			e.ID = m.Account + " " + e.Path
		}
		if len(o.c.Fill) > 0 && e.MessageID != "" {
			e.Path = e.MessageID
		}
		stopped = !yield(e)
		return !stopped
	}
	var err error
	if !known || g.High > seen {
		err = o.overview(ctx, t, take)
	}
	if e, ok := err.(*protocols.Error); ok && known && e.Code == 423 {
		err = nil
	}
	if err != nil || stopped {
		return err
	}
	if t.ranged && !known { // of the group this is a part
		return nil
	}
	m.State, m.Complete = strconv.FormatInt(high, 10), !known && readable
	return nil
}
