//go:build !unix

package file

import "io/fs"

// own: what there is to know of a file's owner is not in its description here.
func own(fs.FileInfo) bool { return true }
