package nntp

import (
	"context"
	"errors"

	"github.com/netclients/netclients/protocols"
)

// Stat describes a group (GROUP) or an article (its overview, or STAT).
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(ctx context.Context, s *session) (err error) {
		e, err = articleReader{s}.stat(ctx, name)
		return err
	})
	return e, err
}

// stat describes the group or article called name.
func (a articleReader) stat(ctx context.Context, name string) (protocols.Entry, error) {
	t, err := parseName(name)
	switch {
	case err != nil:
		return protocols.Entry{}, err
	case t.single():
		return a.statArticle(ctx, t)
	case t.group == "" || t.ranged:
		return protocols.Entry{}, protocols.UsageError(proto, "stat", "name one group, or one article")
	}
	g, err := a.enterGroup(ctx, t.group)
	if err != nil {
		return protocols.Entry{}, err
	}
	return protocols.Entry{
		Protocol: proto, URL: a.c.urlOf(t.group), Name: t.group, Path: t.group, Type: protocols.TypeGroup, Size: -1, GroupInfo: &g,
	}, nil
}

// statArticle asks with STAT, which decides, and then reads the overview, or the
// header: few servers have overviews by message-id. The message-id of the reply to
// STAT stays unless the overview has one.
func (a articleReader) statArticle(ctx context.Context, t target) (protocols.Entry, error) {
	e, err := a.exists(ctx, t)
	if err != nil {
		return e, err
	}
	found := func(o protocols.Entry) bool {
		if o.Parsed() && o.MessageID == "" {
			o.MessageID = e.MessageID
			a.place(&o, t.group)
		}
		if o.Parsed() {
			e = o
		}
		return true
	}
	if t.id != "" && !a.offers("OVER", "MSGID") {
		err = headReader{a.session}.overview(ctx, t, found)
	} else {
		err = overviewReader{a.session}.overview(ctx, t, found)
	}
	if no, ok := errors.AsType[*protocols.Error](err); ok && no.Kind == protocols.KindRefused && no.Code != 0 {
		err = nil // it exists, but the server has no overview of it
	}
	return e, err
}

// exists sends STAT.
func (a articleReader) exists(ctx context.Context, t target) (protocols.Entry, error) {
	r, err := a.inGroup(ctx, t.group, nil, "STAT", t.spec())
	if err == nil {
		err = want(r, 223)
	}
	if err != nil {
		return protocols.Entry{}, err
	}
	if t.id != "" {
		return a.articleEntry("", 0, t.id), nil
	}
	return a.pointed(r, t.group)
}

// Exists checks that an article exists (STAT) and returns an entry with its number
// and message-id.
func (c *Client) Exists(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(ctx context.Context, s *session) error {
		t, err := article(name)
		if err != nil {
			return err
		}
		e, err = articleReader{s}.exists(ctx, t)
		return err
	})
	return e, err
}
