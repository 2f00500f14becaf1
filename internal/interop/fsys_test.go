//go:build linux

package interop

import (
	"context"
	"crypto/tls"
	"fmt"
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
	for _, c := range []struct{ name, service, scheme, above string }{ // above: where the folder for uploads is seen
		{"vsftpd", "FTP", "ftp", "upload"}, {"ProFTPD", "FTP_PRO", "ftp", "upload"}, {"nginx index", "HTTP", "http", "upload"},
		{"nginx WebDAV", "HTTP", "http", "dav"}, {"Apache WebDAV", "HTTP_DAV", "http", "upload"},
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
			f := serverFS(t, u, c.above+strings.TrimPrefix(strings.TrimPrefix(remote, "/"), "upload"))
			if err := fstest.TestFS(f, "a.txt", "sub/two words.txt", "sub/deep/naïve.txt"); err != nil {
				t.Error(err)
			}
			if b, err := fs.ReadFile(f, "sub/deep/naïve.txt"); err != nil || string(b) != "deep\n" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// TestFSOfGopher: menus of Gophernicus are walked and read. The tests of the standard
// library would take half a minute: the server starts a process for each of their many
// requests.
func TestFSOfGopher(t *testing.T) {
	u := &url.URL{Scheme: "gopher", Host: Require(t, "GOPHER")["GOPHER"], Path: "/"}
	f, found := serverFS(t, u, "1/tree"), 0
	for i := range 8 {
		name := fmt.Sprintf("d%d/e%d/file%d.txt", (i+1)%2, (i+1)%3, i+1)
		if b, err := fs.ReadFile(f, name); err != nil || string(b) != fmt.Sprintf("file %d\r\n", i+1) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(name, "d") && strings.HasSuffix(name, ".txt") {
			found++ // not the heads of menus, which are entries too
		}
		return err
	})
	if err != nil || found != 8 {
		t.Errorf("%d files, %v", found, err)
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

// TestFSOfNewsgroup: so does a newsgroup of INN. It is one that other tests do not fill.
func TestFSOfNewsgroup(t *testing.T) {
	c := nntpWays[0].open(t)
	var id string
	for range 2 {
		id = newsID(t)
		text := strings.Replace(newsArticle(id), "Newsgroups: local.test\r\n", "Newsgroups: local.moderated\r\nApproved: alice@netclients.invalid\r\n", 1)
		if _, err := c.Send(t.Context(), &protocols.Message{Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	u := &url.URL{Scheme: "nntp", Host: Require(t, "NNTP")["NNTP"], Path: "/"}
	f := serverFS(t, u, "local.moderated")
	all, err := f.ReadDir(".")
	if err != nil || len(all) < 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := fstest.TestFS(f, all[0].Name(), all[len(all)-1].Name()); err != nil {
		t.Error(err)
	}
	found := 0
	for _, e := range all {
		b, err := fs.ReadFile(f, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		found += strings.Count(string(b), "Message-ID: "+id+"\r\n")
	}
	if found != 1 {
		t.Errorf("the article %s is there %d times, in %d articles", id, found, len(all))
	}
}
