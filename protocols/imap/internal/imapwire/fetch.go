package imapwire

import (
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Message is what a FETCH response tells. What was not asked for has its zero
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
}

// InternalDate is the form of INTERNALDATE (RFC 3501 9, date-time).
const InternalDate = "_2-Jan-2006 15:04:05 -0700"

// ParseFetch reads a FETCH response, or the head of one that stops at its
// content. Items that it does not know are skipped.
func ParseFetch(r *Response, l protocols.Limits) (Message, error) {
	m, _, err := parseFetch(r, l)
	return m, err
}

// CheckFetch fails unless a FETCH response is whole: a list that is closed, and
// nothing after it.
func CheckFetch(r *Response, l protocols.Limits) error {
	_, p, err := parseFetch(r, l)
	if err != nil {
		return err
	}
	p.space()
	if !p.closed || !p.end() {
		return p.fail("the FETCH response does not end where the message does")
	}
	return nil
}

func parseFetch(r *Response, l protocols.Limits) (Message, *Parser, error) {
	m := Message{Seq: r.Num, Size: -1}
	p := NewParser(r.Args, l)
	if !p.take('(') {
		return m, p, p.fail("FETCH without a list")
	}
	for {
		p.space()
		if p.closed = p.take(')'); p.closed || p.end() {
			return m, p, nil
		}
		item := p.word()
		p.space()
		if item == "" {
			return m, p, p.fail("an item without a name")
		}
		if p.end() && r.Size >= 0 {
			return m, p, nil // content follows
		}
		v, err := p.one()
		if err != nil {
			return m, p, err
		}
		m.set(strings.ToUpper(item), v)
	}
}

func (m *Message) set(item string, v Node) {
	switch item {
	case "UID":
		m.UID = uint32(min(v.number(), 1<<32-1))
	case "FLAGS":
		list := v.List[:min(len(v.List), mostFlags)]
		m.Flags = make([]string, 0, len(list)) // none is known too, as nil is not
		for _, f := range list {
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
