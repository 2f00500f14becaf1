// Package fsys connects the clients of this module with package io/fs, both ways.
//
// [New] makes an [FS] of a server whose client lists and reads: FTP, WebDAV, Gopher,
// mailboxes of IMAP and POP3, newsgroups, maildirs. Everything that takes an [fs.FS]
// works on it: [fs.WalkDir], [fs.Glob], net/http's FileServerFS, html/template, and so
// on. It works through a pool, so that several files can be open at the same time.
//
// [Client] makes a client of any [fs.FS], such as one of package embed, so that package
// transfer copies from it and synchronises with it.
//
// The package implements no RFC.
package fsys

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/pool"
)

// DefaultKeepFor is how long the listing of a folder is kept.
const DefaultKeepFor = time.Minute

// FS is the tree below a folder of a server. Folders, menus, mailboxes and newsgroups
// are its directories; what is in them are its files. Its methods may be called by
// many goroutines. Errors are of type [*fs.PathError] with a [*protocols.Error] in
// their chain.
//
// The name of a file is the name of its entry; a slash in it is "%2F", and a name that
// a listing has twice gets a number the second time. The size of a file is what the
// server says, and 0 where it says nothing: FileInfo.Sys returns the
// [protocols.Entry], which tells the two apart. A link counts as what it leads to,
// except in directory listings.
//
// Open files are an [io.Seeker] and an [io.ReaderAt]. Where the server can only send a
// file from its start, they read and drop what comes before.
type FS struct {
	t      *tree
	prefix string // of a Sub
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.SubFS      = (*FS)(nil)
)

// New makes a file system of the folder root, as the clients of the pool name it; the
// empty name is the client's own root. It does no I/O. ctx covers all that is done with
// the file system. A file keeps one client of the pool from its first Read to its end
// or its Close, so the pool's Max is at least the number of files that are read at the
// same time. Who closes the pool is the caller.
func New(ctx context.Context, p *pool.Pool, root string) *FS {
	return &FS{t: &tree{ctx: ctx, pool: p, root: root, keepFor: DefaultKeepFor, folders: map[string]*folder{}}}
}

// KeepFor says how long listings are kept, before the first use: what a file is called
// and how large it is may be as old as that. 0: nothing is kept, and every Open lists
// the folder or asks the server for the file.
func (f *FS) KeepFor(d time.Duration) *FS {
	f.t.keepFor = d
	return f
}

// full returns the name in the whole tree.
func (f *FS) full(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(f.prefix, name), nil
}

// Open opens a file or directory. The content of a file is asked for by the first
// Read.
func (f *FS) Open(name string) (fs.File, error) {
	e, at, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if isDir(e.Type) {
		return &dir{f: f, name: name, at: at, info: infoOf(e, name)}, nil
	}
	return &file{t: f.t, name: name, e: e, end: -1}, nil
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	e, _, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return infoOf(e, name), nil
}

// find finds what a name leads to, and its name in the whole tree.
func (f *FS) find(op, name string) (protocols.Entry, string, error) {
	at, err := f.full(op, name)
	if err != nil {
		return protocols.Entry{}, "", err
	}
	e, at, err := f.t.follow(at)
	return e, at, pathError(op, name, err)
}

// ReadDir returns what is in a directory, sorted by name. Where a line of the server's
// listing was not understood, the error is of class [protocols.ErrIncomplete], and what
// was understood is returned too.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	_, at, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	return f.readDir(name, at)
}

func (f *FS) readDir(name, at string) ([]fs.DirEntry, error) {
	l, err := f.t.list(at)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	return l.dirEntries(), pathError("readdir", name, l.incomplete)
}

// ReadFile returns the whole content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	e, _, err := f.find("readfile", name)
	if err != nil {
		return nil, err
	}
	if isDir(e.Type) {
		return nil, pathError("readfile", name, errIsDir)
	}
	var content []byte
	err = f.t.pool.Do(f.t.ctx, func(c protocols.Client) error {
		o, err := protocols.Get(f.t.ctx, c, e.Path, nil)
		if err != nil {
			return err
		}
		defer o.Body.Close()
		content, err = io.ReadAll(o.Body)
		return err
	})
	if err != nil {
		return nil, pathError("readfile", name, err)
	}
	return content, nil
}

// Sub returns the file system of a directory. It shares the pool and what is known.
func (f *FS) Sub(name string) (fs.FS, error) {
	at, err := f.full("sub", name)
	if err != nil {
		return nil, err
	}
	return &FS{t: f.t, prefix: at}, nil
}

var (
	errIsDir  = errors.New("is a directory")
	errNotDir = errors.New("is not a directory")
)

// pathError is what package io/fs expects.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
