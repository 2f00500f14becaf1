package fsys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/fsys"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
	"github.com/netclients/netclients/protocols/pool"
	"github.com/netclients/netclients/protocols/transfer"
)

// open returns the file system of a URL.
func open(t *testing.T, at string, limit int) *fsys.FS {
	t.Helper()
	c, root, err := all.Open(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	p := pool.New(func(context.Context) (protocols.Client, error) {
		c, _, err := all.Open(at, nil)
		return c, err
	}, pool.Config{Max: limit})
	t.Cleanup(func() { p.Close() })
	return fsys.New(t.Context(), p, root)
}

// letters are a few small messages, in two mailboxes.
func letters(t *testing.T) *maillab.Mailboxes {
	t.Helper()
	c := base.DefaultCredentials()
	m := maillab.NewMailboxes(maillab.Limits{}, c)
	err := m.Create(c.User, "Archive/2024")
	for _, box := range []string{"INBOX", "INBOX", "Archive/2024"} {
		_, appended := m.Append(c.User, box, []byte("Subject: to "+box+"\r\n\r\nText.\r\n"), nil, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
		err = errors.Join(err, appended)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// small is a tree with what the tests of package fstest look at, in little.
func small() *base.Tree {
	tree := base.NewTree()
	tree.WriteFile("/a.txt", []byte("first\n"))
	tree.WriteFile("/empty.txt", nil)
	tree.WriteFile("/sub/b.bin", []byte(binary))
	tree.WriteFile("/sub/two words.txt", []byte("words\n"))
	tree.WriteFile("/sub/deep/naïve ☕.txt", []byte("deep\n"))
	tree.MkdirAll("/none")
	return tree
}

var binary = strings.Repeat("0123456789abcdef\x00\xff\r\n", 8)

func TestFSOfEveryProtocol(t *testing.T) {
	ftp := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: small()})
	plain := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: small(), Dialect: "unix"})
	web := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Tree: small()})
	imap := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{Mail: letters(t)})
	pop := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Mail: letters(t)})
	news := labtest.Start(t, newslab.Start, newslab.Options{})
	gopher := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Tree: small()})
	dir := t.TempDir()
	for _, name := range []string{"cur", "new", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	message := "Subject: one\r\n\r\nText.\r\n"
	for _, name := range []string{"cur/1700000000.1.host:2,S", "new/1700000000.2.host"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(message), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, at string
		expected []string
	}{
		{"FTP", labtest.WithUser(ftp.URL()), []string{"a.txt", "sub/b.bin", "sub/deep/naïve ☕.txt"}},
		{"FTP with LIST", labtest.WithUser(plain.URL()), []string{"a.txt", "sub/b.bin", "sub/two words.txt"}},
		{"WebDAV", labtest.WithUser(web.URL()), []string{"a.txt", "empty.txt", "sub/deep/naïve ☕.txt"}},
		{"Gopher", gopher.URL(), []string{"a.txt", "sub/two words.txt"}},
		{"IMAP", labtest.WithUser(imap.URL()), []string{"INBOX"}},
		{"POP3", labtest.WithUser(pop.URL()), []string{"1", "2"}},
		{"NNTP", labtest.WithUser(news.URL()) + "local.announce", []string{"1"}},
		{"maildir", "maildir:" + dir, []string{"1700000000.1.host:2,S", "1700000000.2.host"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := fstest.TestFS(open(t, c.at, 4), c.expected...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSeveralOpenFiles(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{})
	f := open(t, labtest.WithUser(s.URL()), 3)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			name := fmt.Sprintf("pub/nested/many/file%02d.txt", i)
			b, err := fs.ReadFile(f, name)
			if err != nil || string(b) != fmt.Sprintf("file number %d\n", i) {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		})
	}
	all.Wait()
	a, err := f.Open("README.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := f.Open("pub/dos.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var first, second [3]byte
	for _, err := range []error{readFull(a, first[:]), readFull(b, second[:]), readFull(a, first[:])} {
		if err != nil {
			t.Error(err)
		}
	}
	if got := string(first[:]) + string(second[:]); got != "comfir" {
		t.Errorf("read %q", got)
	}
}

func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	return err
}

func TestReadAtWithOneClient(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	file, err := open(t, labtest.WithUser(s.URL()), 1).Open("pub/large.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := labtest.Pattern(1, 3<<20)
	head, part := make([]byte, 100), make([]byte, 1000)
	if err := readFull(file, head); err != nil || string(head) != want[:100] {
		t.Errorf("head: %v", err)
	}
	if n, err := file.(io.ReaderAt).ReadAt(part, 2<<20); n != len(part) || err != nil || string(part) != want[2<<20:2<<20+1000] {
		t.Errorf("in the middle: %d, %v", n, err)
	}
	if n, err := file.(io.ReaderAt).ReadAt(part, 3<<20-10); n != 10 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if err := readFull(file, head); err != nil || string(head) != want[100:200] {
		t.Errorf("goes on: %v", err)
	}
	if at, err := file.(io.Seeker).Seek(-5, io.SeekEnd); at != 3<<20-5 || err != nil {
		t.Errorf("seek: %d, %v", at, err)
	}
	if rest, err := io.ReadAll(file); err != nil || string(rest) != want[3<<20-5:] {
		t.Errorf("the last bytes: %q, %v", rest, err)
	}
}

func TestLinks(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{})
	f := open(t, labtest.WithUser(s.URL()), 2)
	if b, err := fs.ReadFile(f, "readme-link"); err != nil || !strings.HasPrefix(string(b), "Welcome") {
		t.Errorf("a link to a file: %q, %v", b, err)
	}
	if b, err := fs.ReadFile(f, "pub/folder-link/one.txt"); err != nil || string(b) != "one\n" {
		t.Errorf("below a link to a folder: %q, %v", b, err)
	}
	if info, err := fs.Stat(f, "pub/folder-link"); err != nil || !info.IsDir() {
		t.Errorf("a link to a folder: %v, %v", info, err)
	}
	if _, err := fs.Stat(f, "pub/dangling"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
}

func TestErrors(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{})
	f := open(t, labtest.WithUser(s.URL()), 2)
	for name, want := range map[string]error{"missing.txt": fs.ErrNotExist, "pub/no/file": fs.ErrNotExist, "../x": fs.ErrInvalid, "/pub": fs.ErrInvalid} {
		_, err := f.Open(name)
		if p, ok := errors.AsType[*fs.PathError](err); !ok || p.Path != name || !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadDir(f, "README.txt"); err == nil {
		t.Error("a file was listed")
	}
	if _, err := fs.ReadFile(f, "pub"); err == nil {
		t.Error("a folder was read")
	}
	sub, err := fs.Sub(f, "pub/nested")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(sub, "a/one.txt"); err != nil || string(b) != "one\n" {
		t.Errorf("in a sub tree: %q, %v", b, err)
	}
}

// TestWithoutKeeping: what changes on the server is seen at once.
func TestWithoutKeeping(t *testing.T) {
	tree := small()
	s := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: tree})
	f := open(t, labtest.WithUser(s.URL()), 2).KeepFor(0)
	for i, text := range []string{"first\n", "and then more\n"} {
		if i > 0 {
			tree.WriteFile("/a.txt", []byte(text))
		}
		info, err := fs.Stat(f, "a.txt")
		if err != nil || info.Size() != int64(len(text)) {
			t.Errorf("%v, %v", info, err)
		}
	}
	if err := fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		t.Error(err)
	}
}

// memory is a file system to copy from.
func memory() fstest.MapFS {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	return fstest.MapFS{
		"index.html":      {Data: []byte("<p>Hello</p>\n"), ModTime: at, Mode: 0o644},
		"img/dot.png":     {Data: []byte{0, 1, 2, 255}, ModTime: at, Mode: 0o600},
		"img/a/large.bin": {Data: []byte(strings.Repeat("large ", 100_000)), ModTime: at, Mode: 0o644},
		"empty":           {ModTime: at, Mode: 0o644},
	}
}

func source() transfer.Endpoint {
	return transfer.Endpoint{Open: func() (protocols.Client, error) { return fsys.Client(memory()), nil }, URL: "fs:", Protocol: "fs"}
}

func TestSyncFromAFileSystem(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: base.NewTree()})
	catalog, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	target, err := catalog.Parse(labtest.WithUser(s.URL()), "")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	var mu sync.Mutex
	sum, err := transfer.Sync(t.Context(), source(), transfer.At(target, nil), nil, func(r transfer.Result) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, string(r.Status)+" "+r.Name)
	})
	if err != nil || sum.Done != 4 {
		t.Fatalf("%+v, %v, %q", sum, err, seen)
	}
	f := open(t, labtest.WithUser(s.URL()), 2)
	for name, want := range memory() {
		got, err := fs.ReadFile(f, name)
		if err != nil || !slices.Equal(got, want.Data) {
			t.Errorf("%s: %d bytes, want %d, %v", name, len(got), len(want.Data), err)
		}
	}
	again, err := transfer.Sync(t.Context(), source(), transfer.At(target, nil), nil, nil)
	if err != nil || again.Done != 0 || again.Skipped != 4 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	local := t.TempDir()
	if sum, err := transfer.Sync(t.Context(), source(), transfer.Local(local), nil, nil); err != nil || sum.Done != 4 {
		t.Errorf("to local files: %+v, %v", sum, err)
	}
	if err := fstest.TestFS(os.DirFS(local), "img/a/large.bin", "empty"); err != nil {
		t.Error(err)
	}
}

func TestClientOfAFileSystem(t *testing.T) {
	c := fsys.Client(memory())
	defer c.Close()
	o, err := protocols.Get(t.Context(), c, "img/dot.png", &protocols.GetOptions{Offset: 1, Length: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := protocols.Stat(t.Context(), c, "empty"); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("while a body is open: %v", err)
	}
	if b, err := io.ReadAll(o.Body); err != nil || string(b) != "\x01\x02" || o.Size != 4 {
		t.Errorf("%q of %d, %v", b, o.Size, err)
	}
	o.Body.Close()
	e, err := protocols.Stat(t.Context(), c, "empty")
	if err != nil || e.Size != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	e.Size = 7
	for name, want := range map[string]error{"none": fs.ErrNotExist} {
		if _, err := protocols.Get(t.Context(), c, name, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := protocols.Get(t.Context(), c, "empty", &protocols.GetOptions{Same: &e}); !errors.Is(err, protocols.ErrChanged) {
		t.Errorf("another size: %v", err)
	}
	if _, err := protocols.Get(t.Context(), c, "../x", nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a name that is none: %v", err)
	}
}
