package imap

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// threadItem asks for what links messages.
const threadItem = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID REFERENCES IN-REPLY-TO)])"

// The bounds of what is held of one message and of all to thread them here.
const (
	maxReferences = 50
	maxIDBytes    = 32 << 20
)

// threadHere follows the References and In-Reply-To fields: a message is the child
// of the last one it names that is there.
func threadHere(ctx context.Context, box *session.Mailbox, criteria []any) ([]threaded, error) {
	found, err := box.Search(criteria)
	if err != nil {
		return nil, err
	}
	t := newThreader()
	err = box.Fetch(ctx, "UID FETCH", found.Sets(), threadItem, func(m *imapwire.Message) error {
		if m.UID == 0 || m.Size < 0 && m.Header == "" {
			return nil
		}
		if len(t.uids) == maxSorted {
			return errTooManyHere("THREAD")
		}
		return t.add(m.UID, m.Header)
	})
	if err != nil {
		return nil, err
	}
	return t.threads(), nil
}

func errTooManyHere(what string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Text: "the server does not support " + what + ", and these are too many messages to do it here"}
}

// threader links messages. It holds them by index, and message identifiers by number,
// since replies repeat the identifiers of those before them.
type threader struct {
	uids   []uint32
	ids    map[string]int32 // identifiers: their numbers
	owner  []int32          // by number: the first message with that identifier, or none
	refs   []int32          // numbers of the identifiers that messages name, oldest first
	ends   []int32          // by message: where its refs end
	budget session.Budget
}

const none = -1

func newThreader() *threader { return &threader{ids: map[string]int32{}, budget: maxIDBytes} }

// add adds a message with its header fields.
func (t *threader) add(uid uint32, header string) error {
	id, named := links(header)
	at := int32(len(t.uids))
	t.uids = append(t.uids, uid)
	if id != "" {
		n, err := t.number(id)
		if err != nil {
			return err
		}
		if t.owner[n] == none {
			t.owner[n] = at
		}
	}
	for _, name := range named {
		n, err := t.number(name)
		if err != nil {
			return err
		}
		t.refs = append(t.refs, n)
	}
	t.ends = append(t.ends, int32(len(t.refs)))
	return nil
}

// number returns the number of an identifier.
func (t *threader) number(id string) (int32, error) {
	if n, ok := t.ids[id]; ok {
		return n, nil
	}
	if t.budget.Take(id) != nil {
		return 0, errTooManyHere("THREAD")
	}
	n := int32(len(t.owner))
	t.ids[strings.Clone(id)] = n // not the header that it is part of
	t.owner = append(t.owner, none)
	return n, nil
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
	return id, named[max(0, len(named)-maxReferences):]
}

// parents returns the parent of each message, or none. What would make a circle is
// left out: a message without a parent yet is the root of its tree, so a circle is
// made exactly by a parent whose root is that message. Roots are found through
// pointers that are shortened on the way, in nearly constant time.
func (t *threader) parents() []int32 {
	parent, up := make([]int32, len(t.uids)), make([]int32, len(t.uids))
	for i := range up {
		parent[i], up[i] = none, int32(i)
	}
	root := func(i int32) int32 {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	from := int32(0)
	for i := range t.uids {
		for _, id := range slices.Backward(t.refs[from:t.ends[i]]) {
			if p := t.owner[id]; p != none && root(p) != int32(i) {
				parent[i], up[i] = p, p
				break
			}
		}
		from = t.ends[i]
	}
	return parent
}

// threads returns the messages, children after their parents.
func (t *threader) threads() []threaded {
	parent := t.parents()
	child, next := make([]int32, len(parent)), make([]int32, len(parent)) // the first child, and the next one of the same parent
	for i := range child {
		child[i] = none
	}
	first := int32(none) // root
	for i := len(parent) - 1; i >= 0; i-- {
		head := &first
		if p := parent[i]; p != none {
			head = &child[p]
		}
		next[i], *head = *head, int32(i)
	}
	out := make([]threaded, 0, len(parent))
	thread := uint32(0)
	type step struct {
		at    int32
		depth uint32
	}
	for root := first; root != none; root = next[root] {
		thread++
		for stack := []step{{root, 0}}; len(stack) > 0; {
			s := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			m := threaded{uid: t.uids[s.at], thread: thread, depth: s.depth}
			if p := parent[s.at]; p != none {
				m.parent = t.uids[p]
			}
			out = append(out, m)
			if n := next[s.at]; n != none && s.depth > 0 {
				stack = append(stack, step{n, s.depth})
			}
			if c := child[s.at]; c != none {
				stack = append(stack, step{c, s.depth + 1})
			}
		}
	}
	return out
}
