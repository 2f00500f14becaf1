//go:build unix

package transfer

import "syscall"

// syncDisks forces all that is written to the disks.
func syncDisks() { syscall.Sync() }
