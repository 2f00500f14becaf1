package mailstore

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"
)

// delivery is one message on its way into a maildir: it is written in tmp, forced
// to the disk, and moved to its folder.
type delivery struct {
	base         string // its name in tmp
	folder, name string // where it goes
	key          string
	when         time.Time // zero: now
	body         []byte    // of a message in a block that is not written yet
	size         int64
	err          error
}

// openFolders are the folders of a maildir, kept open: messages are made and moved
// by their names alone.
type openFolders struct {
	dir string
	tmp mailFolder
	to  map[string]mailFolder
}

// openMaildirFolders opens the folders of a maildir, which is made when it is
// missing. The caller closes them.
func openMaildirFolders(ctx context.Context, dir string) (*openFolders, error) {
	if err := makeMaildir(dir); err != nil {
		return nil, err
	}
	o := &openFolders{dir: dir, to: map[string]mailFolder{}}
	var err error
	if o.tmp, err = openFolder(ctx, filepath.Join(dir, "tmp")); err != nil {
		return nil, err
	}
	for _, name := range folders {
		if o.to[name], err = openFolder(ctx, filepath.Join(dir, name)); err != nil {
			delete(o.to, name)
			o.close()
			return nil, err
		}
	}
	return o, nil
}

func (o *openFolders) close() {
	o.tmp.Close()
	for _, f := range o.to {
		f.Close()
	}
}

// write makes a message in tmp of its body and of rest, which may be nil.
// Of one that fails nothing stays.
func (o *openFolders) write(d *delivery, rest io.Reader, buf []byte, force bool) error {
	f, err := o.tmp.create(d.base)
	if err != nil {
		return err
	}
	n, err := f.Write(d.body)
	d.size, d.body = int64(n), nil
	if err == nil && rest != nil {
		var more int64
		more, err = io.CopyBuffer(f, rest, buf)
		d.size += more
	}
	if err == nil && !d.when.IsZero() {
		err = o.tmp.stamp(d.base, d.when)
	}
	if err == nil && force {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err != nil {
		o.abort(d)
	}
	return err
}

// place moves a message to where it goes.
func (o *openFolders) place(d *delivery) error {
	err := o.tmp.move(d.base, o.to[d.folder], d.name)
	if err != nil {
		o.abort(d)
	}
	return err
}

// abort removes what is in tmp of a message that does not get its place.
func (o *openFolders) abort(d *delivery) { os.Remove(filepath.Join(o.dir, "tmp", d.base)) }

// path is where a message is when it has its place.
func (o *openFolders) path(d *delivery) string { return filepath.Join(o.dir, d.folder, d.name) }
