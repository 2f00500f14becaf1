package imap

import (
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// message is what a FETCH response tells. What was not asked for has its zero
// value; size is -1 then.
type message struct {
	seq     uint32
	uid     uint32
	flags   []string
	date    time.Time
	size    int64
	modSeq  uint64
	id      string // EMAILID, or X-GM-MSGID
	header  string // header fields
	body    string // content that came as a short string
	hasBody bool   // content came, as a string or as NIL in place of a streamed literal
}

// internalDate is the form of INTERNALDATE (RFC 3501 9, date-time).
const internalDate = "_2-Jan-2006 15:04:05 -0700"

// parseFetch reads a FETCH response, or the head of one that stops at its
// content. Items that it does not know are skipped.
func parseFetch(r *response, l protocols.Limits) (message, error) {
	m := message{seq: r.num, size: -1}
	p := newParser(r.args, l)
	if !p.take('(') {
		return m, p.fail("FETCH without a list")
	}
	for {
		p.space()
		if p.take(')') || p.end() {
			return m, nil
		}
		item := p.word()
		p.space()
		if item == "" {
			return m, p.fail("an item without a name")
		}
		if p.end() && r.size >= 0 {
			return m, nil // content follows
		}
		v, err := p.one()
		if err != nil {
			return m, err
		}
		m.set(strings.ToUpper(item), v)
	}
}

func (m *message) set(item string, v node) {
	switch item {
	case "UID":
		m.uid = uint32(min(v.number(), 1<<32-1))
	case "FLAGS":
		list := v.list[:min(len(v.list), mostFlags)]
		m.flags = make([]string, 0, len(list)) // none is known too, as nil is not
		for _, f := range list {
			m.flags = append(m.flags, f.text)
		}
	case "INTERNALDATE":
		m.date, _ = time.Parse(internalDate, v.text)
	case "RFC822.SIZE":
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil && n >= 0 {
			m.size = n
		}
	case "MODSEQ":
		if len(v.list) == 1 {
			m.modSeq = v.list[0].number()
		}
	case "EMAILID":
		if len(v.list) == 1 {
			m.id = v.list[0].text
		}
	case "X-GM-MSGID":
		m.id = v.text
	default:
		m.setContent(item, v)
	}
}

func (m *message) setContent(item string, v node) {
	switch {
	case strings.HasPrefix(item, "BODY[HEADER.FIELDS"):
		m.header = v.text
		m.body, m.hasBody = v.text, v.kind == stringNode
	case strings.HasPrefix(item, "BODY["), strings.HasPrefix(item, "BINARY["), item == "RFC822":
		m.body, m.hasBody = v.text, v.kind == stringNode
	}
}

// entry returns the entry of a message.
func (s *session) entry(m *message) protocols.Entry {
	b, uid := s.box, strconv.FormatUint(uint64(m.uid), 10)
	if b.path == "" {
		b.path = strings.TrimSuffix(messageName(b.name, b.validity, 0), "0")
		b.url = s.c.urlOf(b.path)
	}
	e := protocols.Entry{
		Protocol: proto, URL: b.url + uid, Name: uid, Path: b.path + uid,
		Type: protocols.TypeMessage, Size: m.size, Modified: m.date, ID: m.id,
		MessageInfo: &protocols.MessageInfo{Number: int64(m.seq), UID: uid, Flags: m.flags},
	}
	if m.header != "" {
		readHeader(m.header, e.MessageInfo)
	}
	if m.modSeq != 0 {
		e.Facts = map[string]string{"modseq": strconv.FormatUint(m.modSeq, 10)}
	}
	return e
}
