// Package pop3 is a client of the Post Office Protocol: RFC 1939 with RFC 2384
// (URLs), 2449 (CAPA, PIPELINING, response codes), 2595 (STLS), 3206 ([AUTH] and
// [SYS]), 5034 (SASL) and 6856 (UTF8, LANG).
//
// # URLs
//
// pop3://user@host:110/ is the maildrop (TLS by STLS when offered), pop3s://...
// has TLS from the start. "/5" is a message by its number, which holds for one
// session, "/;UID=x" one by its unique id, which holds for ever. ";AUTH=APOP"
// after the user names the mechanism (RFC 2384 3).
//
// # How it is fast
//
// Where the server offers PIPELINING, commands for up to a hundred messages are
// under way at the same time, and bodies go through one buffer, with the dots
// taken out by blocks.
//
// # Deleting
//
// A POP3 server deletes at QUIT and not before (RFC 1939 6). [Client.Remove] and
// [Client.BulkRemove] therefore end the session, and say success only when the
// server has confirmed that.
//
// # Verbs
//
// A [Client] is a Lister, Statter, Getter, BulkGetter, Remover, BulkRemover,
// MessageSource, Watcher and Doer, and has methods of its own: Top, UIDs, Totals,
// Greeting, Capabilities.
package pop3

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// proto is the name in errors, entries and traces.
const proto = "pop3"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "read and archive mail on POP3 servers, with TLS",
		Schemes: []protocols.Scheme{
			{Name: "pop3", Port: 110, TLS: protocols.TLSUpgrade},
			{Name: "pop3s", Port: 995, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{1939, 2384, 2449, 2595, 3206, 5034, 6856},
		Replaces: "poplib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Headers      bool          // listings tell what headers say, at the price of a TOP for each message
	UTF8         bool          // ask for messages with UTF-8 headers (UTF8, RFC 6856 2)
	Lang         string        // language of the server's texts (LANG, RFC 6856 3); empty: its own choice
	NoPipelining bool          // one command at a time, also where more are offered
	Poll         time.Duration // between two looks of Watch; 0 is a minute
}

// Client is a connection to one POP3 server, made by the first verb. It does one
// operation at a time.
type Client struct {
	Settings Settings

	line     *line.Client[*session]
	numbered *session         // whose numbers the caller knows, or has used up; nil: none
	own      protocols.Memory // where the options have none to share
}

var (
	_ protocols.Client        = (*Client)(nil)
	_ protocols.Lister        = (*Client)(nil)
	_ protocols.Statter       = (*Client)(nil)
	_ protocols.Getter        = (*Client)(nil)
	_ protocols.BulkGetter    = (*Client)(nil)
	_ protocols.Remover       = (*Client)(nil)
	_ protocols.BulkRemover   = (*Client)(nil)
	_ protocols.MessageSource = (*Client)(nil)
	_ protocols.Watcher       = (*Client)(nil)
	_ protocols.Doer          = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	c := &Client{}
	c.line = line.New(c.protocol(), u, s, o)
	return c, nil
}

// uidMark stands before a unique id in names and URLs.
const uidMark = ";UID="

// pathOf returns the name that a URL points at: empty for the maildrop, "5", or
// ";UID=x".
func pathOf(u *url.URL) (string, error) {
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "a POP3 URL has no query and no fragment; write ? as %3F and # as %23")
	}
	name := strings.Trim(strings.TrimPrefix(u.Path, "/"), "/")
	_, err := parseName(name)
	return name, err
}

// target is a parsed name: a unique id, a number from 1, or the maildrop.
type target struct {
	uid    string
	number int
}

func parseName(name string) (target, error) {
	if name == "" {
		return target{}, nil
	}
	if len(name) > len(uidMark) && strings.EqualFold(name[:len(uidMark)], uidMark) {
		return target{uid: name[len(uidMark):]}, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || name[0] == '+' {
		return target{}, protocols.UsageError(proto, "", "want a message number or "+uidMark+"x, not "+strconv.Quote(wire.Clip(name)))
	}
	return target{number: n}, nil
}

// one parses the name of one message.
func one(name string) (target, error) {
	t, err := parseName(name)
	if err == nil && t == (target{}) {
		return t, protocols.UsageError(proto, "", "which message? add /NUMBER or /"+uidMark+"x to the URL")
	}
	return t, err
}

// SaveName returns what get saves a message as: "INBOX-number.eml", or with its
// unique id.
func (c *Client) SaveName(name string) string {
	t, err := parseName(name)
	switch {
	case err != nil || t == (target{}):
		return "INBOX"
	case t.uid == "":
		return "INBOX-" + strconv.Itoa(t.number) + ".eml"
	}
	return "INBOX-" + strings.ReplaceAll(t.uid, "/", "%2F") + ".eml"
}

// nameOf returns the name by which a message is found again in other sessions, if
// the server has unique ids.
func nameOf(number int, uid string) string {
	if uid != "" {
		return uidMark + uid
	}
	return strconv.Itoa(number)
}

// urlOf returns the URL that opens name.
func (c *Client) urlOf(name string) string {
	u := *c.line.URL
	u.RawQuery, u.Fragment, u.Path, u.RawPath = "", "", "", ""
	head := strings.TrimSuffix(protocols.Redact(&u), "/") + "/"
	if uid, ok := strings.CutPrefix(name, uidMark); ok {
		return head + uidMark + url.PathEscape(uid)
	}
	return head + url.PathEscape(name)
}
