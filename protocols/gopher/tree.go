package gopher

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// menuFile is the name under which a tree keeps the menu of a folder itself.
const menuFile = "gophermap"

// ListTree lists a menu as a folder of the tree below root: its items under the
// last component of their selectors, and the menu itself as "gophermap". What
// leads out of the tree, up in it or back to the menu is left out, and so are
// items of other servers unless [Settings].Foreign is set, searches, and lines
// that only inform. Of a Gopher+ server the entries have their times.
func (c *Client) ListTree(ctx context.Context, root, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "ls", name, nil, func(ctx context.Context, it *item, yield func(protocols.Entry) bool) error {
		top, err := c.item(root)
		if err != nil {
			return err
		}
		t := &tree{c: c, top: &top, menu: it, taken: map[string]int{}, placed: map[string]bool{}}
		self := protocols.Entry{Protocol: proto, URL: c.urlOf(it), Path: name, Type: protocols.TypeFile, Size: -1}
		if name == "" {
			self.Path = string([]byte{kindMenu}) // else it would be what its file name says
		}
		self.Name = t.file(menuFile, "/"+name) // no entry has such a path
		if !yield(self) {
			return errStop
		}
		return c.treeMenu(ctx, it, func(e protocols.Entry) bool {
			return !t.place(&e) || yield(e)
		})
	})
}

// tree names the entries of one folder.
type tree struct {
	c         *Client
	top, menu *item
	taken     map[string]int  // file names in the folder, each with the number that was put after it last
	placed    map[string]bool // paths of the items that have a name
}

// place sets the file name of an entry. It reports false for one that does not
// belong here. An error among the items stands for something that the server could not
// list: the menu does not say what.
func (t *tree) place(e *protocols.Entry) bool {
	if e.Facts["type"] == string([]byte{kindError}) {
		e.Raw = string([]byte{kindError}) + e.Name
	}
	if !e.Parsed() {
		return true
	}
	switch e.Type {
	case protocols.TypeInfo, protocols.TypeSearch, protocols.TypeLink, protocols.TypeOther:
		return false
	}
	it, err := t.c.item(e.Path)
	if err != nil || !t.inside(&it) {
		return false
	}
	if e.Type == protocols.TypeMenu && e.Path == "" {
		return false
	}
	e.Name = t.file(fileName(&it, e.Name), e.Path)
	return e.Name != ""
}

// inside: below the top, and not what the menu itself is below of.
func (t *tree) inside(it *item) bool {
	if it.server != nil {
		return t.c.Settings.Foreign
	}
	if t.menu.server != nil { // back from another server
		return false
	}
	up := it.isMenu() && below(t.menu.selector, it.selector)
	return below(it.selector, t.top.selector) && !up && !strings.Contains("/"+it.selector+"/", "/../")
}

// below reports whether a selector is that of dir, or a path below it.
func below(selector, dir string) bool {
	selector, dir = strings.Trim(selector, "/"), strings.Trim(dir, "/")
	rest, ok := strings.CutPrefix(selector, dir)
	return ok && (rest == "" || dir == "" || rest[0] == '/')
}

// fileName is the last component of the selector, else of the text for people.
func fileName(it *item, text string) string {
	for _, name := range []string{lastPart(it.selector), strings.TrimSpace(strings.ReplaceAll(text, "/", "-"))} {
		if name != "" && name != "." && name != ".." {
			return shortened(name)
		}
	}
	return "item"
}

// longestName leaves room for what is put after a name, in the 255 bytes that file
// systems take.
const longestName = 220

// shortened cuts a name that is too long; a sum of the whole keeps it apart.
func shortened(name string) string {
	if len(name) <= longestName {
		return name
	}
	sum := fnv.New32a()
	io.WriteString(sum, name)
	return fmt.Sprintf("%s~%08x", strings.ToValidUTF8(name[:longestName-9], ""), sum.Sum32())
}

// file makes a name unique in the folder; empty when the item is there already.
func (t *tree) file(name, path string) string {
	if t.placed[path] {
		return ""
	}
	t.placed[path] = true
	free := name
	for t.taken[free] > 0 {
		t.taken[name]++
		free = name + "~" + strconv.Itoa(t.taken[name])
	}
	t.taken[free] = 1
	return free
}
