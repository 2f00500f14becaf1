package imapstore

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// The bounds of one group.
const (
	groupCount = 100
	groupBytes = 1 << 20
	groupsAway = 4 // groups without an answer
)

// group is the messages of one command.
type group struct {
	list  []*spooled
	first int // index of the first one
	size  int64
	tag   string
	st    *imapwire.Status // the answer, when it has come
}

// Appender stores messages in one mailbox: in groups, where the server has MULTIAPPEND
// (RFC 3502), and without waiting in between, where it has LITERAL+.
type Appender struct {
	Session *session.Session
	Mailbox string
	Name    string                                          // the mailbox as the caller named it
	Alone   bool                                            // each message has a command of its own
	Create  bool                                            // makes the mailbox when it is missing
	Spool   func() (SpoolFile, error)                       // makes a place for a large message; nil: memory, up to 32 MiB
	Each    func(i int, e protocols.Entry, err error) error // called once for each message, in order
	Wrap    func(err error) error                           // adds verb and URL to an error; nil stays nil

	goes  func(g *group) error // a group is about to be sent; may be nil
	count int
	open  *group   // not sent yet
	away  []*group // sent
}

// busy reports whether anything that was added has no answer yet.
func (a *Appender) busy() bool { return a.open != nil || len(a.away) > 0 }

// Clean frees what was not stored.
func (a *Appender) Clean() {
	for _, g := range append(a.away, a.open) {
		if g != nil {
			g.close()
		}
	}
}

func (g *group) close() {
	for _, sp := range g.list {
		sp.close()
	}
}

// Add takes one message. Its body has been read when add returns.
func (a *Appender) Add(up Upload) error {
	for _, f := range up.Flags {
		if !imapwire.IsStorable(f) {
			return protocols.UsageError(proto, "put", strconv.Quote(wire.Clip(f))+` is not a flag that can be stored: want \Seen, \Answered, \Flagged, \Deleted, \Draft or a keyword`)
		}
	}
	sp, err := spool(up, a.Spool)
	if err != nil {
		return err
	}
	if a.open == nil {
		a.open = &group{first: a.count}
	}
	g := a.open
	g.list = append(g.list, sp)
	g.size += sp.size
	a.count++
	if !a.Alone && a.Session.Has("MULTIAPPEND") && len(g.list) < groupCount && g.size < groupBytes && sp.seek == nil {
		return nil
	}
	if err := a.push(); err != nil || sp.seek == nil {
		return err
	}
	return a.Flush() // its body is the caller's again after this
}

// push sends the open group, and keeps a few groups under way.
func (a *Appender) push() error {
	if a.open == nil {
		return nil
	}
	for len(a.away) >= a.most() {
		if err := a.finish(); err != nil {
			return err
		}
	}
	g := a.open
	a.open = nil
	if err := a.announce(g); err != nil {
		g.close()
		return err
	}
	if err := a.send(g); err != nil {
		g.close()
		return err
	}
	a.away = append(a.away, g)
	return nil
}

func (a *Appender) announce(g *group) error {
	if a.goes == nil {
		return nil
	}
	return a.goes(g)
}

// Flush stores all that was added.
func (a *Appender) Flush() error {
	if err := a.push(); err != nil {
		return err
	}
	for len(a.away) > 0 {
		if err := a.finish(); err != nil {
			return err
		}
	}
	return nil
}

// most is how many commands may be under way. Without LITERAL+ each literal waits
// for the server anyway.
func (a *Appender) most() int {
	switch {
	case !a.Session.Has("LITERAL+"):
		return 1
	case a.Session.Has("MULTIAPPEND"):
		return groupsAway
	}
	return groupCount
}

func (a *Appender) send(g *group) error {
	args := []any{session.BoxName(a.Mailbox)}
	for _, sp := range g.list {
		params, err := sp.params(a.Session.Enabled("UTF8=ACCEPT"), a.careful(sp))
		if err != nil {
			return err
		}
		args = append(args, params...)
	}
	var err error
	if g.tag, g.st, err = a.Session.Send("APPEND", args...); err != nil {
		return err
	}
	return a.Session.Flush()
}

// careful reports whether the server might refuse the command before it has seen the
// message, which must then not run as commands: because of a keyword that it does not
// know, or where the message has lines that could be commands.
func (a *Appender) careful(sp *spooled) bool {
	if sp.mem == nil && sp.size > 0 || hasCommand(sp.mem) {
		return true
	}
	box := a.Session.Selected()
	return slices.ContainsFunc(sp.Flags, func(f string) bool {
		return !imapwire.IsSystemFlag(f) && (box == nil || box.Name != a.Mailbox || !box.Knows(f))
	})
}

// answer waits for the answer to a group.
func (a *Appender) answer(g *group) (err error) {
	if g.st == nil {
		g.st, err = a.Session.Wait(g.tag, false, nil)
	}
	return err
}

// finish reports the messages of the oldest group. A group that was refused is
// tried again, each message for itself: one of them is to blame.
func (a *Appender) finish() error {
	g := a.away[0]
	a.away = a.away[1:]
	defer g.close()
	if err := a.answer(g); err != nil {
		return err
	}
	switch {
	case g.st.Code == "TRYCREATE" && a.Create:
		if err := a.settle(); err != nil {
			return err
		}
		if err := a.create(); err != nil {
			return err
		}
		return a.again(g)
	case g.st.Err() != nil && len(g.list) > 1:
		if err := a.settle(); err != nil {
			return err
		}
		return a.again(g)
	}
	return a.report(g)
}

// settle waits for the groups that are under way, so that the connection is quiet.
// They are reported in their turn.
func (a *Appender) settle() error {
	for _, g := range a.away {
		if err := a.answer(g); err != nil {
			return err
		}
	}
	return nil
}

// again stores the messages of a group one by one.
func (a *Appender) again(g *group) error {
	for i, sp := range g.list {
		one := &group{list: []*spooled{sp}, first: g.first + i}
		if err := a.send(one); err != nil {
			return err
		}
		if err := a.answer(one); err != nil {
			return err
		}
		if err := a.report(one); err != nil {
			return err
		}
	}
	return nil
}

// create makes the mailbox; another group may have done so already.
func (a *Appender) create() error {
	err := a.Session.Simple("CREATE", session.BoxName(a.Mailbox))
	if imapwire.Refused(err) {
		return nil // storing shows whether it exists
	}
	return err
}

// report reports the messages of a group.
func (a *Appender) report(g *group) error {
	validity, uids := appendUID(g.st, len(g.list))
	for i, sp := range g.list {
		e := a.entry(sp, validity, uids[i])
		err := a.Each(g.first+i, e, a.Wrap(g.st.Err()))
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Appender) entry(sp *spooled, validity, uid uint32) protocols.Entry {
	path := a.Name
	e := protocols.Entry{Protocol: proto, Name: a.Mailbox, Type: protocols.TypeMessage, Size: sp.size, Modified: sp.Date}
	if uid != 0 {
		path = imapwire.MessageName(a.Mailbox, validity, uid)
		e.Name = strconv.FormatUint(uint64(uid), 10)
		e.MessageInfo = &protocols.MessageInfo{UID: e.Name, Flags: sp.Flags}
	}
	e.Path, e.URL = path, a.Session.URL(path)
	return e
}

// appendUID reads APPENDUID (RFC 4315 3): the UIDs of want messages, 0 where it
// does not tell.
func appendUID(st *imapwire.Status, want int) (validity uint32, uids []uint32) {
	uids = make([]uint32, want)
	if st.Code != "APPENDUID" {
		return 0, uids
	}
	var set string
	if _, err := fmt.Sscanf(st.Args, "%d %s", &validity, &set); err != nil {
		return 0, uids
	}
	i := 0
	for uid := range imapwire.EachUID(set) {
		if i == want {
			return 0, make([]uint32, want) // more than were stored: it means something else
		}
		uids[i] = uid
		i++
	}
	return validity, uids
}
