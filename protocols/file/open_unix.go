//go:build unix

package file

import (
	"io/fs"
	"os"
	"syscall"
)

// noFollow is the flag that refuses a symbolic link as last component of a path.
const noFollow = syscall.O_NOFOLLOW

// mine reports whether a file belongs to the user.
func mine(info fs.FileInfo) bool { return owner(info) == os.Geteuid() }

// roots reports whether a file belongs to root.
func roots(info fs.FileInfo) bool { return owner(info) == 0 }

func owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// hardLinks returns how many names a file has.
func hardLinks(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Nlink)
	}
	return 0
}

// othersMayWrite reports whether the mode has one of the bits.
func othersMayWrite(info fs.FileInfo, bits fs.FileMode) bool { return info.Mode().Perm()&bits != 0 }

// wakeFIFO opens the other side of a FIFO for a moment, so that an open that waits
// for it returns.
func wakeFIFO(path string, flag int) {
	other := os.O_WRONLY
	if flag&os.O_WRONLY != 0 {
		other = os.O_RDONLY
	}
	if f, err := os.OpenFile(path, other|syscall.O_NONBLOCK, 0); err == nil {
		f.Close()
	}
}
