package ftp

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

// dialogSecret stands in the dialogues in place of the password of the servers.
const dialogSecret = "Xyzzy-7071"

const dialogURL = "ftp://alice@localhost/"

// recording is a dialogue; from is the server it was recorded from, empty for one
// that was written by hand.
type recording struct {
	name, from string
	call       protocoltest.Call
	options    func(o *protocols.Options)
	setup      func(s *Settings)
	skip       map[string]string
	spare      int
	header     map[string]string
}

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
	{name: "list", call: protocoltest.List("tree"), header: lines},
	{name: "list-file", call: protocoltest.List("hello.txt")},
	{name: "list-missing", call: protocoltest.List("nothere")},
	{name: "list-plain", call: protocoltest.List("tree"), setup: func(s *Settings) { s.NoMLSD = true }, header: lines},
	{name: "names", call: names("tree"), header: lines},
	{name: "get", call: protocoltest.Get("hello.txt", nil)},
	{name: "get-empty", call: protocoltest.Get("empty.bin", nil)},
	{name: "get-rest", call: protocoltest.Get("hello.txt", &protocols.GetOptions{Offset: 5})},
	{name: "get-ascii", call: protocoltest.Get("text.txt", nil), setup: func(s *Settings) { s.ASCII = true }},
	{name: "get-missing", call: protocoltest.Get("nothere", nil)},
	{name: "bulk", call: protocoltest.Bulk("hello.txt", "nothere", "text.txt")},
	{name: "stat", call: protocoltest.Stat("hello.txt")},
	{name: "stat-folder", call: protocoltest.Stat("tree")},
	{name: "stat-missing", call: protocoltest.Stat("nothere")},
	{name: "put", call: protocoltest.Then(
		protocoltest.Put("upload/dialog.txt", "one\ntwo\n", &protocols.PutOptions{Modified: dialogTime, Mode: 0o640, HasMode: true}),
		quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "upload/dialog.txt") }))},
	{name: "put-refused", call: protocoltest.Put("dialog.txt", "text", nil)},
	{name: "append", call: protocoltest.Then(
		protocoltest.Put("upload/dialog2.txt", "one\n", &protocols.PutOptions{InPlace: true}),
		protocoltest.Put("upload/dialog2.txt", "two\n", &protocols.PutOptions{Append: true}),
		protocoltest.Get("upload/dialog2.txt", nil),
		quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "upload/dialog2.txt") }))},
	{name: "folder", call: quitting(func(ctx context.Context, c *Client) error {
		if err := c.Make(ctx, "upload/dialog-dir"); err != nil {
			return err
		}
		if err := c.Move(ctx, "upload/dialog-dir", "upload/dialog-moved"); err != nil {
			return err
		}
		return c.Unmake(ctx, "upload/dialog-moved")
	})},
	{name: "make-there", call: quitting(func(ctx context.Context, c *Client) error { return c.Make(ctx, "tree") })},
	{name: "remove-missing", call: quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "nothere") })},
	{name: "raw", call: protocoltest.Raw("HELP")},
	{name: "probe", call: protocoltest.Probe(), spare: 1, options: func(o *protocols.Options) { plain(o); o.ProbeLogin = true }},
	{name: "login-refused", call: protocoltest.Stat("hello.txt"), options: func(o *protocols.Options) { plain(o); wrongUser(o) }},
}

func wrongUser(o *protocols.Options) {
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "mallory", Password: dialogSecret}, nil
	}
}

// servers that the dialogues are recorded from, by the names of internal/interop.
var servers = []struct{ prefix, service, product string }{
	{"vsftpd", "FTP", "vsftpd 3.0.3 (Debian 12)"},
	{"proftpd", "FTP_PRO", "ProFTPD 1.3.8 (Debian 12)"},
}

// recordings gives all dialogues, in the order of their names.
func recordings() (all []recording) {
	for _, s := range servers {
		for _, r := range atBoth {
			r.name, r.from = s.prefix+"-"+r.name, s.service
			if r.options == nil {
				r.options = plain
			}
			all = append(all, r)
		}
	}
	return append(all, byHand...)
}

func (r recording) file() string { return filepath.Join("testdata", r.name+".dialog") }

func (r recording) dialog() protocoltest.Dialog {
	d := protocoltest.Dialog{File: r.file(), Call: r.call, Options: r.options, Skip: r.skip, Spare: r.spare}
	if r.setup != nil {
		d.Setup = func(c protocols.Client) { r.setup(&c.(*Client).Settings) }
	}
	return d
}

// TestUpdateDialogs does what the flag says; without it, it looks for files that
// no recording names.
func TestUpdateDialogs(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, f := range files {
		if !slices.ContainsFunc(recordings(), func(r recording) bool { return r.file() == f }) {
			t.Errorf("%s belongs to no recording", f)
		}
	}
	if !*update {
		return
	}
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			var s *protocoltest.Script
			if r.from != "" {
				s = record(t, r)
			} else {
				var err error
				if s, err = protocoltest.LoadScript(r.file()); err != nil {
					t.Fatal(err)
				}
			}
			if err := protocoltest.Rewrite(t, harness(), r.dialog(), s); err != nil {
				t.Error(err)
			}
			if r.from != "" {
				if err := os.WriteFile(r.file(), []byte(s.Format()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// record makes the call at the real server.
func record(t *testing.T, r recording) *protocoltest.Script {
	address := interop.Require(t, r.from)[r.from]
	rec := &protocoltest.Recorder{Next: func(ctx context.Context, network, to string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(to)
		if port != "21" {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	o := &protocols.Options{Dial: rec.Dial, Credentials: func(_ context.Context, q protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: q.User, Password: interop.Password}, nil
	}}
	if r.options != nil {
		r.options(o)
	}
	u, err := protocols.ParseURL(dialogURL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.setup != nil {
		r.setup(&c.Settings)
	}
	r.call(t.Context(), c)
	c.Close()
	s := rec.Script(r.file())
	for i, st := range s.Steps {
		if st.Text == "PASS "+interop.Password {
			s.Steps[i].Text = "PASS " + dialogSecret
		}
	}
	s.Header = map[string]string{"server": product(r.from), "recorded": fmt.Sprint(time.Now().UTC().Format(time.DateOnly), ", password replaced")}
	for k, v := range r.header {
		s.Header[k] = v
	}
	return s
}

func product(service string) string {
	i := slices.IndexFunc(servers, func(s struct{ prefix, service, product string }) bool { return s.service == service })
	return servers[i].product
}
