package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

var (
	_ protocols.MessageTarget = (*Client)(nil)
	_ protocols.Emptied       = (*archive)(nil)
)

// OpenArchive opens a mailbox to store messages in; it is made when it is missing.
// Messages are stored byte for byte (with CRLF as line end); which of them has which
// key is remembered in a file in Settings.StateDir, or, without Settings.Files, for
// as long as the archive is open only. What a killed run has sent is looked for
// there by its content, and has its key then. Other verbs may be used between the
// archive's.
func (c *Client) OpenArchive(ctx context.Context, text string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	n, err := c.parse(text)
	if err == nil && (n.Mailbox == "" || n.UIDs() != "") {
		err = protocols.UsageError(proto, "sync", "the URL must name a mailbox, and no message in it")
	}
	a := &archive{c: c, text: text, n: n, o: o, led: &ledger{}}
	if err == nil && !o.ReadOnly {
		a.led, err = c.openLedger(n.Mailbox)
	}
	if err != nil {
		return nil, c.wrap(err, "sync", text)
	}
	if err := a.use(ctx, func(s *session) error { return a.begin(ctx, s) }); err != nil {
		a.led.close()
		return nil, err
	}
	return a, nil
}

// archive is a mailbox that messages are stored in.
type archive struct {
	c       *Client
	s       *session // of the newest step; nil: none was taken
	text    string
	n       *imapwire.Name
	o       *protocols.ArchiveOptions
	mark    string
	missing bool // it is not there, and must not be made
	emptied bool
	led     *ledger
	app     *appender
	keys    []messageKey // of the messages given to app, by index
	flags   []string     // tags of STORE commands under way
	looked  bool         // what the ledger knows has been looked for
	closed  bool
}

// use runs one step on the live session. Commands may be under way between steps.
func (a *archive) use(ctx context.Context, f func(s *session) error) error {
	if a.closed {
		return a.c.wrap(&protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}, "sync", a.text)
	}
	return a.c.do(ctx, "sync", a.text, func(s *session) error {
		a.s, s.held = s, true
		return f(s)
	})
}

// begin opens the mailbox and finds out what became of what a killed run has sent.
func (a *archive) begin(ctx context.Context, s *session) error {
	s.box = nil
	err := s.open(a.n, !a.o.ReadOnly)
	if errors.Is(err, fs.ErrNotExist) {
		if a.o.ReadOnly {
			a.missing = true
			return nil
		}
		if err = s.simple("CREATE", boxName(a.n.Mailbox)); err == nil {
			err = s.open(a.n, true)
		}
	}
	if err != nil || a.o.ReadOnly {
		return err
	}
	known := len(a.led.known) > 0
	remade := a.led.validity != s.box.validity
	if remade {
		a.led.renew(s.box.validity)
	}
	if err := a.identify(ctx, s, !remade); err != nil {
		return err
	}
	a.emptied = remade && known && len(a.led.known) == 0
	a.led.from = max(s.box.uidNext, 1)
	fixed := *a.n
	fixed.Validity = s.box.validity
	a.n, a.mark = &fixed, fmt.Sprintf("%d %d", s.box.validity, s.box.uidNext)
	return nil
}

// Emptied reports whether the mailbox has been made anew and has nothing of what
// earlier runs stored.
func (a *archive) Emptied() bool { return a.emptied }

// Mark says where the mailbox stands: its UIDVALIDITY and next UID.
func (a *archive) Mark() string { return a.mark }

func errReadOnly() error {
	return protocols.UsageError(proto, "sync", "the archive was opened for reading only")
}

// Add stores a message. One whose key is there already is not stored again.
func (a *archive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	k, ok := parseKey(key)
	if !ok {
		return a.c.wrap(protocols.UsageError(proto, "sync", "the key is not 32 hexadecimal digits"), "sync", a.text)
	}
	up := Upload{Body: body}
	if e != nil {
		up.Date = e.Modified
		if e.MessageInfo != nil {
			up.Flags = imapwire.Storable(e.Flags)
		}
	}
	return a.use(ctx, func(s *session) error {
		if err := a.resume(ctx, s); err != nil {
			return err
		}
		if there, err := a.has(s, k); there || err != nil {
			return a.again(key, body, err)
		}
		a.keys = append(a.keys, k)
		return a.app.add(up)
	})
}

// resume starts to store on this session. What an earlier session has lost with its
// connection may be there all the same.
func (a *archive) resume(ctx context.Context, s *session) error {
	if a.app != nil && a.app.s == s {
		return nil
	}
	if a.app != nil {
		a.app.clean()
		a.looked = false
		if err := a.identify(ctx, s, true); err != nil {
			return err
		}
	}
	a.app = &appender{s: s, box: a.n.Mailbox, text: a.text, alone: a.o.Each, goes: a.goes, each: a.stored}
	a.keys = a.keys[:0]
	return nil
}

// has reports whether a message is there.
func (a *archive) has(s *session, k messageKey) (bool, error) {
	if a.led.known[k].uid == 0 {
		return false, nil
	}
	if err := a.look(s); err != nil {
		return false, err
	}
	return a.led.known[k].uid != 0, nil
}

// again tells of a message that is there already.
func (a *archive) again(key string, body io.Reader, err error) error {
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
func (a *archive) goes(g *group) error {
	for i, sp := range g.list {
		a.led.begins(a.keys[g.first+i], sp.size, sp.sum)
	}
	return a.led.write(!a.o.NoSync)
}

// stored notes and passes on what became of a message.
func (a *archive) stored(i int, e protocols.Entry, err error) error {
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
func (a *archive) Flush(ctx context.Context) error {
	if a.app == nil && len(a.flags) == 0 {
		return nil
	}
	return a.use(ctx, func(s *session) error {
		lost := a.app != nil && a.app.s != s && a.app.busy()
		if a.app != nil {
			if err := a.resume(ctx, s); err != nil {
				return err
			}
		}
		if lost {
			return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "the connection was lost with messages that were not stored"}
		}
		return a.settle(ctx, s)
	})
}

// settle waits for all that is under way and learns the UIDs of what was stored.
func (a *archive) settle(ctx context.Context, s *session) error {
	if err := a.answers(s, 0); err != nil {
		return err
	}
	if a.app == nil || a.app.s != s {
		return nil
	}
	if err := a.app.flush(); err != nil {
		return err
	}
	if err := a.identify(ctx, s, false); err != nil {
		return err
	}
	return a.led.write(!a.o.NoSync)
}

// Keys returns the messages that have a key and are there.
func (a *archive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		var list []present // given when all have come: the caller may use the archive in between
		err := a.use(ctx, func(s *session) (err error) {
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

func (a *archive) entry(m *present) protocols.Entry {
	return protocols.Entry{
		Protocol: proto, Type: protocols.TypeMessage, ID: m.key.String(), Path: imapwire.MessageName(a.n.Mailbox, a.n.Validity, m.uid),
		Size: m.size, MessageInfo: &protocols.MessageInfo{Flags: slices.Clone(m.flags)},
	}
}

// list returns the messages that are there, with their flags.
func (a *archive) list(ctx context.Context, s *session) (list []present, err error) {
	if err := s.refresh(a.n); err != nil {
		return nil, err
	}
	byUID, shared := a.led.byUID(), map[string][]string{}
	err = s.fetchSets(ctx, "FETCH", s.steps(), "(UID FLAGS)", func(r *imapwire.Response) error {
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		if key, ours := byUID[m.UID]; ours {
			delete(byUID, m.UID)
			list = append(list, present{key, m.UID, a.led.known[key].size, share(shared, imapwire.Storable(m.Flags))})
		}
		return nil
	})
	return list, err
}

// mostShared bounds the lists of flags that are shared.
const mostShared = 10_000

// share returns the list that is kept of those with the same flags.
func share(lists map[string][]string, flags []string) []string {
	key := strings.Join(flags, " ")
	if same, ok := lists[key]; ok {
		return same
	}
	if len(lists) < mostShared {
		lists[key] = flags
	}
	return flags
}

// flagsAway is how many STORE commands are under way at most.
const flagsAway = 100

// SetFlags replaces the flags of a message. Flush tells whether the server did so.
func (a *archive) SetFlags(ctx context.Context, key string, flags []string) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	return a.use(ctx, func(s *session) error {
		k, _ := parseKey(key)
		if there, err := a.has(s, k); !there || err != nil {
			return err
		}
		if err := s.open(a.n, true); err != nil {
			return err
		}
		tag, no, err := s.send("UID STORE", fmt.Sprint(a.led.known[k].uid), "FLAGS.SILENT ("+strings.Join(imapwire.Storable(flags), " ")+")")
		if err != nil || no != nil {
			return errors.Join(err, no.Err())
		}
		a.flags = append(a.flags, tag)
		return a.answers(s, flagsAway)
	})
}

// answers waits until no more than most STORE commands are under way.
func (a *archive) answers(s *session, most int) error {
	var first error
	for len(a.flags) > most {
		tag := a.flags[0]
		a.flags = a.flags[1:]
		if !s.sent[tag] && s.done[tag] == nil {
			first = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "the connection was lost with flags that were not stored"}
			continue
		}
		st, err := s.wait(tag, false, nil)
		if err == nil {
			err = st.Err()
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// Delete removes messages.
func (a *archive) Delete(ctx context.Context, keys []string) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	return a.use(ctx, func(s *session) error {
		if err := a.settle(ctx, s); err != nil {
			return err
		}
		if err := s.open(a.n, true); err != nil {
			return err
		}
		gone := map[uint32]bool{}
		for _, key := range keys {
			if k, _ := parseKey(key); a.led.known[k].uid != 0 {
				gone[a.led.known[k].uid] = true
			}
		}
		for part := range slices.Chunk(slices.Sorted(maps.Keys(gone)), removeStep) {
			if err := s.remove(imapwire.UIDSet(part)); err != nil && !isNotFound(err) {
				return err
			}
		}
		for _, key := range keys {
			if k, ok := parseKey(key); ok {
				a.led.forget(k)
			}
		}
		return a.led.write(!a.o.NoSync)
	})
}

// Close frees the archive.
func (a *archive) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	if a.app != nil {
		a.app.clean()
	}
	if a.s != nil {
		a.s.held = false
		a.c.keeper.Settle(a.s)
	}
	return a.led.close()
}

func isNotFound(err error) bool { return errors.Is(err, fs.ErrNotExist) }
