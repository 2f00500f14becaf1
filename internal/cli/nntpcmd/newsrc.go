package nntpcmd

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols/nntp"
)

// newsrc is the flag that names the list of what was read, as newsreaders keep it.
type newsrc struct {
	path string
	list *nntp.Newsrc // nil until it was read, and without the flag
}

func (n *newsrc) flag(fs *pflag.FlagSet, about string) {
	fs.StringVar(&n.path, "newsrc", "", "list of what was read, in a `FILE` such as ~/.newsrc: "+about)
}

// read reads the list, once; a file that is not there is an empty one.
func (n *newsrc) read() error {
	if n.path == "" || n.list != nil {
		return nil
	}
	data, err := os.ReadFile(n.path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	n.list, err = nntp.ParseNewsrc(bytes.NewReader(data))
	return err
}

// apply reads the list and has a client leave out what was read.
func (n *newsrc) apply(c *nntp.Client) error {
	err := n.read()
	c.Settings.Newsrc = n.list
	return err
}

// write replaces the file as a whole.
func (n *newsrc) write() error {
	if n.list == nil {
		return nil
	}
	path := n.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link to the file stays one
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".newsrc-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = n.list.WriteTo(tmp)
	for _, next := range []func() error{tmp.Sync, tmp.Close, func() error { return os.Rename(tmp.Name(), path) }} {
		if bad := next(); err == nil {
			err = bad
		}
	}
	return err
}
