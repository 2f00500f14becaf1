package nntp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// headReader reads whole headers (HEAD), for servers without overviews or HDR.
type headReader struct{ *session }

// overview replaces OVER on servers without it and XOVER (RFC 977). The sizes of the
// articles stay unknown.
func (hr headReader) overview(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	columns := hr.format
	if columns == nil {
		columns = standard
	}
	return hr.each(ctx, t, func(one target) (more bool, err error) {
		e := protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, MessageInfo: &protocols.MessageInfo{Number: one.low}}
		err = hr.fields(func(name, value string) {
			if slices.ContainsFunc(columns, func(f field) bool { return f.name == name }) {
				setColumn(&e, field{name: name}, value)
			}
		})
		hr.place(&e, t.group)
		return err == nil && yield(e), err
	})
}

// header replaces HDR on servers without it and XHDR. A missing header has an empty
// value, as with HDR.
func (hr headReader) header(ctx context.Context, t target, wanted string, yield func(HeaderLine) bool) error {
	return hr.each(ctx, t, func(one target) (more bool, err error) {
		h, found := HeaderLine{Number: one.low, ID: t.id}, false
		err = hr.fields(func(name, value string) {
			if !found && strings.EqualFold(name, wanted) {
				h.Value, found = value, true
			}
		})
		return err == nil && yield(h), err
	})
}

// each requests the headers of articles, pipelined, and calls take to read the
// header of each one that exists.
func (hr headReader) each(ctx context.Context, t target, take func(target) (more bool, err error)) error {
	if t.id == "" {
		g, err := hr.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		t.low, t.high = max(t.low, g.Low, 1), min(t.high, g.High)
	}
	send := func(one target) error { return hr.Queue(string(Head), one.spec()) }
	missing := 0
	high, low := hr.window()
	for one, err := range wire.NewWindow(hr.Out, high, low, send).All(t.each) {
		found, more := false, true
		if err == nil {
			found, err = hr.hasHead()
		}
		if found && err == nil {
			missing = 0
			more, err = take(one)
		}
		if missing++; err == nil && missing > hr.Limits.ReplyLines {
			err = &wire.LimitError{What: "run of missing articles", Limit: int64(missing), Unit: "articles"}
		}
		if err != nil {
			return hr.Fail(err) // unread replies are in flight
		}
		if !more {
			hr.Fail(line.ErrStop)
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

// hasHead reads the reply to HEAD and reports whether the article exists.
func (hr headReader) hasHead() (bool, error) {
	r, err := hr.Reply()
	if err != nil {
		return false, err
	}
	if r.Code == 423 || r.Code == 430 || r.Code == 420 {
		return false, nil
	}
	return true, want(r, partCodes[Head])
}

// fields reads a header up to the final dot and calls take with each unfolded field,
// its name in lower case.
func (hr headReader) fields(take func(name, value string)) error {
	lines, err := hr.bounded(hr.block())
	if err != nil {
		return err
	}
	for i := 0; i < len(lines); {
		name, value, ok := strings.Cut(lines[i], ":")
		for i++; i < len(lines) && strings.TrimLeft(lines[i], " \t") != lines[i]; i++ {
			value += " " + strings.TrimSpace(lines[i])
		}
		if ok {
			take(strings.ToLower(name), strings.TrimSpace(value))
		}
	}
	return nil
}
