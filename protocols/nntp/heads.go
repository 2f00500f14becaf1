package nntp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// heads is the overview of a server that has none, not even XOVER (RFC 977): made
// of the headers of the articles. Their sizes are not known.
func (s *session) heads(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	columns := s.format
	if columns == nil {
		columns = standard
	}
	return s.eachHead(ctx, t, func(one target) (more bool, err error) {
		e := protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, MessageInfo: &protocols.MessageInfo{Number: one.low}}
		err = s.headers(func(name, value string) {
			if slices.ContainsFunc(columns, func(f field) bool { return f.name == name }) {
				setColumn(&e, field{name: name}, value)
			}
		})
		s.place(&e, t.group)
		return err == nil && yield(e), err
	})
}

// headerOfHeads is HDR for a server that has it in no form. A header that an article
// has not is empty, as with HDR.
func (s *session) headerOfHeads(ctx context.Context, t target, wanted string, yield func(HeaderLine) bool) error {
	return s.eachHead(ctx, t, func(one target) (more bool, err error) {
		h, found := HeaderLine{Number: one.low, ID: t.id}, false
		err = s.headers(func(name, value string) {
			if !found && strings.EqualFold(name, wanted) {
				h.Value, found = value, true
			}
		})
		return err == nil && yield(h), err
	})
}

// eachHead asks for the headers of articles, pipelined, and lets take read those of
// each that is there.
func (s *session) eachHead(ctx context.Context, t target, take func(target) (more bool, err error)) error {
	if t.id == "" {
		g, err := s.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		t.low, t.high = max(t.low, g.Low, 1), min(t.high, g.High)
	}
	send := func(one target) error { return s.Queue(string(Head), one.spec()) }
	missing := 0
	for one, err := range wire.NewWindow(s.Out, windowHigh, windowLow, send).All(t.each) {
		found, more := false, true
		if err == nil {
			found, err = s.hasHead()
		}
		if found && err == nil {
			missing = 0
			more, err = take(one)
		}
		if missing++; err == nil && missing > s.Limits.ReplyLines {
			err = &wire.LimitError{What: "run of articles that are not there", Limit: int64(missing), Unit: "articles"}
		}
		if err != nil {
			return s.Fail(err) // answers are under way that nobody reads
		}
		if !more {
			s.Fail(line.ErrStop)
			return line.ErrStop
		}
	}
	return nil
}

// each returns the articles of a target one by one.
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

// hasHead reads the reply to HEAD: whether the article is there.
func (s *session) hasHead() (bool, error) {
	r, err := s.Reply()
	if err != nil {
		return false, err
	}
	if r.Code == 423 || r.Code == 430 || r.Code == 420 {
		return false, nil
	}
	return true, want(r, partCodes[Head])
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
