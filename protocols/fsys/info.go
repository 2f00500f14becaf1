package fsys

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// isDir reports whether entries of a type have entries in them.
func isDir(t protocols.Type) bool {
	switch t {
	case protocols.TypeDir, protocols.TypeMenu, protocols.TypeMailbox, protocols.TypeGroup:
		return true
	}
	return false
}

// info is an entry for package io/fs: a FileInfo and a DirEntry.
type info struct {
	name string
	e    protocols.Entry
}

// infoOf names an entry as it was asked for.
func infoOf(e protocols.Entry, name string) *info { return &info{path.Base(name), e} }

func (i *info) Name() string               { return i.name }
func (i *info) Size() int64                { return max(i.e.Size, 0) }
func (i *info) ModTime() time.Time         { return i.e.Modified }
func (i *info) IsDir() bool                { return isDir(i.e.Type) }
func (i *info) Sys() any                   { return i.e }
func (i *info) Type() fs.FileMode          { return i.Mode().Type() }
func (i *info) Info() (fs.FileInfo, error) { return i, nil }
func (i *info) String() string             { return fs.FormatDirEntry(i) }

// Mode returns the permissions that the server reports, else those to read.
func (i *info) Mode() fs.FileMode {
	perm := i.e.Mode &^ fs.ModeType
	switch {
	case i.IsDir() && i.e.HasMode:
		return fs.ModeDir | perm
	case i.IsDir():
		return fs.ModeDir | 0o555
	case i.e.Type == protocols.TypeLink:
		return fs.ModeSymlink | 0o777
	case i.e.Type == protocols.TypeOther:
		return fs.ModeIrregular | perm
	case i.e.HasMode:
		return perm
	}
	return 0o444
}

// dirEntries returns the entries, sorted by name.
func (l *folder) dirEntries() []fs.DirEntry {
	all := make([]fs.DirEntry, 0, len(l.entries))
	for _, name := range slices.Sorted(maps.Keys(l.entries)) {
		all = append(all, &info{name, l.entries[name]})
	}
	return all
}

// numbered returns a name with a number before its suffix.
func numbered(name string, n int) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "/", "%2F"), "\uFFFD")
	suffix := path.Ext(name)
	return strings.TrimSuffix(name, suffix) + " (" + strconv.Itoa(n) + ")" + suffix
}
