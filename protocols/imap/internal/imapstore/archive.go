package imapstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

var (
	_ protocols.Archive    = (*Archive)(nil)
	_ protocols.Emptied    = (*Archive)(nil)
	_ protocols.FlagKeeper = (*Archive)(nil)
)

// Store is what archives need of their client.
type Store struct {
	State *State
	Spool func() (SpoolFile, error)              // as in [Appender]
	Late  time.Duration                          // how long what was sent may take to be there; 0: lateBy
	Wrap  func(err error, op, name string) error // adds verb and URL to an error
	// Step runs one step on the live session. Commands may be under way between
	// steps, and other operations may use the session.
	Step func(ctx context.Context, name string, f func(ctx context.Context, s *session.Session) error) error
	// Settle drops a session that is lost.
	Settle func(s *session.Session)
}

// Open opens a mailbox to store messages in; it is made when it is missing. name is
// the mailbox as the caller named it, n what that means. Which message has which key
// is remembered in a file of the State, or, without one, for as long as the archive
// is open. What a killed run has sent is looked for by its content, and has its key
// then.
func (st *Store) Open(ctx context.Context, name string, n *imapwire.Name, o *protocols.ArchiveOptions) (*Archive, error) {
	a := &Archive{store: st, name: name, n: n, o: o, led: &ledger{}, doubtful: map[messageKey]kept{}}
	if !o.ReadOnly {
		led, err := openLedger(st.State, n.Mailbox)
		if err != nil {
			return nil, a.wrap(err)
		}
		a.led = led
	}
	if err := a.use(ctx, func(ctx context.Context, s *session.Session) error { return a.begin(ctx, s) }); err != nil {
		_ = a.led.close()
		return nil, err
	}
	return a, nil
}

// Archive is a mailbox that messages are stored in.
type Archive struct {
	store     *Store
	s         *session.Session // of the newest step; nil: none was taken
	name      string
	n         *imapwire.Name
	o         *protocols.ArchiveOptions
	mark      string
	permanent []string // flags that the mailbox can store; nil: the server does not say
	missing   bool     // the mailbox does not exist, and must not be made
	emptied   bool
	led       *ledger
	doubtful  map[messageKey]kept // sent over a connection that is gone, and not there in time
	app       *Appender
	keys      []messageKey // of the messages given to app, by index
	flags     []string     // tags of STORE commands under way
	looked    bool         // what the ledger knows has been looked for
	closed    bool
}

func (a *Archive) wrap(err error) error {
	return a.store.Wrap(err, "sync", a.name)
}

func (a *Archive) wrapPut(err error) error { return a.store.Wrap(err, "put", a.name) }

// use runs one step.
func (a *Archive) use(ctx context.Context, f func(ctx context.Context, s *session.Session) error) error {
	if a.closed {
		return a.wrap(&protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed})
	}
	return a.store.Step(ctx, a.name, func(ctx context.Context, s *session.Session) error {
		a.s = s
		s.Hold(true)
		return f(ctx, s)
	})
}

// begin opens the mailbox and finds out what became of what a killed run has sent.
func (a *Archive) begin(ctx context.Context, s *session.Session) error {
	s.Deselect()
	box, err := s.Open(a.n, !a.o.ReadOnly)
	if protocols.KindOf(err) == protocols.KindRefused && imapwire.Refused(err) && !errors.Is(err, fs.ErrPermission) && a.absent(s) {
		err = fs.ErrNotExist // some servers answer BAD, or NO without a reason
	}
	if errors.Is(err, fs.ErrNotExist) {
		if a.o.ReadOnly {
			a.missing = true
			return nil
		}
		if err = s.Simple("CREATE", session.BoxName(a.n.Mailbox)); err == nil {
			box, err = s.Open(a.n, true)
		}
	}
	if err != nil || a.o.ReadOnly {
		return err
	}
	known := len(a.led.known) > 0
	remade := a.led.validity != box.Validity
	if remade {
		a.led.renew(box.Validity)
	}
	late := lateBy
	if remade {
		late = 0
	}
	if err := a.identify(ctx, s, late); err != nil {
		return err
	}
	a.emptied = remade && known && len(a.led.known) == 0
	a.led.from = max(box.UIDNext, 1)
	a.permanent = box.Permanent
	fixed := *a.n
	fixed.Validity = box.Validity
	a.n, a.mark = &fixed, fmt.Sprintf("%d %d", box.Validity, box.UIDNext)
	return nil
}

// absent reports whether the server lists no such mailbox.
func (a *Archive) absent(s *session.Session) bool {
	found := false
	err := s.Ask(func(r *imapwire.Response) error {
		found = found || r.Name == "LIST"
		return nil
	}, "LIST", `""`, session.BoxName(a.n.Mailbox))
	return err == nil && !found && !strings.ContainsAny(a.n.Mailbox, "*%")
}

// Emptied reports whether the mailbox was recreated and has nothing of what earlier
// runs stored.
func (a *Archive) Emptied() bool { return a.emptied }

// KeepsFlag reports whether the mailbox can store a flag.
func (a *Archive) KeepsFlag(flag string) bool {
	return len(imapwire.Storable([]string{flag}, a.permanent)) > 0
}

// Mark returns where the mailbox stands: its UIDVALIDITY and UIDNEXT.
func (a *Archive) Mark() string { return a.mark }

func errReadOnly() error {
	return protocols.UsageError(proto, "sync", "the archive was opened for reading only")
}

// Add stores a message. One whose key exists already is not stored again.
func (a *Archive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	k, ok := parseKey(key)
	if !ok {
		return a.wrap(protocols.UsageError(proto, "sync", "the key is not 32 hexadecimal digits"))
	}
	up := Upload{Body: body}
	if e != nil {
		up.Date = e.Modified
		if e.MessageInfo != nil {
			up.Flags = imapwire.Storable(e.Flags, a.permanent)
		}
	}
	return a.use(ctx, func(ctx context.Context, s *session.Session) error {
		if err := a.resume(ctx, s); err != nil {
			return err
		}
		if there, err := a.has(s, k); there || err != nil {
			return a.again(key, body, err)
		}
		a.keys = append(a.keys, k)
		return a.app.Add(up)
	})
}

// resume starts to store on this session. What an earlier session has lost with its
// connection may have arrived all the same; the caller learns that it is to be added again.
func (a *Archive) resume(ctx context.Context, s *session.Session) error {
	if a.app != nil && a.app.Session == s {
		return nil
	}
	lost := a.app != nil && a.app.busy()
	if a.app != nil {
		a.app.Clean()
		a.looked = false
		if err := a.identify(ctx, s, lateBy); err != nil {
			return err
		}
	}
	a.app = &Appender{Session: s, Mailbox: a.n.Mailbox, Name: a.name, Alone: a.o.Each, Spool: a.store.Spool, Each: a.stored, Wrap: a.wrapPut, goes: a.goes}
	a.keys = a.keys[:0]
	if lost {
		return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "the connection was lost with messages that were not stored"}
	}
	return nil
}

// has reports whether a message is there.
func (a *Archive) has(s *session.Session, k messageKey) (bool, error) {
	if a.led.known[k].uid == 0 {
		return false, nil
	}
	if err := a.look(s); err != nil {
		return false, err
	}
	return a.led.known[k].uid != 0, nil
}

// again reports a message that is there already.
func (a *Archive) again(key string, body io.Reader, err error) error {
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, body)
	if err != nil || a.o.Stored == nil {
		return err
	}
	return a.o.Stored(key, n, nil)
}

// goes notes the messages of a group before they are sent.
func (a *Archive) goes(g *group) error {
	for i, sp := range g.list {
		a.led.begins(a.keys[g.first+i], sp.size, sp.sum)
	}
	return a.led.write(!a.o.NoSync)
}

// stored notes and passes on what became of a message.
func (a *Archive) stored(i int, e protocols.Entry, err error) error {
	key := a.keys[i]
	if err != nil {
		a.led.forget(key)
	} else if uid := uidOf(&e); uid != 0 {
		a.led.stored(key, uid)
	}
	if a.o.Stored == nil {
		return err
	}
	return a.o.Stored(key.String(), e.Size, err)
}

// uidOf returns the UID of an entry, 0 when it has none.
func uidOf(e *protocols.Entry) uint32 {
	n, err := imapwire.ParseName(e.Path)
	if err != nil {
		return 0
	}
	return n.UID
}

// Flush stores all that was added, and waits for what is under way.
func (a *Archive) Flush(ctx context.Context) error {
	if a.app == nil && len(a.flags) == 0 {
		return nil
	}
	return a.use(ctx, func(ctx context.Context, s *session.Session) error {
		if a.app != nil {
			if err := a.resume(ctx, s); err != nil {
				return err
			}
		}
		return a.settle(ctx, s)
	})
}

// settle waits for all that is under way and learns the UIDs of what was stored.
func (a *Archive) settle(ctx context.Context, s *session.Session) error {
	if err := a.answers(s, 0); err != nil {
		return err
	}
	if a.app == nil || a.app.Session != s {
		return nil
	}
	if err := a.app.Flush(); err != nil {
		return err
	}
	if err := a.identify(ctx, s, 0); err != nil {
		return err
	}
	if err := a.tidy(ctx, s); err != nil {
		return err
	}
	return a.led.write(!a.o.NoSync)
}

// Keys returns the messages that have a key and are there.
func (a *Archive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		var list []present // returned when all have come: the caller may use the archive in between
		err := a.use(ctx, func(ctx context.Context, s *session.Session) (err error) {
			if a.missing || a.o.ReadOnly {
				return nil
			}
			if err := a.settle(ctx, s); err != nil {
				return err
			}
			list, err = a.list(ctx, s)
			return err
		})
		for _, m := range list {
			if !yield(a.entry(&m), nil) {
				return
			}
		}
		if err != nil {
			yield(protocols.Entry{}, err)
		}
	}
}

// present is what Keys must know of a message: there may be a million of them.
type present struct {
	key   messageKey
	uid   uint32
	size  int64
	flags []string // shared by all that have the same
}

func (a *Archive) entry(m *present) protocols.Entry {
	return protocols.Entry{
		Protocol: proto, Type: protocols.TypeMessage, ID: m.key.String(), Path: imapwire.MessageName(a.n.Mailbox, a.n.Validity, m.uid),
		Size: m.size, MessageInfo: &protocols.MessageInfo{UID: strconv.FormatUint(uint64(m.uid), 10), Flags: slices.Clone(m.flags)},
	}
}

// list returns the messages that are there, with their flags.
func (a *Archive) list(ctx context.Context, s *session.Session) (list []present, err error) {
	box, err := s.Refresh(a.n)
	if err != nil {
		return nil, err
	}
	byUID, lists := a.led.byUID(), flagLists{budget: maxFlagBytes, known: map[string][]string{}}
	err = box.Fetch(ctx, "FETCH", box.Steps(), "(UID FLAGS)", func(m *imapwire.Message) error {
		key, ours := byUID[m.UID]
		if !ours {
			return nil
		}
		delete(byUID, m.UID)
		flags, err := lists.share(imapwire.Storable(m.Flags, nil))
		list = append(list, present{key, m.UID, a.led.known[key].size, flags})
		return s.Fail(err)
	})
	return list, err
}

// maxFlagBytes bounds the flags that are held, each list of the same once.
const maxFlagBytes = 32 << 20

// flagLists are the lists of flags that messages have.
type flagLists struct {
	budget session.Budget
	known  map[string][]string
}

// share returns the list that is kept of those with the same flags.
func (l *flagLists) share(flags []string) ([]string, error) {
	key := strings.Join(flags, " ")
	if same, ok := l.known[key]; ok {
		return same, nil
	}
	l.known[key] = strings.Fields(key) // without the response that they came in
	return l.known[key], l.budget.Take(key)
}

// maxStores is how many STORE commands are under way at most.
const maxStores = 100

// SetFlags replaces the flags of a message. Flush reports whether the server did so.
func (a *Archive) SetFlags(ctx context.Context, key string, flags []string) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	return a.use(ctx, func(ctx context.Context, s *session.Session) error {
		k, _ := parseKey(key)
		if there, err := a.has(s, k); !there || err != nil {
			return err
		}
		box, err := s.Open(a.n, true)
		if err != nil {
			return err
		}
		tag, refusal, err := s.Send("UID STORE", fmt.Sprint(a.led.known[k].uid), "FLAGS.SILENT ("+strings.Join(box.Storable(flags), " ")+")")
		if err != nil || refusal != nil {
			return errors.Join(err, refusal.Err())
		}
		a.flags = append(a.flags, tag)
		return a.answers(s, maxStores)
	})
}

// answers waits until no more than most STORE commands are under way.
func (a *Archive) answers(s *session.Session, most int) error {
	var first error
	for len(a.flags) > most {
		tag := a.flags[0]
		a.flags = a.flags[1:]
		if !s.Pending(tag) {
			first = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "the connection was lost with flags that were not stored"}
			continue
		}
		st, err := s.Wait(tag, false, nil)
		if err == nil {
			err = st.Err()
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// deleteStep is how many messages are removed with one command.
const deleteStep = 500

// Delete removes messages.
func (a *Archive) Delete(ctx context.Context, keys []string) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	return a.use(ctx, func(ctx context.Context, s *session.Session) error {
		if err := a.settle(ctx, s); err != nil {
			return err
		}
		gone := map[uint32]bool{}
		for _, key := range keys {
			if k, _ := parseKey(key); a.led.known[k].uid != 0 {
				gone[a.led.known[k].uid] = true
			}
		}
		if err := a.remove(s, slices.Sorted(maps.Keys(gone))); err != nil {
			return err
		}
		for _, key := range keys {
			if k, ok := parseKey(key); ok {
				a.led.forget(k)
			}
		}
		return a.led.write(!a.o.NoSync)
	})
}

// remove removes messages, in steps. One that is gone already is not an error.
func (a *Archive) remove(s *session.Session, uids []uint32) error {
	box, err := s.Open(a.n, true)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(uids, deleteStep) {
		if err := box.Remove(imapwire.UIDSet(part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close frees the archive.
func (a *Archive) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	if a.app != nil {
		a.app.Clean()
	}
	if a.s != nil {
		a.s.Hold(false)
		a.store.Settle(a.s)
	}
	return a.led.close()
}
