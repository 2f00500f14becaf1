//go:build unix

package file

import (
	"io/fs"
	"os"
	"syscall"
)

// own reports whether nobody else can have made the file, or can change it.
func own(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid() && s.Nlink == 1 && info.Mode().Perm()&0o002 == 0
}
