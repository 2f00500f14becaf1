package gopher

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// menuParser makes entries of the lines of one menu.
type menuParser struct {
	c      *Client
	decode func(string) string // of texts for people; nil: none
	before byte                // type of the last item that was not a mirror
	facts  map[factsKey]map[string]string
}

type factsKey struct {
	letter byte
	plus   string
}

func (c *Client) newMenuParser(decode func(string) string) *menuParser {
	return &menuParser{c: c, decode: decode, facts: map[factsKey]map[string]string{}}
}

// parse reads one line (RFC 1436 3.9): type, text, selector, host, port and, of a
// Gopher+ item, a "+" or "?". ok is false for a line that is empty. One that is
// not understood stands in Raw.
func (p *menuParser) parse(line string) (e protocols.Entry, ok bool) {
	if line == "" {
		return e, false
	}
	letter := line[0]
	f := strings.Split(line[1:], "\t")
	k := kindOf(letter)
	e = protocols.Entry{Protocol: proto, Name: f[0], Type: k.typ, Size: -1, Facts: p.factsOf(letter, plusMark(f))}
	if p.decode != nil {
		e.Name = p.decode(e.Name)
	}
	if letter == kindInfo || letter == kindError {
		return e, true
	}
	if len(f) < 4 || !p.locate(&e, letter, f) {
		return protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: line}, true
	}
	return e, true
}

// plusMark returns the mark of a Gopher+ item: "+", or "?" for one with questions.
func plusMark(f []string) string {
	if len(f) > 4 && f[4] != "" && (f[4][0] == '+' || f[4][0] == '?') {
		return f[4][:1]
	}
	return ""
}

// factsOf returns the facts of a type; entries share them, since nobody writes them.
func (p *menuParser) factsOf(letter byte, plus string) map[string]string {
	key := factsKey{letter, plus}
	f := p.facts[key]
	if f == nil {
		f = map[string]string{"kind": KindName(letter), "type": string([]byte{letter})}
		if plus != "" {
			f["gopher+"] = "yes"
		}
		if plus == "?" {
			f["asks"] = "yes"
		}
		p.facts[key] = f
	}
	return f
}

// locate sets what opens the entry. It reports false when that makes no sense.
func (p *menuParser) locate(e *protocols.Entry, letter byte, f []string) bool {
	it := item{kind: letter, selector: f[1]}
	host, port := f[2], strings.TrimSpace(f[3])
	if strings.ContainsAny(it.name(), "\r\n\x00") {
		return false
	}
	if letter == kindMirror { // another place of the item before it
		if it.kind = p.before; it.kind == 0 {
			return false
		}
		e.Type = kindOf(it.kind).typ
	} else {
		p.before = letter
	}
	if !p.c.own(host, port) {
		if host == "" { // left out by some servers: the same place
			host, port = p.c.host, p.c.port
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 && letter != kindHTML {
			return false
		}
		u := p.c.serverURL(host, strconv.FormatUint(n, 10))
		if u == nil {
			return false
		}
		if !p.c.own(host, port) {
			it.server = u
		}
	}
	return p.point(e, &it, host, port)
}

// point sets URL, path and target.
func (p *menuParser) point(e *protocols.Entry, it *item, host, port string) bool {
	e.URL = p.c.urlOf(it)
	e.Path = it.name()
	if it.server != nil {
		e.Path = e.URL
	}
	switch it.kind {
	case kindHTML:
		if link, ok := linkOf(it.selector); ok {
			e.Type, e.URL, e.Target = protocols.TypeLink, link, link
		}
	case kindTelnet, kindTN3270: // the selector is the user to log in as
		e.URL, e.Path = terminalURL(it, host, port), ""
	}
	return true
}

// terminalURL returns the URL of a login; a user whose name no URL can hold is left out.
func terminalURL(it *item, host, port string) string {
	u := url.URL{Scheme: kindOf(it.kind).name, Host: net.JoinHostPort(host, port), Path: "/"}
	if it.selector != "" && !strings.ContainsAny(it.selector, "/?#") {
		u.User = url.User(it.selector)
	}
	return u.String()
}

// linkOf takes the URL out of a selector that is one: "URL:http://...".
func linkOf(selector string) (string, bool) {
	s := strings.TrimPrefix(selector, "/")
	if len(s) < 4 || !strings.EqualFold(s[:4], "URL:") {
		return "", false
	}
	u, err := url.Parse(s[4:])
	if err != nil || u.Scheme == "" {
		return "", false
	}
	return u.String(), true
}
