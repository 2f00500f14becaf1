package mailstore

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// journalled are the file systems on which syncfs(2) does what fsync(2) of every
// file does. Of others, those in user space and over a network, it is not known.
var journalled = map[int64]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true, unix.F2FS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true,
}

// syncsAtOnce reports whether the folder's file system can be forced to the disk as
// a whole, errors reported: Linux does so since 5.8.
func (m mailFolder) syncsAtOnce() bool {
	var st unix.Statfs_t
	var name unix.Utsname
	if unix.Fstatfs(m.fd, &st) != nil || unix.Uname(&name) != nil {
		return false
	}
	return journalled[int64(st.Type)] && atLeast(unix.ByteSliceToString(name.Release[:]), 5, 8)
}

// atLeast compares the begin of a version.
func atLeast(release string, major, minor int) bool {
	first, rest, _ := strings.Cut(release, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(second)
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}

// syncDisk forces all that is written to the folder's file system to the disk.
func (m mailFolder) syncDisk() error {
	return m.failed("syncfs", "", again(func() error { return unix.Syncfs(m.fd) }))
}
