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
		e, err = s.stat(ctx, name)
		return err
	})
	return e, err
}

func (s *session) stat(ctx context.Context, name string) (protocols.Entry, error) {
	t, err := parseName(name)
	switch {
	case err != nil:
		return protocols.Entry{}, err
	case t.single():
		return s.statArticle(ctx, t)
	case t.group == "" || t.ranged:
		return protocols.Entry{}, protocols.UsageError(proto, "stat", "name one group, or one article")
	}
	g, err := s.enterGroup(ctx, t.group)
	if err != nil {
		return protocols.Entry{}, err
	}
	return protocols.Entry{
		Protocol: proto, URL: s.c.urlOf(t.group), Name: t.group, Path: t.group, Type: protocols.TypeGroup, Size: -1, GroupInfo: &g,
	}, nil
}

// statArticle asks whether it is there, and then for its overview; by message-id
// few servers have one, and the header stands in for it.
func (s *session) statArticle(ctx context.Context, t target) (protocols.Entry, error) {
	e, err := s.exists(ctx, t)
	if err != nil {
		return e, err
	}
	found := func(o protocols.Entry) bool {
		if o.Parsed() {
			e = o
		}
		return true
	}
	if t.id != "" && !s.offers("OVER", "MSGID") {
		err = s.heads(ctx, t, found)
	} else {
		err = s.overview(ctx, t, found)
	}
	if no, ok := errors.AsType[*protocols.Error](err); ok && no.Kind == protocols.KindRefused && s.Failed() == nil {
		err = nil // it is there, and that is all that the server tells
	}
	return e, err
}

// exists asks with STAT.
func (s *session) exists(ctx context.Context, t target) (protocols.Entry, error) {
	r, err := s.inGroup(ctx, t.group, nil, "STAT", t.spec())
	if err == nil {
		err = want(r, 223)
	}
	if err != nil {
		return protocols.Entry{}, err
	}
	if t.id != "" {
		return s.articleEntry("", 0, t.id), nil
	}
	return s.pointed(r, t.group)
}

// Exists asks whether an article is there (STAT alone) and returns the entry with
// its number and message-id.
func (c *Client) Exists(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(ctx context.Context, s *session) error {
		t, err := article(name)
		if err != nil {
			return err
		}
		e, err = s.exists(ctx, t)
		return err
	})
	return e, err
}
