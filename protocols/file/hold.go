package file

import (
	"os"

	"github.com/netclients/netclients/protocols"
)

// Hold takes an open file or folder for this process until it is closed. When
// another process has it the error has class [protocols.ErrBusy] and shows name. A
// system or file system without advisory locks is not an error.
func Hold(f *os.File, name string) error {
	if heldByAnother(f) {
		return &protocols.Error{Kind: protocols.KindLocal, Sentinel: protocols.ErrBusy, Text: name + " is in use by another run"}
	}
	return nil
}
