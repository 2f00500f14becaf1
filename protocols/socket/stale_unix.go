//go:build unix

package socket

import "syscall"

// isSocket reports whether the file of that name is a socket.
func isSocket(path string) bool {
	var s syscall.Stat_t
	return syscall.Lstat(path, &s) == nil && s.Mode&syscall.S_IFMT == syscall.S_IFSOCK
}
