package base

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// diskTree makes a folder with a file, a folder in it, and a file beside it.
func diskTree(t *testing.T) (*Tree, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "served")
	for name, text := range map[string]string{"a.txt": "alpha", "sub/b.txt": "beta", "../secret": "secret"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree, dir
}

func TestDiskTreeReadsAndWrites(t *testing.T) {
	tree, dir := diskTree(t)
	list, err := tree.ReadDir("/")
	if err != nil || len(list) != 2 || list[0].Name != "a.txt" || list[0].Size != 5 || !list[1].IsDir() {
		t.Fatalf("list %+v, %v", list, err)
	}
	if text, err := tree.ReadFile("sub/../sub/b.txt"); err != nil || string(text) != "beta" {
		t.Errorf("read %q, %v", text, err)
	}
	if err := tree.WriteFile("/new/deep/c.txt", []byte("gamma")); err != nil {
		t.Fatal(err)
	}
	f, err := tree.Create("/new/deep/c.txt")
	if err != nil {
		t.Fatal(err)
	}
	f.Append([]byte(" rays"))
	f.WriteAt([]byte("G"), 0)
	f.Close()
	if text, _ := os.ReadFile(filepath.Join(dir, "new", "deep", "c.txt")); string(text) != "Gamma rays" {
		t.Errorf("the file holds %q", text)
	}
	if err := tree.Rename("/new/deep/c.txt", "/a.txt"); err != nil {
		t.Error(err)
	}
	if text, _ := tree.ReadFile("/a.txt"); string(text) != "Gamma rays" {
		t.Errorf("after a rename %q", text)
	}
	if err := tree.RemoveAll("/new"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestDiskTreeErrors(t *testing.T) {
	tree, dir := diskTree(t)
	if err := os.Symlink("../secret", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "..", "secret"), filepath.Join(dir, "far")); err != nil {
		t.Fatal(err)
	}
	_, out := tree.Open("/out")
	_, far := tree.Open("/far")
	_, missing := tree.Stat("/nothing")
	_, folder := tree.Open("/sub")
	_, below := tree.Stat("/a.txt/x")
	for name, c := range map[string]struct{ got, want error }{
		"a link that leads out":   {out, fs.ErrPermission},
		"an absolute link":        {far, fs.ErrPermission},
		"missing":                 {missing, fs.ErrNotExist},
		"a folder as a file":      {folder, ErrIsDir},
		"below a file":            {below, ErrNotDir},
		"a folder that is full":   {tree.Rmdir("/sub"), ErrNotEmpty},
		"a folder, as a file":     {tree.Remove("/sub"), ErrIsDir},
		"a file, as a folder":     {tree.Rmdir("/a.txt"), ErrNotDir},
		"a folder that is there":  {tree.Mkdir("/sub"), fs.ErrExist},
		"onto a folder":           {tree.Rename("/a.txt", "/sub"), fs.ErrExist},
		"a folder into itself":    {tree.Rename("/sub", "/sub/in"), fs.ErrInvalid},
		"all of it":               {tree.RemoveAll("/"), fs.ErrPermission},
		"a link that is made out": {tree.WriteFile("/out", nil), fs.ErrPermission},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "..", "secret")); string(text) != "secret" {
		t.Errorf("the file outside holds %q", text)
	}
	if _, err := OpenTree(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestSplitFaults(t *testing.T) {
	got := SplitFaults(`delay=1ms, smtp.code:RCPT=450 later\, please*1,ftp.data.cut=3M,ctl.split=1`, []string{"ftp", "smtp", "imap"})
	for p, want := range map[string]string{
		"imap": `delay=1ms,ctl.split=1`, "smtp": `delay=1ms,code:RCPT=450 later\, please*1,ctl.split=1`, "ftp": `delay=1ms,data.cut=3M,ctl.split=1`,
	} {
		equal(t, p, got[p], want)
	}
	if none := SplitFaults("", []string{"ftp"}); len(none) != 0 {
		t.Errorf("faults of nothing: %v", none)
	}
}
