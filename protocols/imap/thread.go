package imap

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Thread lists what a query finds by conversations: parents before children. The
// facts of an entry tell the number of its thread (from 1), its depth (from 0) and
// the UID of its parent. algorithm is REFERENCES or ORDEREDSUBJECT, empty for the
// best that the server has; where it has none (RFC 5256) the References fields are
// followed here.
func (c *Client) Thread(ctx context.Context, text, algorithm, query string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "thread", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		criteria, err := compileQuery(query)
		if err != nil {
			return err
		}
		if err := s.refresh(n); err != nil {
			return err
		}
		algorithm, there, err := s.threadAlgorithm(algorithm)
		if err != nil {
			return err
		}
		var order []threaded
		if there {
			order, err = s.threadThere(algorithm, criteria)
		} else {
			order, err = s.threadHere(ctx, criteria)
		}
		if err != nil {
			return err
		}
		return s.listThreads(ctx, order, yield)
	}, algorithm, query)
}

// threaded is one message in its thread.
type threaded struct {
	uid, parent   uint32
	thread, depth uint32
}

// threadAlgorithm picks one. there is false when it is done here.
func (s *session) threadAlgorithm(asked string) (algorithm string, there bool, err error) {
	known := []string{"REFERENCES", "REFS", "ORDEREDSUBJECT"}
	asked = strings.ToUpper(asked)
	if asked != "" && !s.caps["THREAD="+asked] && asked != "REFERENCES" {
		return "", false, imapwire.Missing("thread", "THREAD="+imapwire.Clip(asked))
	}
	if asked != "" {
		known = []string{asked}
	}
	for _, name := range known {
		if s.caps["THREAD="+name] {
			return name, true, nil
		}
	}
	return "", false, nil
}

func (s *session) threadThere(algorithm string, criteria []any) ([]threaded, error) {
	var order []threaded
	err := s.ask(func(r *imapwire.Response) error {
		if r.Name != "THREAD" {
			return nil
		}
		var err error
		order, err = parseThreads(r.Args, s.c.limits)
		return s.fail(err)
	}, "UID THREAD", append([]any{algorithm, "UTF-8"}, criteria...)...)
	return order, err
}

// parseThreads reads "(2)(3 6 (4 23)(44 7 96))" (RFC 5256 4): numbers in a row are
// each other's children, lists in a list are branches. Long conversations are
// deep, so that it is read without recursion.
func parseThreads(args string, l protocols.Limits) ([]threaded, error) {
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
			if stack = append(stack, at); len(stack) > max(l.Depth, 1)*100 {
				return nil, protocols.ProtocolError(proto, "", "threads nested too deep")
			}
			i++
		case ch == ')':
			if len(stack) == 0 {
				return nil, protocols.ProtocolError(proto, "", "threads that make no sense")
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
				return nil, protocols.ProtocolError(proto, "", "threads that make no sense")
			}
			if len(out) == orderMost {
				return nil, errOrder()
			}
			out = append(out, threaded{uint32(uid), at.parent, thread, at.depth})
			at = level{uint32(uid), at.depth + 1}
			i = k
		}
	}
	return out, nil
}

// threadItem asks for what links messages.
const threadItem = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID REFERENCES IN-REPLY-TO)])"

// threadHere follows the References and In-Reply-To fields: a message is the child
// of the last one it names that is there.
func (s *session) threadHere(ctx context.Context, criteria []any) ([]threaded, error) {
	found, err := s.search(criteria)
	if err != nil || found == "" {
		return nil, err
	}
	byID := map[string]uint32{}
	refs := map[uint32][]string{}
	var uids []uint32
	err = s.fetchSets(ctx, "UID FETCH", imapwire.CutSet(found), threadItem, func(r *imapwire.Response) error {
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil || m.UID == 0 || m.Size < 0 {
			return s.fail(err)
		}
		if len(uids) == sortMost {
			return &protocols.Error{Kind: protocols.KindRefused, Text: "the server has no THREAD, and these are too many messages to thread here"}
		}
		id, named := links(m.Header)
		if byID[id] == 0 && id != "" {
			byID[id] = m.UID
		}
		refs[m.UID] = named
		uids = append(uids, m.UID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return joinThreads(uids, parents(uids, refs, byID)), nil
}

// links reads the message identifiers of a header: the message's own, and those
// that it names, oldest first.
func links(header string) (id string, named []string) {
	var replied []string
	for header != "" {
		var field string
		field, header = imapwire.CutField(header)
		key, value, _ := strings.Cut(field, ":")
		ids := strings.FieldsFunc(imapwire.Unfold(value), func(r rune) bool { return r == ' ' || r == ',' })
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "message-id":
			id = strings.Join(ids, " ")
		case "references":
			named = ids
		case "in-reply-to":
			replied = ids[:min(len(ids), 1)]
		}
	}
	if len(named) == 0 {
		named = replied
	}
	return id, named[max(0, len(named)-50):]
}

// parents finds the parent of each message. A circle is cut.
func parents(uids []uint32, refs map[uint32][]string, byID map[string]uint32) map[uint32]uint32 {
	parent := map[uint32]uint32{}
	for _, uid := range uids {
		for _, id := range slices.Backward(refs[uid]) {
			p := byID[id]
			if p == 0 || p == uid || reaches(parent, p, uid) {
				continue
			}
			parent[uid] = p
			break
		}
	}
	return parent
}

func reaches(parent map[uint32]uint32, from, to uint32) bool {
	for from != 0 {
		if from == to {
			return true
		}
		from = parent[from]
	}
	return false
}

// joinThreads puts children behind their parents.
func joinThreads(uids []uint32, parent map[uint32]uint32) []threaded {
	children := map[uint32][]uint32{}
	for _, uid := range uids {
		children[parent[uid]] = append(children[parent[uid]], uid)
	}
	var out []threaded
	thread := uint32(0)
	var stack []threaded
	for _, root := range children[0] {
		thread++
		stack = append(stack[:0], threaded{uid: root, thread: thread})
		for len(stack) > 0 {
			t := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			out = append(out, t)
			for _, child := range slices.Backward(children[t.uid]) {
				stack = append(stack, threaded{child, t.uid, thread, t.depth + 1})
			}
		}
	}
	return out
}

// listThreads lists messages with their places in threads.
func (s *session) listThreads(ctx context.Context, order []threaded, yield func(protocols.Entry) error) error {
	uids := make([]uint32, len(order))
	for i, t := range order {
		uids[i] = t.uid
	}
	return s.listInOrder(ctx, uids, func(i int, e protocols.Entry) error {
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
