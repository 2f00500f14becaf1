package imapwire

import (
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Message is what a FETCH response says. What was not asked for has its zero
// value; size is -1 then.
type Message struct {
	Seq     uint32
	UID     uint32
	Flags   []string
	Date    time.Time
	Size    int64
	ModSeq  uint64
	ID      string // EMAILID, or X-GM-MSGID
	Header  string // header fields
	Body    string // content that came as a short string
	HasBody bool   // content came, as a string or as NIL in place of a streamed literal

	Structure Node // BODYSTRUCTURE
	Envelope  Node // ENVELOPE
}

// InternalDate is the form of INTERNALDATE (RFC 3501 9, date-time).
const InternalDate = "_2-Jan-2006 15:04:05 -0700"

// ParseFetch reads a FETCH response, or the head of one that stops at its
// content. Items that it does not know are skipped.
func ParseFetch(r *Response, l protocols.Limits) (Message, error) {
	m := Message{Seq: r.Num, Size: -1}
	p := NewParser(r.Args, l)
	if !p.take('(') {
		return m, p.fail("FETCH without a list")
	}
	for {
		p.space()
		if p.take(')') || p.end() {
			return m, nil
		}
		item := p.item()
		p.space()
		if item == "" {
			return m, p.fail("an item without a name")
		}
		if p.end() && r.Size >= 0 {
			return m, nil // content follows
		}
		v, err := p.one()
		if err != nil {
			return m, err
		}
		m.set(strings.ToUpper(item), v)
	}
}

// CheckTail fails unless tail, which follows content in a FETCH response, is what may
// follow it: items that servers send, and the end of the list. Else the literal was
// shorter or longer than the message.
func CheckTail(tail string, l protocols.Limits) error {
	p := NewParser(tail, l)
	for {
		if p.peek() != ' ' && p.peek() != ')' {
			return p.fail("the message does not end where its literal does")
		}
		p.space()
		if p.take(')') {
			break
		}
		if !mayFollow(p.item()) {
			return p.fail("the message does not end where its literal does")
		}
		p.space()
		if _, err := p.one(); err != nil {
			return err
		}
	}
	if p.space(); !p.end() {
		return p.fail("the message does not end where its literal does")
	}
	return nil
}

// mayFollow reports whether a word can be the name of an item: those are upper case in
// all servers. Nobody asks for two contents: another one is that of the next message.
func mayFollow(item string) bool {
	if item == "FETCH" || item == "RFC822" || strings.HasPrefix(item, "BODY[") || strings.HasPrefix(item, "BINARY[") {
		return false
	}
	return item != "" && item == strings.ToUpper(item) && item[0] >= 'A' && item[0] <= 'Z'
}

func (m *Message) set(item string, v Node) {
	switch item {
	case "UID":
		if n := v.number(); n < 1<<32 { // else it is none that can be asked for
			m.UID = uint32(n)
		}
	case "FLAGS":
		list := v.List[:min(len(v.List), mostFlags)]
		m.Flags = make([]string, 0, len(list)) // none is known too, as nil is not
		for _, f := range list {
			if f.Kind == NilNode {
				f.Text = "NIL" // a keyword like any other
			}
			m.Flags = append(m.Flags, f.Text)
		}
	case "INTERNALDATE":
		m.Date, _ = time.Parse(InternalDate, v.Text)
	case "RFC822.SIZE":
		if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil && n >= 0 {
			m.Size = n
		}
	case "MODSEQ":
		if len(v.List) == 1 {
			m.ModSeq = v.List[0].number()
		}
	case "EMAILID":
		if len(v.List) == 1 {
			m.ID = v.List[0].Text
		}
	case "X-GM-MSGID":
		m.ID = v.Text
	case "BODYSTRUCTURE":
		m.Structure = v
	case "ENVELOPE":
		m.Envelope = v
	default:
		m.setContent(item, v)
	}
}

func (m *Message) setContent(item string, v Node) {
	switch {
	case strings.HasPrefix(item, "BODY[HEADER.FIELDS"):
		m.Header = v.Text
		m.Body, m.HasBody = v.Text, v.Kind == stringNode
	case strings.HasPrefix(item, "BODY["), strings.HasPrefix(item, "BINARY["), item == "RFC822":
		m.Body, m.HasBody = v.Text, v.Kind == stringNode
	}
}
