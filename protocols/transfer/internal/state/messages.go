package state

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Key names a message in state and archive: 128 bits of a hash of where it
// is from and its id there.
type Key [16]byte

// String returns the key in the form that archives take.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String returns.
func ParseKey(s string) (k Key, ok bool) {
	n, err := hex.Decode(k[:], []byte(s)[:min(len(s), 2*len(k))])
	return k, err == nil && n == len(k) && len(s) == 2*len(k)
}

// HashKey returns the key that stands for some texts together.
func HashKey(parts ...string) (k Key) {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(k[:], sum[:])
	return k
}

// KeyOf returns the key of a message of a mailbox.
func KeyOf(m *protocols.Mailbox, id string) Key {
	return HashKey(ScopeOf(m), m.Name, m.Validity, id)
}

// ScopeOf says what the ids of a mailbox belong to.
func ScopeOf(m *protocols.Mailbox) string { return cmp.Or(m.Scope, m.Account) }

// Own returns the name of a value that each server of a scope has by itself.
func Own(name string, m *protocols.Mailbox) string {
	if m.Scope == "" {
		return name
	}
	return name + "-" + HashKey(m.Account).String()
}

// Shared reports whether messages in the archive may be from another server of the scope.
func (st *Messages) Shared(m *protocols.Mailbox) bool {
	if m.Scope == "" {
		return false
	}
	for name := range st.Values {
		if strings.HasPrefix(name, "source-") && name != Own("source", m) {
			return true
		}
	}
	return false
}

// Messages remembers over runs which messages an archive holds.
//
//   - KEY FLAGS     a message is safe in the archive, and has these flags
//   - KEY           it is to be forgotten
//     @ KEY COPY      it is there without a key, as the message that COPY is the hash of
//     = NAME VALUE    something about the whole: validity, state, open, unsynced
type Messages struct {
	record
	texts
	Known   Keys
	adopted adopted
}

func newMessages(path string) *Messages {
	return &Messages{record: newRecord(path, messagesFormat)}
}

// ReadMessages reads a state without writing anything. One that is not there is
// empty.
func ReadMessages(ctx context.Context, path string) (*Messages, error) {
	st := newMessages(path)
	return st, st.read(ctx, st.take)
}

// messagesFormat is what a state begins with. States from before there was a
// title begin with one of the other lines.
var messagesFormat = format{
	name: "state of a sync of messages", title: "# netclients message state 1", older: isStateLine,
}

func isStateLine(line []byte) bool {
	mark, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
	name, _, _ := strings.Cut(rest, " ")
	_, ok := ParseKey(name)
	switch mark {
	case "=":
		return slices.Contains([]string{"validity", "state", "open", "unsynced"}, name)
	case "+", "-":
		return ok
	}
	return false
}

// OpenMessages opens or makes a state. When another process has it open the
// error has class [protocols.ErrBusy].
func OpenMessages(ctx context.Context, path string) (*Messages, error) {
	st := newMessages(path)
	if err := st.open(ctx, st.take); err != nil {
		return nil, err
	}
	if st.lines > 2*(st.Known.N+st.Adopted())+1000 {
		if err := st.compact(st.all); err != nil {
			_ = st.Close()
			return nil, err
		}
	}
	return st, nil
}

// all writes what is known.
func (st *Messages) all() {
	for e := range st.adopted.index.all() {
		st.line("@", e.key.String(), st.adopted.copies[e.Bits].String())
	}
	for e := range st.Known.all() {
		st.line("+", e.key.String(), st.FlagsOf(e))
	}
}

// take takes a line about a message.
func (st *Messages) take(mark, name, value string) {
	key, ok := ParseKey(name)
	switch {
	case mark == "+" && ok:
		st.Known.Put(key, st.Number(value))
	case mark == "-" && ok:
		st.Known.Drop(key)
		st.adopted.index.Drop(key)
	case mark == "@" && ok:
		if as, ok := ParseKey(value); ok {
			st.adopted.put(key, as)
		}
	}
}

// FlagsOf returns the flags of a message that is known.
func (st *Messages) FlagsOf(e *Known) string { return st.Text(e.Bits &^ Listed) }

// Each returns the messages that are known, with their flags. None must be added or
// forgotten meanwhile.
func (st *Messages) Each() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		for e := range st.Known.all() {
			if !yield(e.key, st.FlagsOf(e)) {
				return
			}
		}
	}
}

// Unlist forgets which messages the source has listed.
func (st *Messages) Unlist() {
	for e := range st.Known.all() {
		e.Bits &^= Listed
	}
}

// Unlisted returns the messages that are known and were not listed.
func (st *Messages) Unlisted() (gone []Key) {
	for e := range st.Known.all() {
		if e.Bits&Listed == 0 {
			gone = append(gone, e.key)
		}
	}
	return gone
}

// Add remembers a message that was listed.
func (st *Messages) Add(key Key, flags string) {
	st.Known.Put(key, st.Number(flags)|Listed)
	st.line("+", key.String(), flags)
}

// Forget drops a message.
func (st *Messages) Forget(key Key) {
	st.Known.Drop(key)
	st.adopted.index.Drop(key)
	st.line("-", key.String(), "")
}

// ForgetAll drops what was known of the messages, and of the source's state.
func (st *Messages) ForgetAll() {
	for e := range st.Known.all() {
		st.line("-", e.key.String(), "")
	}
	st.Known, st.adopted = Keys{}, adopted{}
	for name := range st.Values {
		if name == "state" || strings.HasPrefix(name, "state-") {
			st.Set(name, "")
		}
	}
}

// Blank reports whether the state remembers nothing, not even a run without messages:
// it is new, or it was lost while the archive was kept.
func (st *Messages) Blank() bool {
	_, ran := st.Values["validity"]
	return !ran && st.Known.N == 0 && st.Value("open") == ""
}
