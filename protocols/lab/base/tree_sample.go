package base

import (
	"fmt"
	"time"
)

// sampleTime is the modification time of everything in Sample.
func sampleTime() time.Time { return time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC) }

// Sample makes the tree the lab serves by default: a README, nested folders
// under /pub, names with spaces and in UTF-8, links (one dangling), an empty
// file, one with every byte value, a larger one, and /incoming for uploads.
// Its content and times are always the same.
func Sample() *Tree {
	t := NewTree()
	for _, dir := range []string{"/incoming", "/pub/empty folder", "/pub/nested/a/b/c"} {
		t.MkdirAll(dir)
	}
	for name, data := range sampleFiles() {
		t.WriteFile(name, data)
	}
	t.Virtual("/pub/large.bin", 3<<20, Pattern(1))
	t.Symlink("README.txt", "/readme-link")
	t.Symlink("nested/a", "/pub/folder-link")
	t.Symlink("/no/such/file", "/pub/dangling")
	t.stamp(t.root, sampleTime())
	return t
}

// sampleFiles are the small files of Sample.
func sampleFiles() map[string][]byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	files := map[string][]byte{
		"/README.txt":                []byte("Welcome to the lab.\n\nFiles to read are in pub, uploads go to incoming.\n"),
		"/pub/empty.txt":             {},
		"/pub/all-bytes.bin":         all,
		"/pub/two words.txt":         []byte("a name with a space\n"),
		"/pub/naïve café ☕.txt":      []byte("a name in UTF-8\n"),
		"/pub/no-newline.txt":        []byte("no line end at the end"),
		"/pub/dos.txt":               []byte("first\r\nsecond\r\n"),
		"/pub/nested/a/b/c/deep.txt": []byte("deep\n"),
		"/pub/nested/a/one.txt":      []byte("one\n"),
		"/pub/.hidden":               []byte("hidden\n"),
	}
	for i := range 20 {
		files[fmt.Sprintf("/pub/nested/many/file%02d.txt", i)] = fmt.Appendf(nil, "file number %d\n", i)
	}
	return files
}

// stamp sets the time of n and of all below it.
func (t *Tree) stamp(n *node, at time.Time) {
	n.mtime = at
	if n.content != nil {
		n.content.touch(time.Time{})
	}
	for _, child := range n.children {
		t.stamp(child, at)
	}
}
