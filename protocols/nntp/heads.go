package nntp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// heads is the overview of a server that has none, not even XOVER (RFC 977): made
// of the headers of the articles, pipelined. Their sizes are not known.
func (s *session) heads(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	if t.id == "" {
		g, err := s.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		t.low, t.high = max(t.low, g.Low, 1), min(t.high, g.High)
	}
	send := func(one target) error { return s.queue(string(Head), one.spec()) }
	missing := 0
	for one, err := range wire.NewWindow(s.out, windowHigh, windowLow, send).All(t.each) {
		if err != nil {
			return s.fail(err)
		}
		e, found, err := s.head(one)
		if err != nil {
			return s.fail(err) // answers are under way that nobody reads
		}
		if missing++; !found && missing <= s.limits.ReplyLines {
			continue
		}
		if !found {
			return s.fail(&wire.LimitError{What: "run of articles that are not there", Limit: int64(missing), Unit: "articles"})
		}
		if missing = 0; !yield(e) {
			s.fail(errStop)
			return errStop
		}
	}
	return nil
}

// each gives the articles of a target one by one.
func (t target) each(yield func(target) bool) {
	if t.id != "" {
		yield(t)
		return
	}
	for n := t.low; n <= t.high; n++ {
		if !yield(target{group: t.group, low: n, high: n, ranged: true}) || n == t.high {
			return
		}
	}
}

// head reads the answer to HEAD. An article that is not there is not found.
func (s *session) head(t target) (e protocols.Entry, found bool, err error) {
	r, err := s.reply()
	if err != nil {
		return e, false, err
	}
	if r.Code == 423 || r.Code == 430 || r.Code == 420 {
		return e, false, nil
	}
	if err := want(r, partCodes[Head]); err != nil {
		return e, false, err
	}
	e = protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, MessageInfo: &protocols.MessageInfo{Number: t.low}}
	columns := s.format
	if columns == nil {
		columns = standard
	}
	err = s.headers(func(name, value string) {
		if slices.ContainsFunc(columns, func(f field) bool { return f.name == name }) {
			setColumn(&e, field{name: name}, value)
		}
	})
	s.place(&e, t.group)
	return e, true, err
}

// headers reads the lines of a header up to the final dot, unfolded, and gives
// each field with its name in lower case.
func (s *session) headers(give func(name, value string)) error {
	lines, err := s.bounded(s.block())
	if err != nil {
		return err
	}
	for i := 0; i < len(lines); {
		name, value, ok := strings.Cut(lines[i], ":")
		for i++; i < len(lines) && strings.TrimLeft(lines[i], " \t") != lines[i]; i++ {
			value += " " + strings.TrimSpace(lines[i])
		}
		if ok {
			give(strings.ToLower(name), strings.TrimSpace(value))
		}
	}
	return nil
}
