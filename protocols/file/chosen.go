package file

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/netclients/netclients/protocols"
)

// ChosenName turns a name for a file that somebody else proposes, such as that of
// Content-Disposition or of a yEnc header, into a local one: its last component,
// after slashes of either kind, without blanks around it and without dots
// and dashes in front, so that it is neither hidden nor looks like an option. Then
// it passes [SafeName]. The user has not seen such a name before: what exists must
// not be replaced by it, see [Taken] and Temp.New.
func ChosenName(name string) (string, error) {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimLeftFunc(name, func(r rune) bool { return r == '.' || r == '-' || unicode.IsSpace(r) })
	return SafeName(strings.TrimRightFunc(name, unicode.IsSpace))
}

// Taken is an error of class [fs.ErrExist] when there is something under a name
// below dir, a symbolic link that leads nowhere included.
func Taken(dir *os.Root, name string) error {
	_, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return taken(name)
}

func taken(name string) error {
	return &protocols.Error{
		Kind: protocols.KindLocal, Sentinel: fs.ErrExist,
		Text: name + ": not replaced, because you did not choose the name", Hint: "--overwrite replaces it",
	}
}

// claim takes the name of a file that must not replace another one: the empty file
// is then replaced by the whole one.
func (t *Temp) claim() error {
	f, err := t.dir.OpenFile(t.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return taken(t.name)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Anew makes an empty file below dir, open for reading and writing. Whatever has
// that name, also a link, is removed and never written to.
func Anew(dir *os.Root, name string, perm fs.FileMode) (*os.File, error) {
	const how = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := dir.OpenFile(name, how, perm.Perm())
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if err := dir.Remove(name); err != nil {
		return nil, err
	}
	return dir.OpenFile(name, how, perm.Perm())
}
