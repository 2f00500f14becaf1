package protocols

import (
	"context"
	"iter"
)

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
		return t.ListTree(ctx, root, name)
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
