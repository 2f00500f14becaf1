package cli

import (
	"os"
	"path/filepath"

	"github.com/netclients/netclients/protocols/imap"
)

// stateDir gives the folder for what a protocol's syncs must remember, below where
// the XDG base directories have such things. Its parents are made with it.
func stateDir(protocol string) (string, error) {
	dir := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", nil // without a home nothing is remembered: --journal names a file
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "netclients", protocol), nil
}

// spoolFile makes a file that goes away when it is closed, whatever happens.
func spoolFile() (imap.SpoolFile, error) {
	f, err := os.CreateTemp("", "netclients-*.eml")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	return f, nil
}
