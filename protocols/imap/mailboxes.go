package imap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// listed is one LIST or LSUB response.
type listed struct {
	attrs     []string
	delimiter string
	name      string
}

// parseList reads a LIST or LSUB response.
func parseList(s *session.Session, r *imapwire.Response) (listed, bool) {
	attrs, delimiter, name, ok := imapwire.NewParser(r.Args, s.Limits).ListResponse()
	if !ok {
		return listed{}, false
	}
	l := listed{delimiter: delimiter, name: s.DecodeName(name)}
	for _, a := range attrs {
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
func mailboxEntry(s *session.Session, l *listed) protocols.Entry {
	path := imapwire.Escape(l.name)
	e := protocols.Entry{
		Protocol: proto, URL: s.URL(path), Name: l.name, Path: path, Type: protocols.TypeMailbox, Size: -1,
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
func statusItems(s *session.Session) string {
	items := "MESSAGES UNSEEN UIDNEXT UIDVALIDITY"
	if s.Has("STATUS=SIZE") {
		items += " SIZE"
	}
	if s.Has("CONDSTORE", "QRESYNC") {
		items += " HIGHESTMODSEQ"
	}
	return "(" + items + ")"
}

// parseStatus reads "mailbox (item count ...)".
func parseStatus(s *session.Session, r *imapwire.Response) (mailbox string, items []imapwire.Node, ok bool) {
	values, err := imapwire.NewParser(r.Args, s.Limits).All()
	if err != nil || len(values) != 2 {
		return "", nil, false
	}
	return s.DecodeName(values[0].Text), values[1].List, true
}

// sameMailbox compares names as servers do: INBOX may be written in any case.
func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, b) && strings.EqualFold(a, "INBOX")
}

// addCounts fills in the items of a STATUS response.
func addCounts(e *protocols.Entry, items []imapwire.Node) {
	e.GroupInfo = &protocols.GroupInfo{}
	for i := 0; i+1 < len(items); i += 2 {
		key, value := strings.ToLower(items[i].Text), items[i+1].Text
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
}

// mailboxList is a LIST or LSUB command at work.
type mailboxList struct {
	s       *session.Session
	verb    string
	counted bool     // STATUS responses come with the LIST responses (RFC 5819)
	waiting []listed // their counts are not known yet
	budget  session.Budget
	yield   yielder
}

// The bounds of the mailboxes whose counts are not known yet.
const (
	maxMailboxes    = 100_000
	maxMailboxBytes = 16 << 20
)

// listMailboxes lists mailboxes with their counts: with one command if the server
// supports LIST-STATUS, else with STATUS commands after it. Subscribed ones are
// listed without counts.
func listMailboxes(s *session.Session, pattern string, subscribed bool, yield yielder) error {
	if pattern == "" {
		pattern = "*"
	}
	l := &mailboxList{s: s, verb: "LIST", counted: s.Has("LIST-STATUS") && !subscribed, budget: maxMailboxBytes, yield: yield}
	args := []any{session.Text(""), s.Pattern(pattern)}
	switch {
	case l.counted && s.Has("SPECIAL-USE"):
		args = append(args, "RETURN (SPECIAL-USE STATUS "+statusItems(s)+")")
	case l.counted:
		args = append(args, "RETURN (STATUS "+statusItems(s)+")")
	case subscribed:
		l.verb = "LSUB"
	}
	var first error
	err := s.Ask(func(r *imapwire.Response) error {
		if first == nil {
			first = l.take(r)
		}
		return s.Failed()
	}, l.verb, args...)
	if err == nil {
		err = first
	}
	if err != nil {
		return err
	}
	return l.rest(subscribed)
}

// take takes one response. With LIST-STATUS the counts of a mailbox follow its LIST
// response, on most servers at once.
func (l *mailboxList) take(r *imapwire.Response) error {
	switch {
	case r.Name == l.verb:
		m, ok := parseList(l.s, r)
		if !ok {
			return l.yield(protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: strings.TrimSpace(r.Name + " " + r.Args)})
		}
		if len(l.waiting) >= maxMailboxes {
			return l.s.Fail(imapwire.ErrTooMany("mailboxes"))
		}
		l.waiting = append(l.waiting, m)
		return l.s.Fail(l.budget.Take(r.Args))
	case r.Name == "STATUS" && l.counted:
		name, items, ok := parseStatus(l.s, r)
		if !ok {
			return nil
		}
		if i := slices.IndexFunc(l.waiting, func(m listed) bool { return sameMailbox(m.name, name) }); i >= 0 {
			return l.ready(i, items)
		}
	}
	return nil
}

// ready yields the mailboxes up to the one at i, whose counts have come.
func (l *mailboxList) ready(i int, items []imapwire.Node) error {
	for k := range l.waiting[:i+1] {
		e := mailboxEntry(l.s, &l.waiting[k])
		if k == i {
			addCounts(&e, items)
		}
		if err := l.yield(e); err != nil {
			return err
		}
	}
	l.waiting = l.waiting[i+1:]
	if len(l.waiting) == 0 {
		l.budget = maxMailboxBytes
	}
	return nil
}

// statusWindow is how many STATUS commands are under way.
const statusWindow = 50

// rest yields the mailboxes that wait, with counts asked for one by one.
func (l *mailboxList) rest(subscribed bool) error {
	for part := range slices.Chunk(l.waiting, statusWindow) {
		list := make([]protocols.Entry, len(part))
		for i := range part {
			list[i] = mailboxEntry(l.s, &part[i])
		}
		if !l.counted && !subscribed {
			if err := askCounts(l.s, list); err != nil {
				return err
			}
		}
		for _, e := range list {
			if err := l.yield(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// askCounts asks for the counts of some mailboxes in one flight. A mailbox whose
// counts are refused stays without.
func askCounts(s *session.Session, part []protocols.Entry) error {
	tags := make([]string, len(part))
	for i := range part {
		if part[i].Type != protocols.TypeMailbox {
			continue
		}
		tag, refusal, err := s.Send("STATUS", session.BoxName(part[i].Name), statusItems(s))
		if err != nil {
			return err
		}
		if refusal == nil {
			tags[i] = tag
		}
	}
	for i, tag := range tags {
		if tag == "" {
			continue
		}
		if _, err := s.Wait(tag, false, func(r *imapwire.Response) error {
			if r.Name == "STATUS" {
				takeCounts(s, r, part[i:])
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// takeCounts fills in a STATUS response where it belongs.
func takeCounts(s *session.Session, r *imapwire.Response, list []protocols.Entry) bool {
	name, items, ok := parseStatus(s, r)
	if !ok {
		return false
	}
	i := slices.IndexFunc(list, func(e protocols.Entry) bool { return sameMailbox(e.Name, name) })
	if i >= 0 {
		addCounts(&list[i], items)
	}
	return i >= 0
}

// statMailbox describes one mailbox.
func statMailbox(s *session.Session, mailbox string) (protocols.Entry, error) {
	e := mailboxEntry(s, &listed{name: mailbox})
	delete(e.Facts, "attributes")
	delete(e.Facts, "delimiter")
	list, found := []protocols.Entry{e}, false
	err := s.Ask(func(r *imapwire.Response) error {
		if r.Name == "STATUS" && takeCounts(s, r, list) {
			found = true
		}
		return nil
	}, "STATUS", session.BoxName(mailbox), statusItems(s))
	if err == nil && !found {
		err = protocols.ProtocolError(proto, "", "the server answers STATUS without a status")
	}
	return list[0], explained(s, mailbox, err)
}
