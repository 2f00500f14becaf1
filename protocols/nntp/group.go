package nntp

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Group returns the numbers of a group and makes it the current one (GROUP,
// RFC 3977 6.1.1). The count is the server's estimate.
func (c *Client) Group(ctx context.Context, group string) (protocols.GroupInfo, error) {
	var g protocols.GroupInfo
	err := c.do(ctx, "group", group, []string{group}, func(ctx context.Context, s *session) error {
		t, err := oneGroup(group)
		if err != nil {
			return err
		}
		g, err = s.enterGroup(ctx, t.group)
		return err
	})
	return g, err
}

func (s *session) enterGroup(ctx context.Context, group string) (protocols.GroupInfo, error) {
	r, err := s.need(ctx, []int{211}, "GROUP", group)
	if err != nil {
		return protocols.GroupInfo{}, err
	}
	return s.entered(group, r)
}

// entered reads the reply to GROUP: "count low high name".
func (s *session) entered(group string, r *protocols.Reply) (protocols.GroupInfo, error) {
	words := strings.Fields(r.Text())
	var n [3]int64
	for i := range n {
		ok := i < len(words)
		if ok {
			n[i], ok = parseNumber(words[i])
		}
		if !ok {
			return protocols.GroupInfo{}, s.Fail(protocols.ProtocolError(proto, "", "reply to GROUP without three numbers: "+strconv.Quote(wire.Clip(r.Text()))))
		}
	}
	s.group, s.served = group, true
	return protocols.GroupInfo{Count: n[0], Low: n[1], High: n[2]}, nil
}

// inGroup sends a command that needs a selected group and returns its reply. GROUP
// goes ahead of it, pipelined, unless that group is selected already. The steps of
// ahead are sent first, and their replies go to their functions.
func (s *session) inGroup(ctx context.Context, group string, ahead []step, verb string, args ...string) (*protocols.Reply, error) {
	for retried := false; ; retried = true {
		r, refused, err := s.fly(group, ahead, verb, args)
		if err != nil {
			return nil, err
		}
		first := r
		if refused != nil {
			first = refused
		}
		if !retried {
			again, err := s.remedy(ctx, first)
			if err != nil {
				return nil, err
			}
			if again {
				continue
			}
		}
		if refused != nil {
			return nil, refusal(refused)
		}
		return r, nil
	}
}

// step is a command sent ahead of another; then receives its reply.
type step struct {
	verb string
	args []string
	then func(r *protocols.Reply) error
}

// walk is fly with one command at a time: the one after a refused GROUP is not sent.
func (s *session) walk(group string, ahead []step, verb string, args []string) (r, refused *protocols.Reply, err error) {
	for _, st := range ahead {
		if r, err = s.Cmd(st.verb, st.args...); err == nil {
			err = st.then(r)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if group != "" && group != s.group {
		if r, err = s.Cmd("GROUP", group); err != nil {
			return nil, nil, err
		}
		if r.Code != 211 {
			return nil, r, nil
		}
		if _, err = s.entered(group, r); err != nil {
			return nil, nil, err
		}
	}
	r, err = s.Cmd(verb, args...)
	return r, nil, err
}

// window returns the most commands in flight, and the number of unanswered ones at which
// more are sent.
func (s *session) window() (high, low int) {
	if s.c.Settings.NoPipelining {
		return 1, 0
	}
	return windowHigh, windowLow
}

// fly sends the commands at once and reads their replies. refused is the reply to
// GROUP if it is not a success. Then the reply to the command is dropped: it would
// be about another group.
func (s *session) fly(group string, ahead []step, verb string, args []string) (r, refused *protocols.Reply, err error) {
	if s.c.Settings.NoPipelining {
		return s.walk(group, ahead, verb, args)
	}
	switching := group != "" && group != s.group
	for _, st := range ahead {
		if err := s.Queue(st.verb, st.args...); err != nil {
			return nil, nil, err
		}
	}
	if switching {
		if err := s.Queue("GROUP", group); err != nil {
			return nil, nil, err
		}
	}
	if err := s.Queue(verb, args...); err != nil {
		return nil, nil, s.Fail(err) // the queued commands must not go out with the next one
	}
	if err := s.Flush(); err != nil {
		return nil, nil, err
	}
	for _, st := range ahead {
		if r, err = s.Reply(); err == nil {
			err = st.then(r)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if switching {
		if r, err = s.Reply(); err != nil {
			return nil, nil, err
		}
		if r.Code == 211 {
			_, err = s.entered(group, r)
		} else {
			refused = r
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if r, err = s.Reply(); err != nil || refused == nil {
		return r, refused, err
	}
	if hasData(r.Code, verb) {
		return nil, refused, s.Fail(s.data(r).Drain(mostDrained))
	}
	return r, refused, nil
}

// Numbers returns the article numbers of a group or of a range of it (LISTGROUP,
// RFC 3977 6.1.2), in the server's order, streamed. From a server without that command
// it reads the overview.
func (c *Client) Numbers(ctx context.Context, name string) iter.Seq2[int64, error] {
	return stream(ctx, c, "listgroup", name, func(ctx context.Context, s *session, yield func(int64) bool) error {
		t, err := oneGroup(name)
		if err != nil {
			return err
		}
		args := []string{t.group}
		if t.ranged {
			args = append(args, t.spec())
		}
		r, err := s.ask(ctx, "LISTGROUP", args...)
		if err == nil && unknown(r.Code) {
			return overviewReader{s}.overview(ctx, t, func(e protocols.Entry) bool {
				return !e.Parsed() || t.ranged && (e.Number < t.low || e.Number > t.high) || yield(e.Number)
			})
		}
		if err == nil {
			err = want(r, 211)
		}
		if err != nil {
			return err
		}
		s.group = t.group
		return s.parsed(s.data(r), func(line []byte) (ok, more bool) {
			n, ok := parseNumber(strings.TrimSpace(string(line)))
			inside := !t.ranged || n >= t.low && n <= t.high // old servers ignore the range
			return ok, !ok || !inside || yield(n)
		})
	})
}

// stream runs a listing as an iterator: the client is busy until the loop ends.
func stream[T any](ctx context.Context, c *Client, op, name string, run func(ctx context.Context, s *session, yield func(T) bool) error, args ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := c.do(ctx, op, name, append(args, name), func(ctx context.Context, s *session) error {
			return run(ctx, s, func(v T) bool { return yield(v, nil) })
		})
		if err != nil && err != line.ErrStop {
			var zero T
			yield(zero, err)
		}
	}
}

// Neighbour returns the article after (NEXT) or before (LAST) the one called name, or
// the current one of the group. The entry has its number and message-id.
func (c *Client) Neighbour(ctx context.Context, name string, next bool) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "next", name, []string{name}, func(ctx context.Context, s *session) error {
		t, err := oneGroup(name)
		if err != nil {
			return err
		}
		verb := "LAST"
		if next {
			verb = "NEXT"
		}
		var r *protocols.Reply
		if t.ranged {
			stat := step{"STAT", []string{t.spec()}, func(r *protocols.Reply) error { return want(r, 223) }}
			if _, err := s.enterGroup(ctx, t.group); err != nil {
				return err
			}
			r, err = s.inGroup(ctx, t.group, []step{stat}, verb)
		} else {
			r, err = s.inGroup(ctx, t.group, nil, verb)
		}
		if err == nil {
			err = want(r, 223)
		}
		if err == nil {
			e, err = s.pointed(r, t.group)
		}
		return err
	})
	return e, err
}

// pointed reads "number message-id" of a 22x reply (RFC 3977 6.2.1).
func (s *session) pointed(r *protocols.Reply, group string) (protocols.Entry, error) {
	number, rest, _ := strings.Cut(r.Text(), " ")
	n, ok := parseNumber(number)
	if !ok {
		return protocols.Entry{}, s.Fail(protocols.ProtocolError(proto, "", "reply without an article number: "+strconv.Quote(wire.Clip(r.Text()))))
	}
	id, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return s.articleEntry(group, n, id), nil
}

// articleEntry returns the entry of an article with only its names. Without group and
// number it is named by its message-id.
func (s *session) articleEntry(group string, number int64, id string) protocols.Entry {
	e := protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, MessageInfo: &protocols.MessageInfo{Number: number, MessageID: id}}
	s.place(&e, group)
	return e
}

// mostNumbers bounds the article numbers that Articles holds.
const mostNumbers = 4 << 20

// Articles returns the names of the articles of a group, or of a range of it, that
// exist and that Settings.Newsrc does not list as read. It reads them all before it
// returns, so that the client is free while the names are used.
func (c *Client) Articles(ctx context.Context, name string) (iter.Seq[string], error) {
	t, err := oneGroup(name)
	if err != nil {
		return nil, c.wrap(err, "listgroup", name)
	}
	if list := c.Settings.Newsrc; list != nil && list.Marked(t.group) {
		err := c.do(ctx, "group", t.group, nil, func(ctx context.Context, s *session) error {
			g, err := s.enterGroup(ctx, t.group)
			if err == nil {
				s.fit(list, t.group, g)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var numbers []int64
	for n, err := range c.Numbers(ctx, name) {
		if err != nil {
			return nil, err
		}
		if list := c.Settings.Newsrc; list != nil && list.Read(t.group, n) {
			continue
		}
		if len(numbers) == mostNumbers {
			return nil, c.wrap(&protocols.Error{Kind: protocols.KindProtocol, Text: "more than " + strconv.Itoa(mostNumbers) + " articles at once; name a range"}, "listgroup", name)
		}
		numbers = append(numbers, n)
	}
	return func(yield func(string) bool) {
		for _, n := range numbers {
			if !yield(articleName(t.group, n)) {
				return
			}
		}
	}, nil
}
