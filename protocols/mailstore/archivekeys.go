package mailstore

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Keys lists the messages that have a key.
func (a *maildirArchive) Keys(ctx context.Context) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		for path, err := range files(a.dir) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if errors.Is(err, errNotExist) && a.o.ReadOnly {
				return // not made yet
			}
			if err != nil {
				yield(protocols.Entry{}, localError(err))
				return
			}
			key := keyOf(filepath.Base(path))
			if key == "" {
				continue
			}
			base, flags := cutInfo(filepath.Base(path))
			e := protocols.Entry{ID: key, Path: path, MessageInfo: &protocols.MessageInfo{UID: base, Flags: flags}}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// path returns the file of a key; empty when it is not there.
func (a *maildirArchive) path(ctx context.Context, key string) (string, error) {
	if a.names == nil {
		a.names = map[string]string{}
		for e, err := range a.Keys(ctx) {
			if err != nil {
				return "", err
			}
			a.names[e.ID] = e.Path
		}
	}
	return a.names[key], nil
}

// SetFlags renames a message so that its name has the flags. Flags that a maildir
// has no letter for are not kept.
func (a *maildirArchive) SetFlags(ctx context.Context, key string, flags []string) error {
	path, err := a.path(ctx, key)
	if err != nil || path == "" {
		return err
	}
	to, err := rename(a.dir, path, flags)
	if err != nil && !errors.Is(err, errNotExist) {
		return localError(err)
	}
	a.names[key] = to
	return nil
}

// rename has the name of a message's file say its flags, and returns the new path.
func rename(dir, path string, flags []string) (to string, err error) {
	base, _ := cutInfo(filepath.Base(path))
	to = filepath.Join(dir, "cur", base+infoMark+strings.TrimPrefix(info(flags), infoMark))
	return to, os.Rename(path, to)
}

// KeepsFlag reports whether a maildir has a letter for a flag.
func (a *maildirArchive) KeepsFlag(flag string) bool { return info([]string{flag}) != "" }

// Delete removes messages.
func (a *maildirArchive) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		path, err := a.path(ctx, key)
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, errNotExist) {
			return localError(err)
		}
		delete(a.names, key)
	}
	return nil
}
