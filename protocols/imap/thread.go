package imap

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Thread lists what a query finds by conversations: parents before children. The
// facts of an entry are the number of its thread (from 1), its depth (from 0) and
// the UID of its parent. algorithm is REFERENCES or ORDEREDSUBJECT, empty for the
// best that the server supports; if it supports none (RFC 5256), the References
// fields are followed here.
func (c *Client) Thread(ctx context.Context, text, algorithm, query string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "thread", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		criteria, err := compileQuery(query)
		if err != nil {
			return err
		}
		box, err := s.Refresh(n)
		if err != nil {
			return err
		}
		algorithm, there, err := threadAlgorithm(s, algorithm)
		if err != nil {
			return err
		}
		var order []threaded
		if there {
			order, err = threadThere(s, box, algorithm, criteria)
		} else {
			order, err = threadHere(ctx, box, criteria)
		}
		if err != nil {
			return err
		}
		return listThreads(ctx, box, order, yield)
	}, algorithm, query)
}

// threaded is one message in its thread.
type threaded struct {
	uid, parent   uint32
	thread, depth uint32
}

// threadAlgorithm picks one. there is false when it is done here.
func threadAlgorithm(s *session.Session, asked string) (algorithm string, there bool, err error) {
	known := []string{"REFERENCES", "REFS", "ORDEREDSUBJECT"}
	asked = strings.ToUpper(asked)
	if asked != "" && !s.Has("THREAD="+asked) && asked != "REFERENCES" {
		return "", false, imapwire.Missing("thread", "THREAD="+wire.Clip(asked))
	}
	if asked != "" {
		known = []string{asked}
	}
	for _, name := range known {
		if s.Has("THREAD=" + name) {
			return name, true, nil
		}
	}
	return "", false, nil
}

func threadThere(s *session.Session, box *session.Mailbox, algorithm string, criteria []any) ([]threaded, error) {
	var order []threaded
	err := s.Ask(func(r *imapwire.Response) error {
		if r.Name != "THREAD" {
			return nil
		}
		var err error
		order, err = parseThreads(r.Args, s.Limits.Depth, box.MaxFound())
		return s.Fail(err)
	}, "UID THREAD", append([]any{algorithm, "UTF-8"}, criteria...)...)
	return order, err
}

func errThreads(what string) error {
	return protocols.ProtocolError(proto, "", "malformed THREAD response: "+what)
}

// parseThreads reads "(2)(3 6 (4 23)(44 7 96))" (RFC 5256 4) of at most most messages:
// numbers in a row are each other's children, lists in a list are branches. Long
// conversations are deep, so it works without recursion.
func parseThreads(args string, depth, most int) ([]threaded, error) {
	var out []threaded
	type level struct {
		parent uint32
		depth  uint32
	}
	var stack []level
	var at level
	thread := uint32(0)
	for i := 0; i < len(args); {
		switch ch := args[i]; {
		case ch == '(':
			if len(stack) == 0 {
				thread++
				at = level{}
			}
			if stack = append(stack, at); len(stack) > max(depth, 1)*100 {
				return nil, errThreads("nested too deep")
			}
			i++
		case ch == ')':
			if len(stack) == 0 {
				return nil, errThreads("unbalanced parentheses")
			}
			at, stack = stack[len(stack)-1], stack[:len(stack)-1]
			i++
		case ch == ' ':
			i++
		default:
			k := i
			for k < len(args) && args[k] >= '0' && args[k] <= '9' {
				k++
			}
			uid, err := strconv.ParseUint(args[i:k], 10, 32)
			if err != nil || len(stack) == 0 {
				return nil, errThreads("not a UID in a thread")
			}
			if len(out) == most {
				return nil, imapwire.ErrTooMany("messages")
			}
			out = append(out, threaded{uint32(uid), at.parent, thread, at.depth})
			at = level{uint32(uid), at.depth + 1}
			i = k
		}
	}
	return out, nil
}

// listThreads lists messages with their places in threads.
func listThreads(ctx context.Context, box *session.Mailbox, order []threaded, yield yielder) error {
	uid := func(i int) uint32 { return order[i].uid }
	return listInOrder(ctx, box, len(order), uid, func(i int, e protocols.Entry) error {
		t := order[i]
		if e.Facts == nil {
			e.Facts = map[string]string{}
		}
		e.Facts["thread"], e.Facts["depth"] = fmt.Sprint(t.thread), fmt.Sprint(t.depth)
		if t.parent != 0 {
			e.Facts["parent"] = fmt.Sprint(t.parent)
		}
		return yield(e)
	})
}
