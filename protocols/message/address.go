package message

import (
	"mime"
	"net/mail"
	"strings"

	"github.com/netclients/netclients/internal/charset"
)

// mailbox is an address with an optional display name.
type mailbox struct {
	parsed *mail.Address // nil: bare is not an address of RFC 5322
	bare   string        // as an envelope carries it: a local part that needs quotes has them (RFC 5321 4.1.2)
}

// String returns the mailbox as a header carries it.
func (m mailbox) String() string {
	if m.parsed == nil {
		return m.bare
	}
	return m.parsed.String()
}

// notation is how strictly address lists are read. Servers judge addresses, so
// that even strict lists may hold members without a domain, such as "root".
type notation int

const (
	// strict accepts what can stand in a header: beside addresses, words made of the
	// characters of addresses.
	strict notation = iota
	// free accepts any text as an address of the envelope, except for line breaks,
	// NUL and angle brackets.
	free
)

// parse parses an address list in the usual notation. A list with display names has
// to be one of RFC 5322: the "Smith" of "Smith, John <john@example.org>" must not
// become a recipient.
func (n notation) parse(list string) ([]mailbox, error) {
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}
	addresses, err := parser.ParseList(list)
	if err == nil {
		all := make([]mailbox, 0, len(addresses))
		for _, a := range addresses {
			all = append(all, mailbox{a, quoteLocal(a.Address)})
		}
		return all, nil
	}
	var all []mailbox
	for _, member := range splitList(list) {
		member = strings.TrimSpace(member)
		if a, no := parser.Parse(member); no == nil && a.Name == "" {
			all = append(all, mailbox{a, quoteLocal(a.Address)})
			continue
		}
		if !n.takes(member) {
			return nil, err
		}
		all = append(all, mailbox{nil, member})
	}
	return all, nil
}

// takes reports whether text that is not an address of RFC 5322 is passed on.
func (n notation) takes(text string) bool {
	if n == free {
		return text != "" && !strings.ContainsAny(text, "\r\n\x00<>")
	}
	local, domain, at := cutAddress(text)
	return isWord(local) && (!at || isWord(domain) || isLiteral(domain))
}

// isLiteral reports whether a domain is an address in brackets, such as [IPv6:2001:db8::1]
// (RFC 5321 4.1.3): net/mail does not know those with a tag.
func isLiteral(domain string) bool {
	inner, ok := strings.CutPrefix(domain, "[")
	if !ok {
		return false
	}
	inner, ok = strings.CutSuffix(inner, "]")
	return ok && isWord(strings.ReplaceAll(inner, ":", "."))
}

// splitList splits at the commas outside of quotes.
func splitList(list string) []string {
	var members []string
	quoted, start := false, 0
	for i := 0; i < len(list); i++ {
		switch b := list[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case b == ',' && !quoted:
			members = append(members, list[start:i])
			start = i + 1
		}
	}
	return append(members, list[start:])
}

// isWord reports whether s consists of characters of atoms, and dots.
func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`()<>[]:;@\,"`, r) })
}

// isDotAtom reports whether a local part needs no quotes (RFC 5322 3.2.3).
func isDotAtom(local string) bool {
	for atom := range strings.SplitSeq(local, ".") {
		if !isWord(atom) {
			return false
		}
	}
	return true
}

// quoteLocal adds the quotes that parsing removes from a local part.
func quoteLocal(address string) string {
	local, domain, at := cutAddress(address)
	if !at || isDotAtom(local) {
		return address
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"@` + domain
}

// cutAddress splits an address at its last "@".
func cutAddress(address string) (local, domain string, at bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, "", false
	}
	return address[:i], address[i+1:], true
}

// addresses parses lists of addresses. what names them in errors.
func (n notation) addresses(what string, lists []string) ([]mailbox, error) {
	var all []mailbox
	for _, l := range lists {
		if strings.TrimSpace(l) == "" {
			continue
		}
		if strings.ContainsAny(l, "\r\n\x00") {
			return nil, usage(what + " contains a line break")
		}
		list, err := n.parse(l)
		if err != nil {
			return nil, usage(what + ": " + strings.TrimPrefix(err.Error(), "mail: ") + " in " + quote(l))
		}
		all = append(all, list...)
	}
	return all, nil
}

// Addresses returns the bare addresses of lists in the usual notation, without
// duplicates and as an envelope carries them. Servers judge addresses: other text
// without line breaks, NUL and angle brackets, such as "root", is returned as it is.
func Addresses(lists ...string) ([]string, error) {
	all, err := free.addresses("address", lists)
	return envelopeOf(all), err
}

// envelopeOf returns the bare addresses, without duplicates.
func envelopeOf(lists ...[]mailbox) []string {
	seen := map[string]bool{}
	var to []string
	for _, l := range lists {
		for _, m := range l {
			if !seen[m.bare] {
				seen[m.bare] = true
				to = append(to, m.bare)
			}
		}
	}
	return to
}
