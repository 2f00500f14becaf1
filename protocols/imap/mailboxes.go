package imap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// listed is one LIST or LSUB response.
type listed struct {
	attrs     []string
	delimiter string
	name      string
}

// parseList reads "(attributes) delimiter name" (RFC 3501 7.2.2).
func (s *session) parseList(r *imapwire.Response) (listed, bool) {
	values, err := imapwire.NewParser(r.Args, s.c.limits).All()
	if err != nil || len(values) < 3 || values[0].Kind != imapwire.ListNode || values[2].Kind == imapwire.ListNode {
		return listed{}, false
	}
	l := listed{delimiter: values[1].Text, name: s.decodeName(values[2].Text)}
	for _, a := range values[0].List {
		l.attrs = append(l.attrs, a.Text)
	}
	return l, true
}

func (l *listed) is(attr string) bool {
	return slices.ContainsFunc(l.attrs, func(a string) bool { return strings.EqualFold(a, attr) })
}

func (l *listed) selectable() bool { return !l.is(`\Noselect`) && !l.is(`\NonExistent`) }

// special are the uses of RFC 6154 and RFC 8457.
var special = []string{`\All`, `\Archive`, `\Drafts`, `\Flagged`, `\Junk`, `\Sent`, `\Trash`, `\Important`}

func isPattern(mailbox string) bool { return strings.ContainsAny(mailbox, "*%") }

// mailboxEntry returns the entry of a mailbox without its counts.
func (s *session) mailboxEntry(l *listed) protocols.Entry {
	path := imapwire.Escape(l.name)
	e := protocols.Entry{
		Protocol: proto, URL: s.c.urlOf(path), Name: l.name, Path: path, Type: protocols.TypeMailbox, Size: -1,
		Facts: map[string]string{"attributes": strings.Join(l.attrs, " "), "delimiter": l.delimiter},
	}
	for _, use := range special {
		if l.is(use) {
			e.Facts["use"] = strings.ToLower(use[1:])
		}
	}
	if !l.selectable() {
		e.Type = protocols.TypeDir
	}
	return e
}

// statusItems are the counts that are asked for (RFC 3501 6.3.10, RFC 8438, RFC 7162).
func (s *session) statusItems() string {
	items := "MESSAGES UNSEEN UIDNEXT UIDVALIDITY"
	if s.hasOr2("STATUS=SIZE") {
		items += " SIZE"
	}
	if s.has("CONDSTORE", "QRESYNC") {
		items += " HIGHESTMODSEQ"
	}
	return "(" + items + ")"
}

// counts fills in a STATUS response; ok is false when it is of another mailbox.
func (s *session) counts(r *imapwire.Response, e *protocols.Entry) bool {
	values, err := imapwire.NewParser(r.Args, s.c.limits).All()
	if err != nil || len(values) != 2 || s.decodeName(values[0].Text) != e.Name {
		return false
	}
	list := values[1].List
	e.GroupInfo = &protocols.GroupInfo{}
	for i := 0; i+1 < len(list); i += 2 {
		key, value := strings.ToLower(list[i].Text), list[i+1].Text
		switch key {
		case "messages":
			e.Count, _ = strconv.ParseInt(value, 10, 64)
		case "size":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				e.Size = n
			}
		default:
			if e.Facts == nil {
				e.Facts = map[string]string{}
			}
			e.Facts[key] = value
		}
	}
	return true
}

// listMailboxes lists mailboxes with their counts: in one command where the
// server has LIST-STATUS (RFC 5819), else with STATUS commands behind.
func (s *session) listMailboxes(pattern string, subscribed bool, yield func(protocols.Entry) error) error {
	if pattern == "" {
		pattern = "*"
	}
	verb, args := "LIST", []any{text(""), boxPattern(s, pattern)}
	withStatus := s.hasOr2("LIST-STATUS") && !subscribed
	switch {
	case withStatus && s.hasOr2("SPECIAL-USE"):
		args = append(args, "RETURN (SPECIAL-USE STATUS "+s.statusItems()+")")
	case withStatus:
		args = append(args, "RETURN (STATUS "+s.statusItems()+")")
	case subscribed:
		verb = "LSUB"
	}
	var waiting []protocols.Entry
	var first error
	err := s.ask(func(r *imapwire.Response) error {
		if first == nil {
			waiting, first = s.listResponse(r, verb, withStatus, waiting, yield)
		}
		return s.broken()
	}, verb, args...)
	if err == nil {
		err = first
	}
	if err != nil {
		return err
	}
	return s.flushMailboxes(waiting, withStatus || subscribed, yield)
}

// boxPattern encodes a pattern as a name, which leaves * and % alone.
func boxPattern(s *session, pattern string) text { return text(s.encodeName(pattern)) }

// mostMailboxes bounds the mailboxes whose counts are not known yet.
const mostMailboxes = 100_000

// listResponse takes one response to LIST. With LIST-STATUS the counts of a
// mailbox follow its LIST response, on most servers at once.
func (s *session) listResponse(r *imapwire.Response, verb string, withStatus bool, waiting []protocols.Entry, yield func(protocols.Entry) error) ([]protocols.Entry, error) {
	switch {
	case r.Name == verb:
		l, ok := s.parseList(r)
		if !ok {
			return waiting, yield(protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: r.Args})
		}
		if len(waiting) >= mostMailboxes {
			return waiting, s.fail(protocols.ProtocolError(proto, "", "mailboxes without end"))
		}
		return append(waiting, s.mailboxEntry(&l)), nil
	case r.Name == "STATUS" && withStatus:
		for i := range waiting {
			if s.counts(r, &waiting[i]) {
				ready := waiting[:i+1]
				for _, e := range ready {
					if err := yield(e); err != nil {
						return nil, err
					}
				}
				return waiting[i+1:], nil
			}
		}
	}
	return waiting, nil
}

// statusWindow is how many STATUS commands are under way.
const statusWindow = 50

// flushMailboxes returns the mailboxes that wait, with counts asked for one by one
// unless they came already.
func (s *session) flushMailboxes(waiting []protocols.Entry, counted bool, yield func(protocols.Entry) error) error {
	for len(waiting) > 0 {
		part := waiting[:min(len(waiting), statusWindow)]
		waiting = waiting[len(part):]
		if !counted {
			if err := s.askCounts(part); err != nil {
				return err
			}
		}
		for _, e := range part {
			if err := yield(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// askCounts asks for the counts of some mailboxes in one flight. One that refuses
// keeps none.
func (s *session) askCounts(part []protocols.Entry) error {
	tags := make([]string, len(part))
	for i := range part {
		if part[i].Type != protocols.TypeMailbox {
			continue
		}
		tag, no, err := s.send("STATUS", boxName(part[i].Name), s.statusItems())
		if err != nil {
			return err
		}
		if no == nil {
			tags[i] = tag
		}
	}
	for i, tag := range tags {
		if tag == "" {
			continue
		}
		_, err := s.wait(tag, false, func(r *imapwire.Response) error {
			for k := range part[i:] {
				if r.Name == "STATUS" && s.counts(r, &part[i+k]) {
					break
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// statMailbox describes one mailbox.
func (s *session) statMailbox(n *imapwire.Name) (protocols.Entry, error) {
	e := s.mailboxEntry(&listed{name: n.Mailbox})
	delete(e.Facts, "attributes")
	delete(e.Facts, "delimiter")
	found := false
	err := s.ask(func(r *imapwire.Response) error {
		if r.Name == "STATUS" && s.counts(r, &e) {
			found = true
		}
		return nil
	}, "STATUS", boxName(n.Mailbox), s.statusItems())
	if err == nil && !found {
		err = protocols.ProtocolError(proto, "", "the server answers STATUS without a status")
	}
	return e, err
}
