package nntp

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Stat describes a group (GROUP) or an article (its overview, or STAT).
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(s *session) (err error) {
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

// statArticle asks whether it is there, and then for its overview.
func (s *session) statArticle(ctx context.Context, t target) (protocols.Entry, error) {
	r, err := s.inGroup(ctx, t.group, nil, "STAT", t.spec())
	if err == nil {
		err = want(r, 223)
	}
	if err != nil {
		return protocols.Entry{}, err
	}
	number, rest, _ := strings.Cut(r.Text(), " ")
	n, _ := parseNumber(number)
	id, _ := cutBlank(strings.TrimSpace(rest))
	if t.id != "" {
		n, id = 0, t.id
		if !s.offers("OVER", "MSGID") {
			return s.c.articleEntry("", 0, id), nil
		}
	}
	e := s.c.articleEntry(t.group, n, id)
	or, err := s.over(ctx, &t)
	if err != nil {
		return e, err
	}
	if or.Code != 224 {
		return e, nil
	}
	found := false
	err = s.linesOf(s.data(or), func(line []byte) bool {
		if o := s.overviewEntry(string(line), t.group); o.Parsed() && !found {
			found, e = true, o
		}
		return true
	})
	return e, err
}

// Exists asks whether an article is there (STAT alone) and gives the entry with
// its number and message-id.
func (c *Client) Exists(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(s *session) error {
		t, err := article(name)
		if err != nil {
			return err
		}
		r, err := s.inGroup(ctx, t.group, nil, "STAT", t.spec())
		if err == nil {
			err = want(r, 223)
		}
		if err != nil {
			return err
		}
		e, err = s.pointed(r, t.group)
		return err
	})
	return e, err
}
