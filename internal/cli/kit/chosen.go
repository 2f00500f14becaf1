package kit

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols/file"
)

// ChosenNames is the rule for files whose names a server or an author chooses, not
// the user: they are made safe, and replace nothing unless the user says so.
type ChosenNames struct{ Overwrite bool }

// Flag adds --overwrite.
func (c *ChosenNames) Flag(fs *pflag.FlagSet) {
	fs.BoolVar(&c.Overwrite, "overwrite", false, "allow a server-chosen name to overwrite an existing file")
}

// Open opens the folder for such files, and makes it when it is missing.
func (c *ChosenNames) Open(dir string) (ChosenPlace, error) {
	dir = cmp.Or(dir, ".")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return ChosenPlace{}, err
	}
	root, err := os.OpenRoot(dir)
	return ChosenPlace{root, dir, c.Overwrite}, err
}

// ChosenPlace is an open folder for files with such names.
type ChosenPlace struct {
	Root      *os.Root
	dir       string
	Overwrite bool
}

// Close closes the folder.
func (p *ChosenPlace) Close() { p.Root.Close() }

// Path returns the path of a file, for messages.
func (p *ChosenPlace) Path(name string) string { return filepath.Join(p.dir, name) }

// Name makes a name that somebody else chose a local one. One that is taken is an error.
func (p *ChosenPlace) Name(chosen string) (string, error) {
	name, err := file.ChosenName(chosen)
	if err == nil && !p.Overwrite {
		err = file.Taken(p.Root, name)
	}
	return name, err
}
