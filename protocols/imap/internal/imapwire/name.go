package imapwire

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Name is what a client's name points at (RFC 5092 6).
type Name struct {
	Mailbox  string
	Validity uint32 // UIDVALIDITY; 0: any
	UID      uint32 // 0: the mailbox
	Set      string // UIDs as a set, "1:5,9", where it is not one number
	Section  string // of the message, "1.2", "HEADER"; empty: all
	Partial  bool
	First    int64 // with partial
	Length   int64 // with partial; 0: to the end
	Search   string
}

// escapes are the bytes with a meaning in names, as a mailbox's own name writes them.
var (
	escapeName   = strings.NewReplacer("%", "%25", ";", "%3B", "?", "%3F")
	unescapeName = strings.NewReplacer("%25", "%", "%3B", ";", "%3b", ";", "%3F", "?", "%3f", "?")
)

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

// ParseName reads a name.
func ParseName(text string) (*Name, error) {
	n := &Name{}
	rest, search, _ := strings.Cut(text, "?")
	n.Search = search
	box, params := cutParams(rest)
	n.Mailbox = unescapeName.Replace(strings.TrimSuffix(box, "/"))
	for _, param := range strings.Split(params, ";")[min(1, len(params)):] {
		key, value, _ := strings.Cut(param, "=")
		if err := n.set1(strings.ToUpper(key), strings.TrimSuffix(value, "/")); err != nil {
			return nil, err
		}
	}
	if (n.Section != "" || n.Partial) && n.UID == 0 && n.Set == "" {
		return nil, protocols.UsageError(proto, "", "SECTION and PARTIAL need a UID")
	}
	if n.Mailbox == "" && (n.UID != 0 || n.Set != "") {
		return nil, protocols.UsageError(proto, "", "a UID needs a mailbox before it")
	}
	return n, nil
}

// set1 takes one parameter.
func (n *Name) set1(key, value string) error {
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
		n.Validity = uint32(v)
	case "UID":
		if n.UIDs() != "" {
			return bad // a second one
		}
		if v, err := strconv.ParseUint(value, 10, 32); err == nil && v > 0 {
			n.UID = uint32(v)
		} else if err == nil {
			return protocols.UsageError(proto, "", "the message has no UID")
		} else if n.Set = value; !IsSet(value) {
			return bad
		}
	case "SECTION":
		if n.Section = value; !isSection(value) {
			return bad
		}
	case "PARTIAL":
		return n.setPartial(value, bad)
	default:
		return bad
	}
	return nil
}

func (n *Name) setPartial(value string, bad error) error {
	first, length, some := strings.Cut(value, ".")
	var err error
	if n.First, err = strconv.ParseInt(first, 10, 64); err != nil || n.First < 0 {
		return bad
	}
	if some {
		if n.Length, err = strconv.ParseInt(length, 10, 64); err != nil || n.Length < 1 {
			return bad
		}
	}
	n.Partial = true
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

// UIDs returns the message or messages as a set.
func (n *Name) UIDs() string {
	if n.UID != 0 {
		return strconv.FormatUint(uint64(n.UID), 10)
	}
	return n.Set
}

// MessageName returns the name of a message.
func MessageName(mailbox string, validity, uid uint32) string {
	if validity == 0 { // any
		return fmt.Sprintf("%s/;UID=%d", escapeName.Replace(mailbox), uid)
	}
	return fmt.Sprintf("%s;UIDVALIDITY=%d/;UID=%d", escapeName.Replace(mailbox), validity, uid)
}

// String returns the name of a message, or of the part of it, as the verbs take it.
func (n *Name) String() string {
	out := MessageName(n.Mailbox, n.Validity, n.UID)
	if n.Section != "" {
		out += "/;SECTION=" + n.Section
	}
	if n.Partial {
		out += fmt.Sprintf("/;PARTIAL=%d", n.First)
	}
	if n.Length > 0 {
		out += fmt.Sprintf(".%d", n.Length)
	}
	return out
}

// Lowest returns the lowest UID that a name has. To a server "9:*" is the last message
// too, if that has a lower UID; who asks for those from 9 on does not want it.
func (n *Name) Lowest() uint32 {
	lowest := uint32(1<<32 - 1)
	for part := range strings.SplitSeq(n.UIDs(), ",") {
		if part == "*" {
			return 1
		}
		for end := range strings.SplitSeq(part, ":") {
			if v, err := strconv.ParseUint(end, 10, 32); err == nil {
				lowest = min(lowest, uint32(v))
			}
		}
	}
	return lowest
}

// Wholly refuses the name of a message where a mailbox is wanted.
func (n *Name) Wholly() error {
	if n.UIDs() != "" {
		return NotFound("the URL names a message, no mailbox")
	}
	return nil
}

// ParseURL returns the name that a URL points at. The parts after the mailbox are
// those of RFC 5092; a query is a search.
func ParseURL(u *url.URL) (string, error) {
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
	_, err = ParseName(out)
	return out, err
}

// URLPath returns what stands after the host in the URL that opens a name.
func URLPath(text string) string {
	rest, search, _ := strings.Cut(text, "?")
	box, params := cutParams(rest)
	var b strings.Builder
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

// Escape returns the name of a mailbox as it stands in names: a semicolon, question
// mark or per cent sign in it is escaped.
func Escape(mailbox string) string { return escapeName.Replace(mailbox) }
