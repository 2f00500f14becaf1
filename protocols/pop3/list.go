package pop3

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// errStop says that the reader of a listing has had enough.
var errStop = errors.New("stopped")

// List lists the messages of the maildrop, or the one message of that name: number,
// unique id and size (UIDL, LIST), and with [Settings.Headers] what the header
// says (TOP). Entries are streamed. Sizes are what the server reports, which with
// some is not to the byte.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, name, func(s *session, yield func(protocols.Entry) bool) error {
		if name != "" {
			e, err := s.stat(name)
			if err == nil && !yield(e) {
				err = errStop
			}
			return err
		}
		return s.list(c.Settings.Headers, yield)
	})
}

// listing runs a listing as an iterator: the client is busy until the loop ends.
func (c *Client) listing(ctx context.Context, name string, run func(s *session, yield func(protocols.Entry) bool) error) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		err := c.do(ctx, "ls", name, []string{name}, func(_ context.Context, s *session) error {
			return run(s, func(e protocols.Entry) bool { return yield(e, nil) })
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// identified is list where a server without unique ids is an error.
func identified(s *session, headers bool, yield func(protocols.Entry) bool) error {
	if !s.has("UIDL") { // not announced: the answer decides whether there is a list
		if err := s.needUIDL(); err != nil {
			return err
		}
	}
	return s.list(headers, yield)
}

// list asks for ids and sizes in one flight.
func (s *session) list(headers bool, yield func(protocols.Entry) bool) error {
	if !headers {
		seen := doubles{}
		return s.sizes(func(number int, size int64) bool { return yield(s.entry(number, size, seen)) })
	}
	var all []numbered
	err := s.sizes(func(number int, size int64) bool {
		all = append(all, numbered{number, size})
		return len(all) <= maxListed
	})
	if len(all) > maxListed {
		return s.Fail(&wire.LimitError{What: "list of messages", Limit: maxListed})
	}
	if err != nil {
		return err
	}
	return s.headers(all, yield)
}

// maxListed is how many messages are listed with their headers.
const maxListed = 1_000_000

// numbered is a message with its size.
type numbered struct {
	number int
	size   int64
}

// sizes returns number and size of every message. Unique ids are known afterwards
// and during it.
func (s *session) sizes(each func(number int, size int64) bool) error {
	ahead := s.ids == nil
	if ahead && !s.pipelined() {
		if err := s.needIDs(); err != nil {
			return err
		}
		ahead = false
	}
	if ahead {
		if err := s.Queue("UIDL"); err != nil {
			return err
		}
	}
	if err := s.Queue("LIST"); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	if ahead {
		if err := s.readIDs(); err != nil {
			return s.Fail(err) // the answer to LIST is still to come
		}
	}
	return s.readSizes(each)
}

func (s *session) readSizes(each func(number int, size int64) bool) error {
	r, err := s.Reply()
	if err != nil {
		return err
	}
	if !ok(r) {
		return refusal(r)
	}
	var stop error
	odd, told := 0, s.ids.none()
	err = s.lines(func(line []byte) bool {
		number, value, ok := scan(string(line))
		switch {
		case !ok && odd == maxOdd:
			stop = s.Fail(badLine(line))
		case !ok:
			odd++
			warnOdd(s, "LIST", line)
		case !each(number, sizeIn(value)):
			stop = errStop
		case number <= len(told):
			told[number-1] = true
		}
		return stop == nil
	})
	if stop != nil || err != nil {
		return cmp.Or(stop, err)
	}
	return s.unlisted(told, each)
}

// unlisted adds the messages that UIDL names and LIST does not: their sizes are not known.
func (s *session) unlisted(told []bool, each func(number int, size int64) bool) error {
	for i := range told {
		if !told[i] && s.ids.list[i] != "" && !each(i+1, -1) {
			return errStop
		}
	}
	return nil
}

// entry returns the entry of a message.
func (s *session) entry(number int, size int64, seen doubles) protocols.Entry {
	uid := seen.name(s.ids, number)
	name := nameOf(number, uid)
	s.c.numbered = s
	return protocols.Entry{
		Protocol: proto, URL: s.c.urlOf(name), Name: strconv.Itoa(number), Path: name, Type: protocols.TypeMessage, Size: size, ID: uid,
		MessageInfo: &protocols.MessageInfo{Number: int64(number), UID: uid},
	}
}

// headers asks for the header of each message, pipelined. One that is refused
// leaves its entry as it is.
func (s *session) headers(all []numbered, yield func(protocols.Entry) bool) error {
	seen := doubles{}
	w := windowOf(s, func(m numbered) error { return s.Out.Cmd("TOP", strconv.Itoa(m.number), "0") })
	for m, err := range w.All(values(all)) {
		if err != nil {
			return s.Fail(err)
		}
		e := s.entry(m.number, m.size, seen)
		if err := s.readHeader(e.MessageInfo); err != nil {
			return err
		}
		if !yield(e) {
			s.abandon(len(w.Pending()))
			return errStop
		}
	}
	return nil
}

func values[T any](list []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, v := range list {
			if !yield(v) {
				return
			}
		}
	}
}

const (
	windowSize = 100 // commands in flight
	windowLow  = 80  // refilled from here on, so that writes carry several
)

// windowOf returns a window for commands about messages: one at a time where the
// server takes no more.
func windowOf[T any](s *session, send func(T) error) *wire.Window[T] {
	if s.pipelined() {
		return wire.NewWindow(s.Out, windowSize, windowLow, send)
	}
	return wire.NewWindow(s.Out, 1, 0, send)
}

// abandon returns the connection up when answers are still under way.
func (s *session) abandon(pending int) {
	if pending > 0 {
		s.Fail(errStop)
	}
}

// Stat describes a message, or with an empty name the maildrop (STAT).
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.do(ctx, "stat", name, []string{name}, func(_ context.Context, s *session) error {
		var err error
		if name != "" {
			e, err = s.stat(name)
			return err
		}
		count, size, err := s.totals()
		e = protocols.Entry{
			Protocol: proto, URL: c.urlOf(""), Name: s.user, Type: protocols.TypeMailbox, Size: size,
			GroupInfo: &protocols.GroupInfo{Count: count},
		}
		return err
	})
	return e, err
}

// stat asks for size, unique id and, where wanted, header of one message.
func (s *session) stat(name string) (protocols.Entry, error) {
	t, err := one(name)
	if err != nil {
		return protocols.Entry{}, err
	}
	number, err := s.number(t)
	if err != nil {
		return protocols.Entry{}, err
	}
	r, err := s.Need("LIST", strconv.Itoa(number))
	if err != nil {
		return protocols.Entry{}, err
	}
	_, value, _ := scan(r.Text())
	if err := s.needIDs(); err != nil {
		return protocols.Entry{}, err
	}
	e := s.entry(number, sizeIn(value), doubles{})
	if t.uid != "" {
		e.ID, e.UID, e.Path, e.URL = t.uid, t.uid, name, s.c.urlOf(name)
	}
	if !s.c.Settings.Headers {
		return e, nil
	}
	if err := s.Queue("TOP", strconv.Itoa(number), "0"); err != nil {
		return e, err
	}
	if err := s.Flush(); err != nil {
		return e, err
	}
	return e, s.readHeader(e.MessageInfo)
}

// Totals returns number and bytes of all messages (STAT, RFC 1939 5). The bytes are
// -1 when the server does not tell.
func (c *Client) Totals(ctx context.Context) (count, bytes int64, err error) {
	err = c.do(ctx, "stat", "", nil, func(_ context.Context, s *session) (err error) {
		count, bytes, err = s.totals()
		return err
	})
	return count, bytes, err
}

func (s *session) totals() (count, size int64, err error) {
	r, err := s.Need("STAT")
	if err != nil {
		return 0, 0, err
	}
	f := append(strings.Fields(r.Text()), "", "")
	if count = sizeIn(f[0]); count < 0 {
		return 0, 0, protocols.ProtocolError(proto, "", "the answer to STAT has no count: "+strconv.Quote(wire.Clip(r.Text())))
	}
	return count, sizeIn(f[1]), nil
}
