package mailstore

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// Mailboxes calls each for every maildir at the path root or in a folder below it: with its
// path, and its name, whose levels are apart by slashes. The one at root itself is INBOX. An error of each ends the walk.
func (*Maildir) Mailboxes(root string, each func(dir, name string) error) error {
	return filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); base == "cur" || base == "new" || base == "tmp" {
			return fs.SkipDir
		}
		name, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		if info, err := os.Stat(filepath.Join(dir, "cur")); err != nil || !info.IsDir() {
			return nil
		}
		if name == "." {
			name = "INBOX"
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain // sync escapes what a file system might not take
		}
		return each(dir, filepath.ToSlash(name))
	})
}
