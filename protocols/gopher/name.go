package gopher

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// item is a name taken apart.
type item struct {
	server   *url.URL // another server than the client's own; else nil
	kind     byte     // letter of the type (RFC 1436 3.8)
	selector string
	search   string
	plus     string   // Gopher+: "+", "+VIEW", "!" or "$"; empty: plain Gopher
	searches bool     // a search is there, if an empty one
	answers  []string // to the questions of a form, sent after the request
}

// item takes a name apart.
func (c *Client) item(name string) (item, error) {
	if err := wire.Check(name); err != nil {
		return item{}, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	if !isURL(name) {
		return parseItem(name), nil
	}
	u, err := protocols.ParseURL(name, "")
	if err != nil {
		return item{}, err
	}
	path, err := pathOf(u)
	if err != nil {
		return item{}, err
	}
	it := parseItem(path)
	if host, port := serverOf(u); !c.own(host, port) || u.Scheme != c.url.Scheme {
		it.server = u
	}
	return it, nil
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "gopher://") || strings.HasPrefix(name, "gophers://")
}

func serverOf(u *url.URL) (host, port string) {
	s, _ := Spec().Scheme(u.Scheme)
	return protocols.HostPort(u, s)
}

// address returns host and port of the server that an item is on.
func (c *Client) address(it *item) (host, port string) {
	if it.server != nil {
		return serverOf(it.server)
	}
	return c.host, c.port
}

// own reports whether an address is that of the client's server.
func (c *Client) own(host, port string) bool {
	return port == c.port && strings.EqualFold(host, c.host)
}

func parseItem(path string) item {
	if path == "" {
		return item{kind: kindMenu}
	}
	it := item{kind: path[0]}
	it.selector, it.search, it.searches = strings.Cut(path[1:], "\t")
	it.search, it.plus, _ = strings.Cut(it.search, "\t")
	return it
}

// name puts an item of the client's own server together again.
func (it *item) name() string {
	name := string([]byte{it.kind}) + it.selector
	switch {
	case it.plus != "":
		return name + "\t" + it.search + "\t" + it.plus
	case it.searches:
		return name + "\t" + it.search
	case name == "1":
		return ""
	}
	return name
}

// line is what is sent: selector, search and Gopher+ request. An empty search is
// left out before the latter (RFC 4266 2.4).
func (it *item) line() string {
	line := it.selector
	if it.searches && (it.search != "" || it.plus == "") {
		line += "\t" + it.search
	}
	if it.plus != "" {
		line += "\t" + it.plus
	}
	return line
}

// isMenu: what answers with a menu.
func (it *item) isMenu() bool {
	return it.kind == kindMenu || it.kind == kindSearch || it.kind == kindMirror
}

// urlOf returns the URL of an item.
func (c *Client) urlOf(it *item) string {
	base := c.base
	if it.server != nil {
		base = it.server.Scheme + "://" + it.server.Host + "/"
	}
	var b strings.Builder
	b.Grow(len(base) + len(it.selector) + 16)
	b.WriteString(base)
	if name := it.name(); name != "" {
		escape(&b, name)
	}
	return b.String()
}

// display returns the URL of a name, for messages.
func (c *Client) display(name string) string {
	it, err := c.item(name)
	if err != nil {
		return c.base
	}
	return c.urlOf(&it)
}

const hexDigits = "0123456789ABCDEF"

// escape writes a path; selectors are bytes of no known charset (RFC 4266 2.2).
func escape(b *strings.Builder, path string) {
	for i := range len(path) {
		if ch := path[i]; literal(ch) {
			b.WriteByte(ch)
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[ch>>4])
			b.WriteByte(hexDigits[ch&15])
		}
	}
}

// literal reports whether a byte stands for itself in a path (RFC 3986 3.3).
func literal(ch byte) bool {
	letter := ch|0x20 >= 'a' && ch|0x20 <= 'z'
	return letter || ch >= '0' && ch <= '9' || strings.IndexByte("/-_.~!$&'()*+,;=:@", ch) >= 0
}

// serverURL returns the URL of a server that a menu names, or nil when what stands
// there is none. It may be the client's own.
func (c *Client) serverURL(host, port string) *url.URL {
	if !plainHost(host) {
		return nil
	}
	if c.own(host, port) {
		return &url.URL{Scheme: c.url.Scheme, Host: c.url.Host}
	}
	switch {
	case port != "70":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return &url.URL{Scheme: "gopher", Host: host}
}

// plainHost takes ASCII names and addresses: others cannot be looked up as they are.
func plainHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil && !strings.Contains(host, "%") {
		return true
	}
	for i := range len(host) {
		ch := host[i]
		letter := ch|0x20 >= 'a' && ch|0x20 <= 'z'
		if !letter && !(ch >= '0' && ch <= '9') && ch != '.' && ch != '-' && ch != '_' {
			return false
		}
	}
	return host != ""
}

// lastPart returns the last component of a selector: what a file of it is called.
func lastPart(selector string) string {
	selector = strings.TrimRight(selector, "/")
	return selector[strings.LastIndexByte(selector, '/')+1:]
}
