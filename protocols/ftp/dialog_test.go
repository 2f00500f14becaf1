package ftp

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

const (
	dialogSecret = "Xyzzy-7071" // in place of the password of the servers
	dialogURL    = "ftp://alice@localhost/"
)

type recording = dialogs.Recording[Settings]

// plain keeps TLS off: a recording sees only bytes.
func plain(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }

var lines = map[string]string{"data": "lines"}

func quitting(f func(ctx context.Context, c *Client) error) protocoltest.Call {
	return protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error { return f(ctx, c.(*Client)) })
}

func names(dir string) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		for e, err := range c.(*Client).Names(ctx, dir) {
			if err != nil {
				return results, err
			}
			results = append(results, e.Path)
		}
		return results, nil
	}
}

var dialogTime = time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)

// atBoth are recorded from both servers.
var atBoth = []recording{
	{Name: "list", Call: protocoltest.List("tree"), Header: lines},
	{Name: "list-file", Call: protocoltest.List("hello.txt")},
	{Name: "list-missing", Call: protocoltest.List("nothere")},
	{Name: "list-plain", Call: protocoltest.List("tree"), Setup: func(s *Settings) { s.NoMLSD = true }, Header: lines},
	{Name: "names", Call: names("tree"), Header: lines},
	{Name: "get", Call: protocoltest.Get("hello.txt", nil)},
	{Name: "get-empty", Call: protocoltest.Get("empty.bin", nil)},
	{Name: "get-rest", Call: protocoltest.Get("hello.txt", &protocols.GetOptions{Offset: 5})},
	{Name: "get-ascii", Call: protocoltest.Get("text.txt", nil), Setup: func(s *Settings) { s.ASCII = true }},
	{Name: "get-missing", Call: protocoltest.Get("nothere", nil)},
	{Name: "bulk", Call: protocoltest.Bulk("hello.txt", "nothere", "text.txt")},
	{Name: "stat", Call: protocoltest.Stat("hello.txt")},
	{Name: "stat-folder", Call: protocoltest.Stat("tree")},
	{Name: "stat-missing", Call: protocoltest.Stat("nothere")},
	{Name: "put", Call: protocoltest.Then(
		protocoltest.Put("upload/dialog.txt", "one\ntwo\n", &protocols.PutOptions{Modified: dialogTime, Mode: 0o640, HasMode: true}),
		quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "upload/dialog.txt") }))},
	{Name: "put-refused", Call: protocoltest.Put("dialog.txt", "text", nil)},
	{Name: "append", Call: protocoltest.Then(
		protocoltest.Put("upload/dialog2.txt", "one\n", &protocols.PutOptions{InPlace: true}),
		protocoltest.Put("upload/dialog2.txt", "two\n", &protocols.PutOptions{Append: true}),
		protocoltest.Get("upload/dialog2.txt", nil),
		quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "upload/dialog2.txt") }))},
	{Name: "folder", Call: quitting(func(ctx context.Context, c *Client) error {
		if err := c.Make(ctx, "upload/dialog-dir"); err != nil {
			return err
		}
		if err := c.Move(ctx, "upload/dialog-dir", "upload/dialog-moved"); err != nil {
			return err
		}
		return c.Unmake(ctx, "upload/dialog-moved")
	})},
	{Name: "make-there", Call: quitting(func(ctx context.Context, c *Client) error { return c.Make(ctx, "tree") })},
	{Name: "remove-missing", Call: quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "nothere") })},
	{Name: "raw", Call: protocoltest.Raw("HELP")},
	{Name: "probe", Call: protocoltest.Probe(), Spare: 1, Options: func(o *protocols.Options) { plain(o); o.ProbeLogin = true }},
	{Name: "login-refused", Call: protocoltest.Stat("hello.txt"), Options: func(o *protocols.Options) { plain(o); o.Credentials = dialogs.Stranger(dialogSecret) }},
}

// book is all dialogues, with the harness that plays them.
func book() *dialogs.Book[Settings] {
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no reply", Careful: careful,
			Multiline: func(line string) string { return line[:3] + "-and so on" }},
		Rows:     slices.Concat(dialogs.From("FTP", "vsftpd", plain, atBoth), dialogs.From("FTP_PRO", "proftpd", plain, atBoth), byHand),
		Products: map[string]string{"FTP": "vsftpd 3.0.3 (Debian 12)", "FTP_PRO": "ProFTPD 1.3.8 (Debian 12)"},
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
		Secrets:  func(password string) []string { return []string{"PASS " + password} },
		Dial:     dialData,
	}
}

// dialData leads the control connection to address, and data connections to the port that the server has told.
func dialData(address string) dialogs.Dial {
	return func(ctx context.Context, network, to string) (net.Conn, error) {
		if _, port, _ := net.SplitHostPort(to); port != "21" {
			to = net.JoinHostPort("127.0.0.1", port)
		} else {
			to = address
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) {
	h := book().Suite()
	h.SkipToo("echo", "secrets in replies are hidden by the shared session")
	h.SkipToo("closed", "Close does not cut off a session that is still being made")
	protocoltest.Run(t, h)
}

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }
