package cli

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols/file"
)

// chosenNames is the rule for files whose names a server or an author chooses, not
// the user: they are made safe, and replace nothing unless the user says so.
type chosenNames struct{ overwrite bool }

func (c *chosenNames) flag(fs *pflag.FlagSet) {
	fs.BoolVar(&c.overwrite, "overwrite", false, "let a name that somebody else chose replace a file that is there")
}

// open opens the folder for such files, and makes it when it is missing.
func (c *chosenNames) open(dir string) (chosenPlace, error) {
	dir = cmp.Or(dir, ".")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return chosenPlace{}, err
	}
	root, err := os.OpenRoot(dir)
	return chosenPlace{root, dir, c.overwrite}, err
}

// chosenPlace is an open folder for files with such names.
type chosenPlace struct {
	root      *os.Root
	dir       string
	overwrite bool
}

func (p *chosenPlace) close() { p.root.Close() }

// path returns the path of a file, for messages.
func (p *chosenPlace) path(name string) string { return filepath.Join(p.dir, name) }

// name makes a name that somebody else chose a local one. One that is taken is an error.
func (p *chosenPlace) name(chosen string) (string, error) {
	name, err := file.ChosenName(chosen)
	if err == nil && !p.overwrite {
		err = file.Taken(p.root, name)
	}
	return name, err
}
