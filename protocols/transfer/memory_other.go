//go:build !linux

package transfer

import "os"

// inMemory: where this is unknown, a file system is taken to have a disk.
func inMemory(*os.Root) bool { return false }
