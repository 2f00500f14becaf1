//go:build !unix && !windows

package file

import "os"

// heldByAnother: without advisory locks two runs at once are not noticed.
func heldByAnother(*os.File) bool { return false }
