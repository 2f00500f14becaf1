package protocols

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
)

// Lister lists the entries of a folder, menu, mailbox, group, or of the whole
// server for the empty name. Entries are streamed in the server's order.
type Lister interface {
	List(ctx context.Context, name string) iter.Seq2[Entry, error]
}

// List lists name with a client that is a [Lister].
func List(ctx context.Context, c Client, name string) iter.Seq2[Entry, error] {
	l, err := need[Lister](c, "ls")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return through(ctx, c, "ls", name, func(ctx context.Context) iter.Seq2[Entry, error] { return l.List(ctx, name) })
}

// TreeLister is a [Lister] whose listings are more, or other, than the files and
// folders of a tree: a menu that leads to other servers, upwards, and to itself.
type TreeLister interface {
	// ListTree lists the folder name as a part of the tree below the folder root.
	// It returns what belongs to that tree, under names that are those of files and
	// differ within the folder.
	ListTree(ctx context.Context, root, name string) iter.Seq2[Entry, error]
}

// ListTree lists a folder of the tree below root with a client that is a
// [TreeLister], else with a [Lister]. It is for walks through trees.
func ListTree(ctx context.Context, c Client, root, name string) iter.Seq2[Entry, error] {
	if t, ok := As[TreeLister](c); ok {
		return through(ctx, c, "ls", name, func(ctx context.Context) iter.Seq2[Entry, error] { return t.ListTree(ctx, root, name) })
	}
	return List(ctx, c, name)
}

// Confiner is implemented by clients whose servers can send them elsewhere.
type Confiner interface {
	// Confine says that what is read from now on belongs to the tree below the
	// folder root: to be led out of it is an error of kind Refused.
	Confine(root string) error
}

// Confine keeps a client that is a [Confiner] in a tree; others stay there anyhow.
func Confine(c Client, root string) error {
	if x, ok := As[Confiner](c); ok {
		return x.Confine(root)
	}
	return nil
}

// Statter describes one entry without its content.
type Statter interface {
	Stat(ctx context.Context, name string) (Entry, error)
}

// Stat describes name. A client that is not a [Statter] but a [Lister] is asked for
// the listing that holds it.
func Stat(ctx context.Context, c Client, name string) (e Entry, err error) {
	err = during(ctx, c, "stat", name, func(ctx context.Context) error {
		e, err = stat(ctx, c, name)
		return err
	})
	return e, err
}

func stat(ctx context.Context, c Client, name string) (Entry, error) {
	if s, ok := As[Statter](c); ok {
		return s.Stat(ctx, name)
	}
	l, err := need[Lister](c, "stat")
	if err != nil {
		return Entry{}, err
	}
	dir, base := path.Split(name)
	for e, err := range l.List(ctx, dir) {
		if err != nil {
			return Entry{}, err
		}
		if e.Name == base {
			return e, nil
		}
	}
	return Entry{}, &Error{Op: "stat", Kind: KindRefused, Sentinel: fs.ErrNotExist, Text: "no such entry in the listing"}
}

// Searcher finds entries by a query in the protocol's own words.
type Searcher interface {
	Search(ctx context.Context, name, query string) iter.Seq2[Entry, error]
}

// Search searches name with a client that is a [Searcher].
func Search(ctx context.Context, c Client, name, query string) iter.Seq2[Entry, error] {
	s, err := need[Searcher](c, "search")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return through(ctx, c, "search", name, func(ctx context.Context) iter.Seq2[Entry, error] { return s.Search(ctx, name, query) })
}

// Watcher reports new and changed entries until the context ends.
type Watcher interface {
	Watch(ctx context.Context, name string) iter.Seq2[Entry, error]
}

// Watch watches name with a client that is a [Watcher].
func Watch(ctx context.Context, c Client, name string) iter.Seq2[Entry, error] {
	w, err := need[Watcher](c, "watch")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return through(ctx, c, "watch", name, func(ctx context.Context) iter.Seq2[Entry, error] { return w.Watch(ctx, name) })
}

// GetOptions says which part of an object to read. Nil means all of it.
type GetOptions struct {
	Offset int64  // first byte wanted, 0 or more
	Length int64  // bytes wanted; 0 means to the end
	Same   *Entry // the object must still be this one (size, time, id), else ErrChanged
	// MaxSize, when not 0, refuses an object that is known to be larger before its
	// content is asked for, where that costs nothing. The caller counts all the same.
	MaxSize int64
}

// Getter reads one object as a stream.
type Getter interface {
	Get(ctx context.Context, name string, o *GetOptions) (*Object, error)
}

// Get opens name with a client that is a [Getter]. The caller closes the
// object's Body. The context covers reading too.
func Get(ctx context.Context, c Client, name string, o *GetOptions) (*Object, error) {
	g, err := need[Getter](c, "get")
	if err != nil {
		return nil, err
	}
	return opened(ctx, c, name, func(ctx context.Context) (*Object, error) { return g.Get(ctx, name, o) })
}

// TailGetter reads the end of an object whose size need not be known.
type TailGetter interface {
	// GetLast opens the last n bytes, or all of a shorter object. Offset of the result
	// is where they begin.
	GetLast(ctx context.Context, name string, n int64) (*Object, error)
}

// GetLast opens the last n bytes of name, or all of a shorter object. A client that is
// not a [TailGetter] is asked for the size first. The caller closes the object's Body.
func GetLast(ctx context.Context, c Client, name string, n int64) (*Object, error) {
	if n <= 0 {
		return nil, UsageError("", "get", "the number of bytes from the end must be positive")
	}
	if t, ok := As[TailGetter](c); ok {
		return t.GetLast(ctx, name, n)
	}
	e, err := Stat(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if e.Size < 0 {
		return nil, &Error{Op: "get", Kind: KindRefused, Sentinel: errors.ErrUnsupported, Text: "the size is not known, so that bytes cannot be counted from the end"}
	}
	return Get(ctx, c, name, &GetOptions{Offset: max(e.Size-n, 0)})
}

// BulkGetter reads many objects on one connection, pipelined, in order.
//
// each is called once for every name, either with an object whose Body it reads
// (and need not close) before it returns, or with that object's own error. When
// each returns an error the work stops and that error is returned; names already
// asked for are then not reported. BulkGet's own error means that the connection
// failed: names not yet reported were not transferred.
type BulkGetter interface {
	BulkGet(ctx context.Context, names iter.Seq[string], each func(name string, o *Object, err error) error) error
}

// BulkGet reads many objects; a client that is only a [Getter] is asked for one
// after the other.
func BulkGet(ctx context.Context, c Client, names iter.Seq[string], each func(string, *Object, error) error) error {
	return during(ctx, c, "get", "", func(ctx context.Context) error { return bulkGet(ctx, c, names, each) })
}

func bulkGet(ctx context.Context, c Client, names iter.Seq[string], each func(string, *Object, error) error) error {
	if b, ok := As[BulkGetter](c); ok {
		return b.BulkGet(ctx, names, each)
	}
	g, err := need[Getter](c, "get")
	if err != nil {
		return err
	}
	for name := range names {
		o, err := g.Get(ctx, name, nil)
		err = each(name, o, err)
		if o != nil {
			o.Body.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
