// Package all is the catalog of the adapters that come with netclients.
package all

import (
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/ftp"
)

// All gives the catalog of all adapters. Nothing is connected, and each call
// makes a catalog of its own.
func All() (*protocols.Registry, error) {
	return protocols.NewRegistry(
		file.Spec(),
		ftp.Spec(),
	)
}
