package pop3

import (
	"context"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

const (
	dialogSecret = "Xyzzy-7071" // in place of the password of the servers
	dialogURL    = "pop3://frank@localhost/"
)

type recording = dialogs.Recording[Settings]

// plain keeps TLS off, and takes the login that is the same each time.
func plain(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "USER" }

func calling(f func(ctx context.Context, c *Client) error) protocoltest.Call {
	return protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error { return f(ctx, c.(*Client)) })
}

func wrongUser(o *protocols.Options) {
	plain(o)
	o.Credentials = dialogs.Stranger(dialogSecret)
}

// fromDovecot are recorded with a maildrop of three messages.
var fromDovecot = []recording{
	{Name: "list", Call: protocoltest.List("")},
	{Name: "list-headers", Call: protocoltest.List(""), Setup: func(s *Settings) { s.Headers = true }},
	{Name: "list-one", Call: protocoltest.List("2")},
	{Name: "get", Call: protocoltest.Get("2", nil)},
	{Name: "get-part", Call: protocoltest.Get("2", &protocols.GetOptions{Offset: 10, Length: 20}), Spare: 15},
	{Name: "get-missing", Call: protocoltest.Get("9", nil)},
	{Name: "bulk", Call: protocoltest.Bulk("1", "9", "3")},
	{Name: "bulk-lockstep", Call: protocoltest.Bulk("1", "9", "3"), Setup: func(s *Settings) { s.NoPipelining = true }},
	{Name: "stat", Call: protocoltest.Stat("3")},
	{Name: "stat-maildrop", Call: protocoltest.Stat("")},
	{Name: "remove-missing", Call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "9") })},
	{Name: "raw", Call: protocoltest.Raw("STAT")},
	{Name: "raw-lines", Call: protocoltest.Raw("CAPA")},
	{Name: "probe", Call: protocoltest.Probe(), Options: func(o *protocols.Options) { plain(o); o.ProbeLogin = true }, Spare: 1},
	{Name: "login-refused", Call: protocoltest.Stat(""), Options: wrongUser},
}

// book is all dialogues.
func book() *dialogs.Book[Settings] {
	rows := append(dialogs.From("POP3", "dovecot", plain, fromDovecot), byHand...)
	for i := range rows {
		if rows[i].Options == nil {
			rows[i].Options = plain
		}
	}
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{
			Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no answer",
		},
		Rows:     rows,
		Products: map[string]string{"POP3": "Dovecot 2.3.19 (Debian 12)"},
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
		Secrets:  func(password string) []string { return []string{"PASS " + password} },
	}
}

// TestUpdateDialogs looks for files that no row names; with -update it records.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }
