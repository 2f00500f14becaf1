//go:build linux

package interop

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/fsys"
	"github.com/netclients/netclients/protocols/pool"
)

// serverFS returns the file system of a folder of a server.
func serverFS(t *testing.T, u *url.URL, folder string) *fsys.FS {
	t.Helper()
	catalog, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	target, err := catalog.Target(u, "")
	if err != nil {
		t.Fatal(err)
	}
	o := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t)}}}
	p := pool.New(func(context.Context) (protocols.Client, error) { return target.Open(o) }, pool.Config{Max: 4})
	t.Cleanup(func() { p.Close() })
	return fsys.New(t.Context(), p, folder)
}

// TestFS: real servers pass the tests of the standard library for file systems.
func TestFS(t *testing.T) {
	for _, c := range []struct{ name, service, scheme string }{
		{"vsftpd", "FTP", "ftp"}, {"ProFTPD", "FTP_PRO", "ftp"}, {"nginx index", "HTTP", "http"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addrs := Require(t, c.service)
			remote, local := Upload(t)
			for name, text := range map[string]string{"a.txt": "first\n", "none/.keep": "", "sub/two words.txt": "words\n", "sub/deep/naïve.txt": "deep\n"} {
				at := filepath.Join(local, name)
				if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(at, time.Time{}, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)); err != nil {
					t.Fatal(err)
				}
			}
			u := &url.URL{Scheme: c.scheme, Host: addrs[c.service], Path: "/", User: url.UserPassword(Alice, Password)}
			f := serverFS(t, u, remote)
			if err := fstest.TestFS(f, "a.txt", "sub/two words.txt", "sub/deep/naïve.txt"); err != nil {
				t.Error(err)
			}
			if b, err := fs.ReadFile(f, "sub/deep/naïve.txt"); err != nil || string(b) != "deep\n" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// TestFSOfMailbox: so does a mailbox of Dovecot.
func TestFSOfMailbox(t *testing.T) {
	c := imapClient(t, "IMAP", "imap", Alice, nil)
	box := imapBox(t, c, "file-system")
	for _, text := range []string{"Subject: one\r\n\r\nText.\r\n", "Subject: two\r\n\r\nMore.\r\n"} {
		if _, err := c.Put(t.Context(), box, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	u := &url.URL{Scheme: "imap", Host: Require(t, "IMAP")["IMAP"], Path: "/", User: url.UserPassword(Alice, Password)}
	f := serverFS(t, u, box)
	all, err := f.ReadDir(".")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := fstest.TestFS(f, all[0].Name(), all[1].Name()); err != nil {
		t.Error(err)
	}
}
