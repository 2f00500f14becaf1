package transfer

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// A file under its final name that is shorter than the object may be the beginning of
// it, by another program (wget -c, curl -C -). It has no record; that its last bytes are
// the object's there must be proof enough.

// endCompared is how many of these bytes are compared.
const endCompared = 1 << 10

// adopt begins a download with the content of such a file, if there is one. That file
// stays as it is until all of the object has come.
func (d *download) adopt(ctx context.Context, k *conn) error {
	info, err := d.dir.Lstat(d.name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || d.o.Offset > 0 || d.o.Length > 0 {
		return nil
	}
	c, err := k.get()
	if err != nil {
		return err
	}
	e, err := protocols.Stat(ctx, c, d.path)
	if err != nil { // Get will report what is wrong, if anything
		k.drop()
		return nil
	}
	if e.Size <= info.Size() || e.Modified.After(info.ModTime().Add(e.Accuracy)) || !sameEnd(ctx, c, d.path, d.dir, d.name, info.Size()) {
		return nil
	}
	d.rec, d.compared = newRecord(e, d.label, d.o), true
	return d.copyPlain(&protocols.Object{Entry: e})
}

// copyPlain makes the temporary file with what is under the final name.
func (d *download) copyPlain(obj *protocols.Object) error {
	from, err := file.OpenOwn(d.dir, d.name, os.O_RDONLY)
	if err != nil {
		d.compared = false // somebody else's: it is replaced as any other
		return nil
	}
	defer from.Close()
	if d.temp, err = d.create(obj); err != nil {
		return err
	}
	n, err := io.Copy(d.temp.File, from)
	d.at, d.resumed = n, n
	return err
}

// sameEnd reports whether the last bytes of a local file of a size are those of the
// object at that place.
func sameEnd(ctx context.Context, c protocols.Client, path string, dir *os.Root, name string, size int64) bool {
	f, err := file.OpenOwn(dir, name, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	from := max(size-endCompared, 0)
	ours := make([]byte, size-from)
	if _, err := f.ReadAt(ours, from); err != nil {
		return false
	}
	theirs, err := rangeOf(ctx, c, path, from, size-from)
	return err == nil && bytes.Equal(ours, theirs)
}
