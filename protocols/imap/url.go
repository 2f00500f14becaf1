package imap

import (
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// pathOf returns the name that a URL points at. The parts after the mailbox are
// those of RFC 5092; a query is a search.
func pathOf(u *url.URL) (string, error) { return imapwire.ParseURL(u) }

// URL returns the URL that opens a name of this client's verbs, without a password.
func (c *Client) URL(text string) string {
	u := *c.line.URL
	u.Path, u.RawPath, u.RawQuery, u.Fragment = "", "", "", ""
	return strings.TrimSuffix(protocols.Redact(&u), "/") + imapwire.URLPath(text)
}

// SaveName returns what get saves an object as: "mailbox-uid.eml".
func (c *Client) SaveName(text string) string {
	n, err := imapwire.ParseName(text)
	if err != nil || n.Mailbox == "" {
		return "mail"
	}
	out := strings.NewReplacer("/", "-", "\\", "-").Replace(n.Mailbox)
	if id := n.UIDs(); id != "" {
		out += "-" + strings.NewReplacer(":", "-", "*", "last").Replace(id)
	}
	if n.Section != "" {
		return out + "-" + n.Section
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
func MailboxName(plain string) string { return imapwire.Escape(plain) }

// AccountMailbox returns the name, as the verbs take it, of the mailbox that users call
// plain, in the account that a name stands for: by no name, or by a pattern of
// mailboxes. ok is false for any other name.
func (c *Client) AccountMailbox(name, plain string) (path string, ok bool) {
	ok = name == "" || strings.Contains(name, "*") && !strings.Contains(name, ";")
	return MailboxName(plain), ok
}
