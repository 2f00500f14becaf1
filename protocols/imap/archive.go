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
)

var _ protocols.MessageTarget = (*Client)(nil)

// keyField is the header field that keeps the key of an archived message. IMAP has
// no other place that every server keeps: keywords are few, annotations rare.
const keyField = "X-Netclients-Key"

// OpenArchive opens a mailbox to store messages in; it is made when it is missing.
// Each message that is added gains a header field with its key, by which a later
// run finds it again. The client is busy until the archive is closed.
func (c *Client) OpenArchive(ctx context.Context, text string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	n, err := c.parse(text)
	if err == nil && (n.mailbox == "" || n.uids() != "") {
		err = protocols.UsageError(proto, "sync", "the URL must name a mailbox, and no message in it")
	}
	if err != nil {
		return nil, c.wrap(err, "sync", text)
	}
	release, err := c.enter(ctx, text)
	if err != nil {
		return nil, c.wrap(err, "sync", text)
	}
	a := &archive{c: c, text: text, n: n, o: o, release: release}
	if err := a.use(ctx, a.begin); err != nil {
		release()
		return nil, err
	}
	return a, nil
}

// archive is a mailbox that messages are stored in.
type archive struct {
	c       *Client
	text    string
	n       *name
	o       *protocols.ArchiveOptions
	release func()
	mark    string
	empty   bool // it is not there, and must not be made
	app     *appender
	keys    []string          // of the messages given to app, by index
	uids    map[string]uint32 // by key; nil: not read yet
	closed  bool
}

// use runs one step on the live session.
func (a *archive) use(ctx context.Context, f func(s *session) error) error {
	if a.closed {
		return a.c.wrap(&protocols.Error{Kind: protocols.Usage, Class: protocols.ErrClosed}, "sync", a.text)
	}
	return a.c.wrap(a.c.withSession(ctx, f), "sync", a.text)
}

// begin opens the mailbox.
func (a *archive) begin(s *session) error {
	s.box = nil
	err := s.open(a.n, !a.o.ReadOnly)
	if errors.Is(err, fs.ErrNotExist) {
		if a.o.ReadOnly {
			a.empty = true
			return nil
		}
		if err = s.simple("CREATE", boxName(a.n.mailbox)); err == nil {
			err = s.open(a.n, true)
		}
	}
	if err == nil {
		a.mark = fmt.Sprintf("%d %d", s.box.validity, s.box.uidNext)
	}
	return err
}

// Mark says where the mailbox stands: its UIDVALIDITY and next UID.
func (a *archive) Mark() string { return a.mark }

func errReadOnly() error {
	return protocols.UsageError(proto, "sync", "the archive was opened for reading only")
}

// Add stores a message.
func (a *archive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	up := Upload{Body: io.MultiReader(strings.NewReader(keyField+": "+key+"\r\n"), body)}
	if e != nil {
		up.Date = e.Modified
		if e.MessageInfo != nil {
			up.Flags = storable(e.Flags)
		}
	}
	return a.use(ctx, func(s *session) error {
		if a.app == nil || a.app.s != s {
			if a.app != nil {
				a.app.clean()
			}
			s.held = true
			a.app = &appender{s: s, box: a.n.mailbox, text: a.text, alone: a.o.Each, each: a.stored}
			a.keys = a.keys[:0]
		}
		a.keys = append(a.keys, key)
		return a.app.add(up)
	})
}

// storable leaves the flags that can be stored.
func storable(flags []string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return !isFlag(f) || strings.EqualFold(f, `\Recent`) })
}

// stored passes on what became of a message.
func (a *archive) stored(i int, e protocols.Entry, err error) error {
	key := a.keys[i]
	switch uid := uidOf(&e); {
	case uid != 0 && a.uids != nil && err == nil:
		a.uids[key] = uid
	case err == nil:
		a.uids = nil // they must be read again
	}
	if a.o.Stored == nil {
		return err
	}
	return a.o.Stored(key, e.Size, err)
}

// uidOf gives the UID of an entry, 0 when it has none.
func uidOf(e *protocols.Entry) uint32 {
	if e.MessageInfo == nil {
		return 0
	}
	n, err := parseName(e.Path)
	if err != nil {
		return 0
	}
	return n.uid
}

// Flush stores all that was added.
func (a *archive) Flush(ctx context.Context) error {
	if a.app == nil {
		return nil
	}
	return a.use(ctx, func(s *session) error {
		if a.app.s != s {
			return &protocols.Error{Kind: protocols.Connect, Retryable: true, Text: "the connection was lost with messages that were not stored"}
		}
		return a.app.flush()
	})
}

// Keys gives the messages that have a key.
func (a *archive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		err := a.use(ctx, func(s *session) error {
			return a.readKeys(ctx, s, func(e protocols.Entry) error {
				if !yield(e, nil) {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// readKeys lists the keys, and remembers the UIDs when it comes to the end.
func (a *archive) readKeys(ctx context.Context, s *session, each func(e protocols.Entry) error) error {
	if a.empty {
		return nil
	}
	if a.app != nil && a.app.s == s {
		if err := a.app.flush(); err != nil {
			return err
		}
	}
	if err := s.refresh(a.n); err != nil {
		return err
	}
	uids := map[string]uint32{}
	items := "(UID FLAGS BODY.PEEK[HEADER.FIELDS (" + strings.ToUpper(keyField) + ")])"
	err := s.fetchSets(ctx, "UID FETCH", []string{"1:*"}, items, func(r *response) error {
		m, err := parseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		field, _ := cutField(m.header)
		name, key, _ := strings.Cut(field, ":")
		if key = strings.TrimSpace(key); m.uid == 0 || key == "" || !strings.EqualFold(name, keyField) {
			return nil
		}
		uids[key] = m.uid
		return each(protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, ID: key, Size: -1, MessageInfo: &protocols.MessageInfo{Flags: storable(m.flags)}})
	})
	if err == nil {
		a.uids = uids
	}
	return err
}

// need makes sure that the UIDs are known.
func (a *archive) need(ctx context.Context, s *session) error {
	if a.o.ReadOnly {
		return errReadOnly()
	}
	if a.uids == nil {
		if err := a.readKeys(ctx, s, func(protocols.Entry) error { return nil }); err != nil {
			return err
		}
	}
	return s.open(a.n, true)
}

// SetFlags replaces the flags of a message.
func (a *archive) SetFlags(ctx context.Context, key string, flags []string) error {
	return a.use(ctx, func(s *session) error {
		if err := a.need(ctx, s); err != nil {
			return err
		}
		uid := a.uids[key]
		if uid == 0 {
			return nil
		}
		return s.simple("UID STORE", fmt.Sprint(uid), "FLAGS.SILENT ("+strings.Join(storable(flags), " ")+")")
	})
}

// Delete removes messages.
func (a *archive) Delete(ctx context.Context, keys []string) error {
	return a.use(ctx, func(s *session) error {
		if err := a.need(ctx, s); err != nil {
			return err
		}
		gone := map[uint32]bool{}
		for _, key := range keys {
			if uid := a.uids[key]; uid != 0 {
				gone[uid] = true
			}
		}
		for part := range slices.Chunk(slices.Sorted(maps.Keys(gone)), removeStep) {
			if err := s.remove(uidSet(part)); err != nil && !isNotFound(err) {
				return err
			}
		}
		for _, key := range keys {
			delete(a.uids, key)
		}
		return nil
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
		a.app.s.held = false
		a.c.dropBroken(a.app.s)
	}
	a.release()
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, fs.ErrNotExist) }
