package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestChosenName(t *testing.T) {
	for name, want := range map[string]string{
		"plain.bin": "plain.bin", ".bashrc": "bashrc", "-rf": "rf", "--.-x": "x", " .. ..a b ": "a b",
		"/etc/passwd": "passwd", `C:\dir\.x`: "x", "../../up": "up", "a.": "a.", "\x1b[2J": "%1B[2J",
	} {
		if got, err := ChosenName(name); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", " .. ", "---", "dir/", "x/..", `..\`, "a\x00b", "x.ncpart"} {
		if got, err := ChosenName(name); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

// TestNewReplacesNothing: a file, a folder and links keep what they are and hold.
func TestNewReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	mine := filepath.Join(dir, "mine")
	for _, err := range []error{
		os.WriteFile(mine, []byte("mine"), 0o600), os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		os.Symlink("nowhere", filepath.Join(dir, "dangling")), os.Symlink("mine", filepath.Join(dir, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"mine", "folder", "dangling", "link"} {
		if err := Taken(root, name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: taken: %v", name, err)
		}
		temp, err := CreatePart(root, name, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		temp.New = true
		temp.WriteString("theirs")
		if err := temp.Store(None); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: stored: %v", name, err)
		}
	}
	if b, err := os.ReadFile(mine); string(b) != "mine" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	temp, err := CreatePart(root, "free", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	temp.New = true
	temp.WriteString("theirs")
	if err := temp.Store(None); err != nil || Taken(root, "free") == nil {
		t.Errorf("a free name: %v", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 5 {
		t.Errorf("%v, %v", list, err)
	}
}

// TestAnewNeverFollows: links that somebody planted are removed, what they lead to is not touched.
func TestAnewNeverFollows(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, plant := range []func(old, new string) error{os.Symlink, os.Link} {
		if err := plant(victim, filepath.Join(dir, "trap")); err != nil {
			t.Fatal(err)
		}
		f, err := Anew(root, "trap", 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString("x")
		f.Close()
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Errorf("the other file holds %q", b)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "trap")); string(b) != "x" {
			t.Errorf("the new file holds %q", b)
		}
		os.Remove(filepath.Join(dir, "trap"))
	}
}
