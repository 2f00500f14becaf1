package imap

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// name is what a client's name points at (RFC 5092 6).
type name struct {
	mailbox  string
	validity uint32 // UIDVALIDITY; 0: any
	uid      uint32 // 0: the mailbox
	set      string // UIDs as a set, "1:5,9", where it is not one number
	section  string // of the message, "1.2", "HEADER"; empty: all
	partial  bool
	first    int64 // with partial
	length   int64 // with partial; 0: to the end
	search   string
}

// escapes are the bytes with a meaning in names, as a mailbox's own name writes them.
var (
	escapeName   = strings.NewReplacer("%", "%25", ";", "%3B", "?", "%3F")
	unescapeName = strings.NewReplacer("%25", "%", "%3B", ";", "%3b", ";", "%3F", "?", "%3f", "?")
)

// Path returns the name that a URL points at. The parts behind the mailbox are
// those of RFC 5092; a query is a search.
func Path(u *url.URL) (string, error) {
	if u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "an IMAP URL has no fragment; write # as %23")
	}
	escaped := strings.TrimPrefix(u.EscapedPath(), "/")
	box, tail := cutParams(escaped)
	mailbox, err := url.PathUnescape(box)
	if err != nil {
		return "", protocols.UsageError(proto, "", err.Error())
	}
	if tail, err = url.PathUnescape(tail); err != nil {
		return "", protocols.UsageError(proto, "", err.Error())
	}
	query, err := url.PathUnescape(u.RawQuery)
	if err != nil {
		return "", protocols.UsageError(proto, "", err.Error())
	}
	out := escapeName.Replace(strings.TrimSuffix(mailbox, "/")) + tail
	if query != "" {
		out += "?" + query
	}
	_, err = parseName(out)
	return out, err
}

// cutParams splits the mailbox from what starts with the first semicolon, and a
// slash before it.
func cutParams(text string) (mailbox, params string) {
	i := strings.IndexByte(text, ';')
	if i < 0 {
		return text, ""
	}
	if strings.HasSuffix(text[:i], "/") {
		i--
	}
	return text[:i], text[i:]
}

// parseName reads a name.
func parseName(text string) (*name, error) {
	n := &name{}
	rest, search, _ := strings.Cut(text, "?")
	n.search = search
	box, params := cutParams(rest)
	n.mailbox = unescapeName.Replace(strings.TrimSuffix(box, "/"))
	for _, param := range strings.Split(params, ";")[min(1, len(params)):] {
		key, value, _ := strings.Cut(param, "=")
		if err := n.set1(strings.ToUpper(key), strings.TrimSuffix(value, "/")); err != nil {
			return nil, err
		}
	}
	if (n.section != "" || n.partial) && n.uid == 0 && n.set == "" {
		return nil, protocols.UsageError(proto, "", "SECTION and PARTIAL need a UID")
	}
	if n.mailbox == "" && (n.uid != 0 || n.set != "") {
		return nil, protocols.UsageError(proto, "", "a UID needs a mailbox before it")
	}
	return n, nil
}

// set1 takes one parameter.
func (n *name) set1(key, value string) error {
	bad := protocols.UsageError(proto, "", fmt.Sprintf("%s=%q makes no sense in a name", key, value))
	switch key {
	case "":
		if value != "" {
			return bad
		}
	case "UIDVALIDITY":
		v, err := strconv.ParseUint(value, 10, 32)
		if err != nil || v == 0 {
			return bad
		}
		n.validity = uint32(v)
	case "UID":
		if n.uids() != "" {
			return bad // a second one
		}
		if v, err := strconv.ParseUint(value, 10, 32); err == nil && v > 0 {
			n.uid = uint32(v)
		} else if n.set = value; !isSet(value) {
			return bad
		}
	case "SECTION":
		if n.section = value; !isSection(value) {
			return bad
		}
	case "PARTIAL":
		return n.setPartial(value, bad)
	default:
		return bad
	}
	return nil
}

func (n *name) setPartial(value string, bad error) error {
	first, length, some := strings.Cut(value, ".")
	var err error
	if n.first, err = strconv.ParseInt(first, 10, 64); err != nil || n.first < 0 {
		return bad
	}
	if some {
		if n.length, err = strconv.ParseInt(length, 10, 64); err != nil || n.length < 1 {
			return bad
		}
	}
	n.partial = true
	return nil
}

// isSection reports whether text can stand in BODY[]: it goes into a command as
// it is.
func isSection(text string) bool {
	for _, b := range []byte(text) {
		if b < ' ' || b > '~' || strings.IndexByte("[]{\"\\", b) >= 0 {
			return false
		}
	}
	return text != "" && strings.Count(text, "(") == strings.Count(text, ")")
}

// uids returns the message or messages as a set.
func (n *name) uids() string {
	if n.uid != 0 {
		return strconv.FormatUint(uint64(n.uid), 10)
	}
	return n.set
}

// messageName returns the name of a message.
func messageName(mailbox string, validity, uid uint32) string {
	return fmt.Sprintf("%s;UIDVALIDITY=%d/;UID=%d", escapeName.Replace(mailbox), validity, uid)
}

// String returns the name of a message, or of the part of it, as the verbs take it.
func (n *name) String() string {
	out := messageName(n.mailbox, n.validity, n.uid)
	if n.section != "" {
		out += "/;SECTION=" + n.section
	}
	if n.partial {
		out += fmt.Sprintf("/;PARTIAL=%d", n.first)
	}
	if n.length > 0 {
		out += fmt.Sprintf(".%d", n.length)
	}
	return out
}

// URL returns the URL that opens a name of this client's verbs, without a password.
func (c *Client) URL(name string) string { return c.urlOf(name) }

// urlOf returns the URL that opens a name.
func (c *Client) urlOf(text string) string {
	u := *c.url
	u.Path, u.RawPath, u.RawQuery, u.Fragment = "", "", "", ""
	rest, search, _ := strings.Cut(text, "?")
	box, params := cutParams(rest)
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(protocols.Redact(&u), "/"))
	for _, seg := range strings.Split(unescapeName.Replace(box), "/") {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(url.PathEscape(seg), ";", "%3B"))
	}
	b.WriteString(params)
	if search != "" {
		b.WriteString("?" + strings.ReplaceAll(url.PathEscape(search), "?", "%3F"))
	}
	return b.String()
}

// SaveName returns what get saves an object as: "mailbox-uid.eml".
func (c *Client) SaveName(text string) string {
	n, err := parseName(text)
	if err != nil || n.mailbox == "" {
		return "mail"
	}
	out := strings.NewReplacer("/", "-", "\\", "-").Replace(n.mailbox)
	if id := n.uids(); id != "" {
		out += "-" + strings.NewReplacer(":", "-", "*", "last").Replace(id)
	}
	if n.section != "" {
		return out + "-" + n.section
	}
	return out + ".eml"
}

// cutAuth takes ";AUTH=mechanism" out of the user part of a URL; "*" means any.
func cutAuth(u *url.URL) (*url.URL, string) {
	user, mechanism, ok := cutFold(u.User.Username(), ";AUTH=")
	if !ok {
		return u, ""
	}
	plain := *u
	plain.User = url.User(user)
	if password, ok := u.User.Password(); ok {
		plain.User = url.UserPassword(user, password)
	}
	if user == "" {
		plain.User = nil
	}
	if mechanism == "*" {
		mechanism = ""
	}
	return &plain, mechanism
}

// cutFold is strings.Cut for an ASCII separator in either case.
func cutFold(s, sep string) (before, after string, found bool) {
	i := strings.Index(strings.ToUpper(s), sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// MailboxName returns the name, as the verbs take it, of the mailbox that users call
// plain: a semicolon, question mark or per cent sign in it is escaped.
func MailboxName(plain string) string { return escapeName.Replace(plain) }
