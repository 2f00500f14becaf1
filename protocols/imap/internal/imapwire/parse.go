package imapwire

import (
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Node is one value of a response.
type Node struct {
	Kind kind
	Text string
	List []Node
}

type kind byte

// The kinds of values.
const (
	atomNode kind = iota
	stringNode
	NilNode
	ListNode
)

// number returns the value as a number, 0 if it is none.
func (n Node) number() uint64 {
	v, _ := strconv.ParseUint(n.Text, 10, 63)
	return v
}

// Int64 returns the value as a number that is not negative.
func (n Node) Int64() (int64, bool) {
	v, err := strconv.ParseInt(n.Text, 10, 64)
	return v, err == nil && v >= 0 && n.Kind == atomNode
}

// Parser reads the values of one response (RFC 3501 9). It is lenient where that
// is harmless, and never goes deeper than its limit.
type Parser struct {
	s     string
	i     int
	depth int
}

// NewParser returns a parser of the values in s.
func NewParser(s string, l protocols.Limits) *Parser { return &Parser{s: s, depth: l.Depth} }

func (p *Parser) fail(what string) error {
	return protocols.ProtocolError(proto, "", "response that makes no sense at "+strconv.Quote(wire.Clip(p.s[min(p.i, len(p.s)):]))+": "+what)
}

// space skips spaces.
func (p *Parser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *Parser) end() bool { return p.i >= len(p.s) }

// peek returns the next byte, 0 at the end.
func (p *Parser) peek() byte {
	if p.end() {
		return 0
	}
	return p.s[p.i]
}

// take skips b if it is next.
func (p *Parser) take(b byte) bool {
	if p.peek() != b || p.end() {
		return false
	}
	p.i++
	return true
}

// word reads an atom: up to a space, parenthesis or quote. A bracket is a character as
// others are: "[" may stand in keywords and mailbox names.
func (p *Parser) word() string {
	start := p.i
	if k := strings.IndexAny(p.s[p.i:], " ()\"\r\n"); k >= 0 {
		p.i += k
	} else {
		p.i = len(p.s)
	}
	return p.s[start:p.i]
}

// item reads the name of a FETCH item: an atom, and what stands in its brackets whole,
// spaces too ("BODY[HEADER.FIELDS (DATE)]<0>").
func (p *Parser) item() string {
	start := p.i
	bracket := false
	for ; p.i < len(p.s); p.i++ {
		switch b := p.s[p.i]; {
		case b == '[':
			bracket = true
		case b == ']':
			bracket = false
		case bracket:
		case b == ' ' || b == '(' || b == ')' || b == '"' || b == '\r' || b == '\n':
			return p.s[start:p.i]
		}
	}
	return p.s[start:p.i]
}

// one reads one value.
func (p *Parser) one() (Node, error) {
	switch p.peek() {
	case '(':
		return p.nested()
	case '"':
		s, err := p.quoted()
		return Node{Kind: stringNode, Text: s}, err
	case '{', '~':
		if s, ok, err := p.literal(); ok || err != nil {
			return Node{Kind: stringNode, Text: s}, err
		}
	}
	w := p.word()
	if w == "" {
		return Node{}, p.fail("a value is missing")
	}
	if strings.EqualFold(w, "NIL") {
		return Node{Kind: NilNode}, nil
	}
	return Node{Kind: atomNode, Text: w}, nil
}

func (p *Parser) nested() (Node, error) {
	if p.depth--; p.depth < 0 {
		return Node{}, protocols.ProtocolError(proto, "", "lists nested too deep")
	}
	defer func() { p.depth++ }()
	p.i++
	n := Node{Kind: ListNode}
	for {
		p.space()
		if p.take(')') {
			return n, nil
		}
		if p.end() {
			return n, p.fail("a list has no end")
		}
		v, err := p.one()
		if err != nil {
			return n, err
		}
		n.List = append(n.List, v)
	}
}

func (p *Parser) quoted() (string, error) {
	p.i++
	start, escaped := p.i, false
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			escaped = true
			p.i++
		case '"':
			text := p.s[start:p.i]
			p.i++
			if escaped {
				text = unescapeQuoted(text)
			}
			return text, nil
		}
	}
	return "", p.fail("a string has no end")
}

// QuotedAt reads the quoted string at i of s and returns what follows it.
func QuotedAt(s string, i int) (text string, next int, err error) {
	p := Parser{s: s, i: i}
	text, err = p.quoted()
	return text, p.i, err
}

func unescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// literal reads a literal that stands in place. ok is false if it is none.
func (p *Parser) literal() (text string, ok bool, err error) {
	end := strings.Index(p.s[p.i:], "}\r\n")
	if end < 0 {
		return "", false, nil
	}
	size, mark, err := LiteralAt([]byte(p.s[p.i : p.i+end+1]))
	if err != nil || mark != 0 {
		return "", false, err
	}
	from := p.i + end + 3
	if size > int64(len(p.s)-from) {
		return "", false, p.fail("a literal is cut")
	}
	p.i = from + int(size)
	return p.s[from:p.i], true, nil
}

// All reads values to the end.
func (p *Parser) All() ([]Node, error) {
	var out []Node
	for {
		p.space()
		if p.end() {
			return out, nil
		}
		n, err := p.one()
		if err != nil {
			return out, err
		}
		out = append(out, n)
	}
}

// ListResponse reads "(attributes) delimiter name" (RFC 3501 7.2.2). Some servers forget
// the quotes around a name that needs them: then it is all that is left of the line,
// without the extended data "(...)" of RFC 5258. ok is false if there is no name.
func (p *Parser) ListResponse() (attributes []Node, delimiter, name string, ok bool) {
	p.space()
	attrs, err := p.one()
	if err != nil || attrs.Kind != ListNode {
		return nil, "", "", false
	}
	p.space()
	mark, err := p.one()
	if err != nil || mark.Kind == ListNode {
		return nil, "", "", false
	}
	p.space()
	rest := strings.TrimRight(p.s[p.i:], " \r\n")
	if first := p.peek(); first == '"' || first == '{' || first == '~' {
		v, err := p.one()
		if err != nil && first == '"' {
			return nil, "", "", false
		}
		if err == nil && v.Kind == stringNode {
			return attrs.List, mark.Text, v.Text, true
		}
	} else if i := strings.Index(rest, ` ("`); i > 0 && strings.HasSuffix(rest, ")") {
		rest = rest[:i]
	}
	return attrs.List, mark.Text, rest, rest != "" && rest[0] != '('
}
