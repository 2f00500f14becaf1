// Package imap is a client of the Internet Message Access Protocol: IMAP4rev1
// (RFC 3501) and IMAP4rev2 (RFC 9051), with URLs of RFC 5092.
//
// What a server offers beyond them is used where it helps, and done without
// where it is missing: LITERAL+ (RFC 7888), NAMESPACE (2342), ID (2971), IDLE
// (2177), MULTIAPPEND (3502), UNSELECT (3691), UIDPLUS (4315), ACL (4314),
// ESEARCH (4731), SASL-IR (4959), COMPRESS (4978), ENABLE (5161), SORT and THREAD
// (5256), METADATA (5464), LIST-STATUS (5819), SPECIAL-USE (6154), MOVE (6851),
// UTF8=ACCEPT (6855), CONDSTORE and QRESYNC (7162), QUOTA (9208).
//
// # Names
//
// A name is what stands in a URL after the host, decoded: "" is the account, "INBOX"
// a mailbox, "INBOX;UIDVALIDITY=7/;UID=5" a message, and "/;SECTION=1.2" and
// "/;PARTIAL=0.100" after it a part. ";UID=1:3,7" are several messages, which RFC
// 5092 does not know: see [Client.Messages]. A semicolon, question mark or per cent sign
// of a mailbox's own name is written %3B, %3F, %25. Mailbox names are UTF-8; on the
// wire they are modified UTF-7 (RFC 3501 5.1.3) unless UTF-8 was agreed on.
//
// [MessageRef] makes and reads names of messages and parts; [Query] makes texts for Search.
// [Client.Structure] and [Client.OpenPart] read parts of messages, decoded.
//
// # Parts
//
// One engine of our own sends commands and reads responses: pipelined, streamed,
// bounded. [Client.Admin] has the commands of administrators: NAMESPACE, QUOTA,
// ACL, METADATA, ID.
package imap

import (
	"net/url"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// proto is the name in errors, entries and traces.
const proto = "imap"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "mailboxes and messages on IMAP servers",
		Schemes: []protocols.Scheme{
			{Name: "imap", Port: 143, TLS: protocols.TLSUpgrade},
			{Name: "imaps", Port: 993, TLS: protocols.TLSImplicit},
		},
		RFCs: []int{
			2177, 2342, 2971, 3501, 3502, 3691, 4314, 4315, 4731, 4959, 4978, 5092, 5161, 5256, 5464,
			5819, 6154, 6851, 6855, 7162, 7888, 9051, 9208,
		},
		Replaces: "imaplib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Compress  bool                      // COMPRESS=DEFLATE (RFC 4978): good on slow links, slow on fast ones
	MarkSeen  bool                      // reading a message's content sets \Seen; default never
	RawNames  bool                      // mailbox names go as they are, without modified UTF-7
	Enable    []string                  // extensions to ENABLE, such as UTF8=ACCEPT
	ProxyUser string                    // act as this user (PROXYAUTH, a thing of Netscape and Sun servers)
	Create    bool                      // storing into a mailbox that is not there makes it
	Force     bool                      // Unmake deletes mailboxes with all that is in them
	StateDir  string                    // folder for what syncs must remember
	Files     Files                     // opens the files in it; nil: nothing outlives the client
	Spool     func() (SpoolFile, error) // makes a place for a large message of unknown size; nil: memory, up to 32 MiB
	PollEvery time.Duration             // how often Watch asks a server without IDLE; default 30 s
}

// Client is a connection to one IMAP server, made by the first verb. It does one
// operation at a time.
type Client struct {
	Settings Settings

	line     *line.Client[*session.Session]
	late     time.Duration     // how long what was sent may take to be there; 0: lateBy
	tag      string            // start of tags; empty: random
	oddNames map[string]string // mailbox names that cannot be decoded: as shown, as on the wire
}

var (
	_ protocols.Client     = (*Client)(nil)
	_ protocols.Lister     = (*Client)(nil)
	_ protocols.Statter    = (*Client)(nil)
	_ protocols.Getter     = (*Client)(nil)
	_ protocols.BulkGetter = (*Client)(nil)
	_ protocols.Putter     = (*Client)(nil)
	_ protocols.Remover    = (*Client)(nil)
	_ protocols.Mover      = (*Client)(nil)
	_ protocols.Maker      = (*Client)(nil)
	_ protocols.Searcher   = (*Client)(nil)
	_ protocols.Watcher    = (*Client)(nil)
	_ protocols.Doer       = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults. ";AUTH=mechanism" in the user part of u (RFC 5092 3.2) picks the
// mechanism, unless the options do.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	u, mechanism := cutAuth(u)
	if mechanism != "" && o.Mechanism == "" {
		with := *o
		with.Mechanism = mechanism
		o = &with
	}
	c := &Client{oddNames: map[string]string{}}
	c.line = line.New(protocolOf(c), u, s, o)
	return c, nil
}
