package pop3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

const (
	// maxNumber is the highest message number that is believed.
	maxNumber = 5_000_000
	// maxIDs is how many bytes the unique ids of a maildrop may take together, with
	// idCost for each of them.
	maxIDs = 128 << 20
	idCost = 128 // what a string and its place in list and map take
)

// ids are the unique ids of a session.
type ids struct {
	list   []string       // by number less 1; empty: no such message
	number map[string]int // of the first message with that id
	bytes  int
}

// add takes one line of an answer to UIDL.
func (d *ids) add(number int, uid string) error {
	d.bytes += len(uid) + idCost + 16*max(0, number-len(d.list))
	if d.bytes > maxIDs {
		return &wire.LimitError{What: "list of unique ids", Limit: maxIDs}
	}
	for len(d.list) < number {
		d.list = append(d.list, "")
	}
	d.list[number-1] = uid
	if _, double := d.number[uid]; !double {
		d.number[uid] = number
	}
	return nil
}

// none returns a mark for each number that has an id.
func (d *ids) none() []bool {
	if d == nil {
		return nil
	}
	return make([]bool, len(d.list))
}

// of returns the unique id of a message; empty when it has none.
func (d *ids) of(number int) string {
	if d == nil || number > len(d.list) {
		return ""
	}
	return d.list[number-1]
}

// scan splits a line of LIST or UIDL: "1 120", "1 whqtswO00WBw418f9t5JxYwZ"
// (RFC 1939 5 and 7). Some servers put more after the value, which is dropped.
func scan(line string) (number int, value string, ok bool) {
	head, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	value, _, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	n, err := strconv.Atoi(head)
	if err != nil || n < 1 || n > maxNumber || value == "" || head[0] == '+' {
		return 0, "", false
	}
	return n, value, true
}

// sizeIn reads a size; -1 when it is none that makes sense.
func sizeIn(value string) int64 {
	n, err := strconv.ParseInt(value, 10, 63)
	if err != nil || n < 0 || value[0] == '+' {
		return -1
	}
	return n
}

func badLine(line []byte) error {
	return protocols.ProtocolError(proto, "", fmt.Sprintf("a listing line is not a number followed by a value: %q", wire.Clip(string(line))))
}

// readIDs reads the answer to UIDL. A server without unique ids leaves none.
func (s *session) readIDs() error {
	r, err := s.Reply()
	if err != nil {
		return err
	}
	d := &ids{number: map[string]int{}}
	if !ok(r) {
		if e := refusal(r); e.Kind == protocols.KindTemporary {
			return e
		}
		s.ids = d
		return nil
	}
	var bad error
	odd := 0
	err = s.lines(func(line []byte) bool {
		n, uid, ok := scan(string(line))
		switch {
		case !ok && odd == maxOdd:
			bad = badLine(line)
		case !ok: // one message without an id is not a reason to get none
			odd++
			warnOdd(s, "UIDL", line)
		case len(uid) > longestID:
			bad = protocols.ProtocolError(proto, "", "a unique id has "+strconv.Itoa(len(uid))+" characters")
		default:
			bad = d.add(n, uid)
		}
		return bad == nil
	})
	if err == nil {
		err = s.Fail(bad)
	}
	if err == nil {
		s.ids = d
	}
	return err
}

// maxOdd is how many lines of a listing that make no sense are passed over.
const maxOdd = 10

// warnOdd reports a line of a listing that is passed over.
func warnOdd(s *session, verb string, line []byte) {
	text := fmt.Sprintf("the answer to %s has a line that is not a number followed by a value: %q; it is ignored", verb, wire.Clip(string(line)))
	s.Conn.Event(protocols.EventWarning, text, 0)
}

// longestID is more than the 70 characters of RFC 1939 7, for servers that know no
// measure.
const longestID = 1000

// needIDs asks for the unique ids, once in a session.
func (s *session) needIDs() error {
	if s.ids != nil {
		return nil
	}
	if err := s.Queue("UIDL"); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return s.readIDs()
}

// number finds the number that a name has in this session.
func (s *session) number(t target) (int, error) {
	if t.uid == "" {
		return t.number, nil
	}
	if err := s.needIDs(); err != nil {
		return 0, err
	}
	base, nth := cutDouble(t.uid)
	n := s.ids.number[t.uid]
	if n == 0 && nth > 1 {
		n = s.ids.nth(base, nth)
	}
	if n == 0 {
		return 0, &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "no message has the unique id " + strconv.Quote(wire.Clip(t.uid))}
	}
	return n, nil
}

// doubleMark stands between an id that several messages have and which of them is
// meant. Copies of one message may share an id (RFC 1939 7).
const doubleMark = "#copy"

func cutDouble(uid string) (base string, nth int) {
	i := strings.LastIndex(uid, doubleMark)
	if i < 0 {
		return uid, 1
	}
	nth, err := strconv.Atoi(uid[i+len(doubleMark):])
	if err != nil {
		return uid, 1
	}
	return uid[:i], nth
}

func (d *ids) nth(base string, nth int) int {
	for i, uid := range d.list {
		if uid != base {
			continue
		}
		if nth--; nth == 0 {
			return i + 1
		}
	}
	return 0
}

// doubles tells the messages that share an id apart, in the order of a listing.
type doubles map[string]int

func (seen doubles) name(d *ids, number int) string {
	uid := d.of(number)
	if uid == "" || d.number[uid] == number {
		return uid
	}
	seen[uid]++
	return uid + doubleMark + strconv.Itoa(seen[uid]+1)
}

// UIDs lists number and unique id of every message (UIDL, RFC 1939 7).
func (c *Client) UIDs(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "", func(s *session, yield func(protocols.Entry) bool) error {
		if err := s.needUIDL(); err != nil {
			return err
		}
		seen := doubles{}
		for i := range s.ids.list {
			if s.ids.list[i] != "" && !yield(s.entry(i+1, -1, seen)) {
				return errStop
			}
		}
		return nil
	})
}

// needUIDL is needIDs where a server without unique ids is an error.
func (s *session) needUIDL() error {
	if err := s.needIDs(); err != nil {
		return err
	}
	if len(s.ids.list) == 0 && s.caps != nil && !s.has("UIDL") {
		count, _, err := s.totals()
		if err != nil || count > 0 {
			return errors.Join(err, unsupported("the server does not support UIDL (unique ids), which identifies messages across sessions"))
		}
	}
	return nil
}
