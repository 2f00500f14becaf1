package mailstore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/netclients/netclients/protocols"
)

// edit puts a text in the place of a part of a file. An end of 0 is where the next
// message begins, or the file ends.
type edit struct {
	start, end int64
	text       string
}

// without returns the edits that take messages away.
func without(doomed func(span) bool) func(io.ReaderAt, span) (*edit, error) {
	return func(_ io.ReaderAt, s span) (*edit, error) {
		if !doomed(s) {
			return nil, nil
		}
		return &edit{start: s.start}, nil
	}
}

// rewrite writes an mbox anew with the edits that change returns, nil for a message
// that stays as it is.
func rewrite(ctx context.Context, path string, change func(io.ReaderAt, span) (*edit, error)) error {
	l, err := lockMbox(ctx, path)
	if err != nil {
		return localError(err)
	}
	defer l.unlock()
	edits, err := gather(l.File, change)
	if err == nil && len(edits) > 0 {
		err = apply(l.File, edits)
	}
	if err != nil {
		return localError(err)
	}
	return nil
}

// gather asks for the edits of all messages.
func gather(f *os.File, change func(io.ReaderAt, span) (*edit, error)) (edits []edit, err error) {
	open := false // the last edit goes on to the next message
	end, err := scan(f, 0, func(s span) error {
		if open {
			edits[len(edits)-1].end = s.start
		}
		e, err := change(f, s)
		if open = e != nil && e.end == 0; e != nil {
			edits = append(edits, *e)
		}
		return err
	})
	if open {
		edits[len(edits)-1].end = end
	}
	return edits, err
}

// apply writes a locked file with edits to a temporary one beside it, which then
// takes its name. Where the mbox was opened through a link, the link stays. f is not
// read or written any more after that.
func apply(f *os.File, edits []edit) error {
	path := f.Name()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".netclients-*"+protocols.PartSuffix)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close() // again, which does nothing
	pos := int64(0)
	for _, e := range append(edits, edit{start: info.Size()}) {
		if _, err := io.Copy(temp, io.NewSectionReader(f, pos, e.start-pos)); err != nil {
			return err
		}
		if _, err := temp.WriteString(e.text); err != nil {
			return err
		}
		pos = e.end
	}
	if err := errors.Join(temp.Chmod(info.Mode().Perm()), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if !replacesOpen {
		f.Close() // the dot-lock stays
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
