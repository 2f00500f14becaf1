package verbs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// ChangeVerbs are those that delete, rename and make.
func ChangeVerbs() []*kit.Verb {
	var r remover
	var m mover
	var parents bool
	return []*kit.Verb{
		{
			Name: "rm", Args: "URL...", Short: "delete files or messages", Generic: true, Aliases: []string{"delete", "del"},
			Works: kit.Is[protocols.Remover], Flags: func(fs *pflag.FlagSet) {
				fs.BoolVarP(&r.recursive, "recursive", "r", false, "delete directories and their contents")
				fs.BoolVarP(&r.yes, "yes", "y", false, "do not ask")
				fs.BoolVarP(&r.force, "force", "f", false, "ignore missing files; do not ask")
				DryRunFlag(fs, &r.dry)
			}, Run: kit.Each(r.run),
			Examples: []string{
				"rm ftp://user@host/old.txt",
				"rm -r --yes ftp://user@host/old/",
				"rm -r --dry-run ftp://user@host/old/",
			},
		},
		{
			Name: "mv", Args: "URL NEW", Short: "rename; NEW is a URL, or a path as seen from the folder of URL", Generic: true, Aliases: []string{"move", "rename"},
			Works: kit.Is[protocols.Mover], Flags: func(fs *pflag.FlagSet) { DryRunFlag(fs, &m.dry) }, Run: kit.On(m.run),
			Examples: []string{
				"mv ftp://user@host/pub/a.txt b.txt",
				"mv ftp://user@host/pub/a.txt ftp://user@host/old/a.txt",
			},
		},
		{
			Name: "mkdir", Args: "URL...", Short: "make folders or mailboxes", Generic: true,
			Works: kit.Is[protocols.Maker], Flags: func(fs *pflag.FlagSet) {
				fs.BoolVarP(&parents, "parents", "p", false, "make parent directories as needed; no error if it exists")
			}, Run: kit.Each(func(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
				return makeFolder(ctx, e, c, at, parents)
			}),
			Examples: []string{"mkdir -p ftp://user@host/a/b/c"},
		},
		{
			Name: "rmdir", Args: "URL...", Short: "remove empty folders or mailboxes", Generic: true,
			Works: kit.Is[protocols.Maker], Run: kit.Each(func(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
				return Changed(e, "removed", at.Name, protocols.Unmake(ctx, c, at.Name))
			}),
			Examples: []string{"rmdir ftp://user@host/old"},
		},
	}
}

// Changed reports a change that was made; it returns its error.
func Changed(e *kit.Env, what, name string, err error) error {
	if err == nil {
		e.Out.Detail(what + " " + name)
	}
	return err
}

// DryRunFlag adds --dry-run.
func DryRunFlag(fs *pflag.FlagSet, dry *bool) {
	fs.BoolVarP(dry, "dry-run", "n", false, "change nothing; print what would be done")
}

// changer makes changes, or only reports them.
type changer struct{ dry bool }

// plannedJSON is a change that would be made.
type plannedJSON struct {
	Protocol string `json:"protocol"`
	Status   string `json:"status"`
	Would    string `json:"would"` // delete, move
	Path     string `json:"path"`
	To       string `json:"to,omitempty"`
}

// change makes a change of what p names, and reports it as done.
func (c *changer) change(e *kit.Env, at *protocols.Target, p plannedJSON, done string, do func() error) error {
	text := p.Path
	if p.To != "" {
		text += " to " + p.To
	}
	if !c.dry {
		return Changed(e, done, text, do())
	}
	p.Protocol, p.Status = at.Spec.Name, string(transfer.StatusPlanned)
	return e.Out.Record(p, func() string { return show.Safe("would " + p.Would + " " + text) })
}

// remover is the rm verb with its flags.
type remover struct {
	changer
	recursive, yes, force bool
}

func (r *remover) run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
	if at.Name == "" && at.URL.Host != "" {
		return protocols.UsageError("", "", "refused: the URL names the whole server")
	}
	if !r.yes && !r.force && !r.dry {
		if ok, err := Confirm(ctx, e, "delete "+protocols.Redact(at.URL)+"?"); !ok {
			return err
		}
	}
	err := r.remove(ctx, e, c, at)
	if r.force && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (r *remover) remove(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target) error {
	if !r.recursive || !kit.Is[protocols.Maker](c) || !kit.Is[protocols.Lister](c) {
		return r.delete(ctx, e, c, at, at.Name)
	}
	found, err := protocols.Stat(ctx, c, strings.TrimSuffix(at.Name, "/"))
	if err != nil {
		return err
	}
	if found.Type != protocols.TypeDir {
		return r.delete(ctx, e, c, at, at.Name)
	}
	t := &treeRemover{r, e, at, c}
	return t.remove(ctx, at.Name, 0)
}

func (r *remover) delete(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, name string) error {
	err := r.change(e, at, plannedJSON{Would: "delete", Path: name}, "deleted", func() error { return protocols.Remove(ctx, c, name) })
	if no, ok := errors.AsType[*protocols.Error](err); ok && !r.recursive && no.Kind == protocols.KindRefused && no.Hint == "" && kit.Is[protocols.Maker](c) {
		if found, serr := protocols.Stat(ctx, c, strings.TrimSuffix(name, "/")); serr == nil && isFolder(&found) {
			return &protocols.Error{Kind: no.Kind, Code: no.Code, Text: "this is a folder", Hint: "rm -r deletes it with all that is in it; rmdir an empty one"}
		}
	}
	return err
}

// treeRemover removes folders with all that is in them.
type treeRemover struct {
	*remover
	e  *kit.Env
	at *protocols.Target
	c  protocols.Client
}

// remove deletes what is in a folder, then the folder. A line of a listing that was
// not understood stops it before the folder it stands in.
func (r *treeRemover) remove(ctx context.Context, name string, depth int) error {
	if depth > maxTree {
		return tooDeep()
	}
	for {
		inside, more, err := contents(ctx, r.c, name)
		if err != nil {
			return err
		}
		for _, item := range inside {
			if item.folder {
				err = r.remove(ctx, item.path, depth+1)
			} else {
				err = r.delete(ctx, r.e, r.c, r.at, item.path)
			}
			if err != nil {
				return err
			}
		}
		if more && r.dry { // the listing would begin with the same names again
			r.e.Out.Say("... and more in " + name)
		}
		if !more || r.dry {
			break
		}
	}
	return r.change(r.e, r.at, plannedJSON{Would: "delete", Path: name}, "removed", func() error { return protocols.Unmake(ctx, r.c, name) })
}

// heldRemoved is how many names of a folder are held at once; a larger folder is
// listed again when those are gone.
const heldRemoved = 50_000

// item is one entry of a folder that is being removed.
type item struct {
	path   string
	folder bool
}

// contents lists a folder for removal, and whether there is more in it. A listing
// that cannot be trusted stops the removal: a line that was not understood, and a
// name that leads elsewhere.
func contents(ctx context.Context, client protocols.Client, name string) (inside []item, more bool, err error) {
	for entry, err := range protocols.List(ctx, client, name) {
		switch {
		case err != nil:
			return nil, false, err
		case entry.Name == "." || entry.Name == "..":
		case !entry.Parsed() || strings.ContainsAny(entry.Name, "/\x00"):
			return nil, false, &protocols.Error{Kind: protocols.KindProtocol, Sentinel: protocols.ErrIncomplete,
				Text: "nothing deleted in " + name + ": the listing holds " + strconv.Quote(entry.Raw+entry.Name)}
		case len(inside) == heldRemoved:
			return inside, true, nil
		default:
			inside = append(inside, item{entry.Path, entry.Type == protocols.TypeDir})
		}
	}
	return inside, false, nil
}

// maxTree bounds how deep folders are followed where nobody says how deep.
const maxTree = 100

func tooDeep() error {
	return &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("folders nested deeper than %d", maxTree)}
}

// Confirm asks on a terminal; without one the answer is yes, for scripts.
func Confirm(ctx context.Context, e *kit.Env, question string) (bool, error) {
	if e.Ask != nil {
		return e.Ask(ctx, question)
	}
	if !show.IsTerminal(e.Stdin) {
		return true, nil
	}
	_ = e.Out.Flush()
	fmt.Fprintf(e.Out.Words, "%s [y/N] ", show.Safe(question))
	answer := make(chan string, 1)
	go func() { // ends with the process, or with the line the user types
		line, _ := bufio.NewReader(e.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case line := <-answer:
		word := strings.ToLower(strings.TrimSpace(line))
		if word != "y" && word != "yes" {
			e.Out.Say("not deleted")
			return false, nil
		}
		return true, nil
	}
}

// mover is the mv verb with its flags.
type mover struct{ changer }

func (m *mover) run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	to, err := Beside(e, at, args[0])
	if err != nil {
		return err
	}
	return m.change(e, at, plannedJSON{Would: "move", Path: at.Name, To: to}, "moved", func() error { return protocols.Move(ctx, c, at.Name, to) })
}

// Beside reads an argument that names something at the server of at: a URL, the same without scheme where the command line named the
// protocol, or a path as seen from the target's folder.
func Beside(e *kit.Env, at *protocols.Target, text string) (string, error) {
	bare := e.Proto != "" && strings.HasPrefix(text, at.URL.Host+"/") && at.URL.Host != ""
	if !kit.HasScheme(text) && !bare {
		ref := at.URL.ResolveReference(&url.URL{Path: text})
		ref.User = at.URL.User
		t, err := e.Reg.Target(ref, "")
		if err != nil {
			return "", err
		}
		return t.Name, nil
	}
	t, err := e.Target(text)
	if err != nil {
		return "", err
	}
	if t.Spec != at.Spec || !strings.EqualFold(t.URL.Host, at.URL.Host) {
		return "", kit.Usage("%s and %s are at different servers; cp and rm can do that", protocols.Redact(at.URL), protocols.Redact(t.URL))
	}
	return t.Name, nil
}

func makeFolder(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, parents bool) error {
	name := strings.TrimSuffix(at.Name, "/")
	if !parents {
		return Changed(e, "made", name, protocols.Make(ctx, c, name))
	}
	return makeFolders(ctx, e, c, name)
}

// makeFolders makes a folder, and those above it that are missing.
func makeFolders(ctx context.Context, e *kit.Env, c protocols.Client, name string) error {
	err := protocols.Make(ctx, c, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return Changed(e, "made", name, nil)
	}
	above := path.Dir(name)
	if above == "." || above == "/" || above == name {
		return existing(ctx, c, name, err)
	}
	if e := makeFolders(ctx, e, c, above); e != nil {
		return e
	}
	if err = protocols.Make(ctx, c, name); errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return existing(ctx, c, name, err)
}

// existing forgives a refusal to make a folder that is there: many servers do
// not say why they refuse.
func existing(ctx context.Context, client protocols.Client, name string, refusal error) error {
	if refusal == nil {
		return nil
	}
	at, err := protocols.Stat(ctx, client, name)
	if err == nil && at.Type == protocols.TypeDir {
		return nil
	}
	return refusal
}
