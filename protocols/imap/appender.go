package imap

import (
	"fmt"
	"strconv"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
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

// appender stores messages in one mailbox.
type appender struct {
	s     *session
	box   string
	text  string               // the mailbox as the caller named it
	alone bool                 // each message has a command of its own
	goes  func(g *group) error // a group is about to be sent; nil: nobody is told
	each  func(i int, e protocols.Entry, err error) error
	count int
	open  *group   // not sent yet
	away  []*group // sent
}

// busy reports whether anything that was added has no answer yet.
func (a *appender) busy() bool { return a.open != nil || len(a.away) > 0 }

// clean frees what was not stored.
func (a *appender) clean() {
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

// add takes one message. Its body has been read when add returns.
func (a *appender) add(up Upload) error {
	for _, f := range up.Flags {
		if !imapwire.IsFlag(f) {
			return protocols.UsageError(proto, "put", strconv.Quote(imapwire.Clip(f))+" is no flag")
		}
	}
	sp, err := spool(up, a.s.c.Settings.Spool)
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
	if !a.alone && a.s.caps["MULTIAPPEND"] && len(g.list) < groupCount && g.size < groupBytes && sp.seek == nil {
		return nil
	}
	if err := a.push(); err != nil || sp.seek == nil {
		return err
	}
	return a.flush() // its body is the caller's again after this
}

// push sends the open group, and keeps a few groups under way.
func (a *appender) push() error {
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

func (a *appender) announce(g *group) error {
	if a.goes == nil {
		return nil
	}
	return a.goes(g)
}

// flush stores all that was added.
func (a *appender) flush() error {
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
func (a *appender) most() int {
	switch {
	case !a.s.caps["LITERAL+"]:
		return 1
	case a.s.caps["MULTIAPPEND"]:
		return groupsAway
	}
	return groupCount
}

func (a *appender) send(g *group) error {
	args := []any{boxName(a.box)}
	for _, sp := range g.list {
		params, err := sp.params(a.s.enabled["UTF8=ACCEPT"])
		if err != nil {
			return err
		}
		args = append(args, params...)
	}
	var err error
	if g.tag, g.st, err = a.s.send("APPEND", args...); err != nil {
		return err
	}
	return a.s.flush()
}

// answer waits for the answer to a group.
func (a *appender) answer(g *group) (err error) {
	if g.st == nil {
		g.st, err = a.s.wait(g.tag, false, nil)
	}
	return err
}

// finish reports the messages of the oldest group. A group that was refused is
// tried again, each message for itself: one of them is to blame.
func (a *appender) finish() error {
	g := a.away[0]
	a.away = a.away[1:]
	defer g.close()
	if err := a.answer(g); err != nil {
		return err
	}
	switch {
	case g.st.Code == "TRYCREATE" && a.s.c.Settings.Create:
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
func (a *appender) settle() error {
	for _, g := range a.away {
		if err := a.answer(g); err != nil {
			return err
		}
	}
	return nil
}

// again stores the messages of a group one by one.
func (a *appender) again(g *group) error {
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
func (a *appender) create() error {
	err := a.s.simple("CREATE", boxName(a.box))
	if imapwire.Refused(err) {
		return nil // storing tells whether it is there
	}
	return err
}

// report tells the caller of the messages of a group.
func (a *appender) report(g *group) error {
	validity, uids := appendUID(g.st, len(g.list))
	for i, sp := range g.list {
		e := a.entry(sp, validity, uids[i])
		err := a.each(g.first+i, e, a.s.c.wrap(g.st.Err(), "put", a.text))
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) entry(sp *spooled, validity, uid uint32) protocols.Entry {
	path := a.text
	e := protocols.Entry{Protocol: proto, Name: a.box, Type: protocols.TypeMessage, Size: sp.size, Modified: sp.Date}
	if uid != 0 {
		path = imapwire.MessageName(a.box, validity, uid)
		e.Name = strconv.FormatUint(uint64(uid), 10)
		e.MessageInfo = &protocols.MessageInfo{UID: e.Name, Flags: sp.Flags}
	}
	e.Path, e.URL = path, a.s.c.urlOf(path)
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
