//go:build unix

package fleet

import "golang.org/x/sys/unix"

// privateModes: the permission bits of a folder say who may write it.
const privateModes = true

// freeSpace returns the bytes that the user may still write in a folder.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
