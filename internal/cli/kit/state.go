package kit

import (
	"os"
	"path/filepath"
)

// StateDir returns the folder for what a part of the program must remember, below where
// the XDG base directories have such things. Its parents are made with it. Without a home
// it is empty.
func StateDir(part string) (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", nil // nothing is remembered unless a flag names a place
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "netclients", part), nil
}
