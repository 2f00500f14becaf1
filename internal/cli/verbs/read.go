package verbs

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer"
)

// ReadVerbs are cat, get, put and cp: one object at a time, by the transfer engine.
func ReadVerbs() []*kit.Verb {
	var g Getter
	var p Putter
	var k Copier
	return []*kit.Verb{
		{
			Name: "cat", Args: "URL...", Short: "write the content to standard output", Generic: true,
			Works: kit.Is[protocols.Getter], Run: kit.Each(Cat),
			Examples: []string{
				"cat ftp://ftp.example.org/pub/README",
				"cat --range 0-99 ftp://ftp.example.org/pub/file.bin",
			},
		},
		{
			Name: "get", Args: "URL...", Short: "save to files", Generic: true, Aliases: []string{"download"},
			Works: kit.Is[protocols.Getter], Flags: g.Flags, Run: g.Run,
			Examples: []string{"get ftp://ftp.example.org/pub/file.iso", "get --continue -o /data/ ftp://a/one ftp://a/two"},
		},
		{
			Name: "put", Args: "FILE... URL", Short: "store files, or standard input (-)", Generic: true, Aliases: []string{"upload"},
			Works: kit.Is[protocols.Putter], Flags: p.Flags, Run: p.Run,
			Examples: []string{"put site.zip ftp://user@host/www/", "tar c . | netclients put - ftp://user@host/backup.tar"},
		},
		{
			Name: "cp", Args: "SRC DST", Short: "copy from any URL or file to any other", Generic: true, Aliases: []string{"copy"},
			Works: readsOrWrites, Flags: k.Flags, Run: k.Run,
			Examples: []string{"cp ftp://a/file.iso ftp://user@b/pub/", "cp notes.txt ftp://user@host/notes.txt"},
		},
	}
}

// readsOrWrites: one side of a copy is enough, the other may be another protocol.
func readsOrWrites(c protocols.Client) bool {
	return kit.Is[protocols.Getter](c) || kit.Is[protocols.Putter](c)
}

// keeping are the flags of what is kept and how, for verbs that store.
type keeping struct {
	Resume, noTimes, noModes, verify bool
	noClobber                        bool
	durability                       kit.Choice
}

// Flags adds the flags of all that saves.
func (k *keeping) Flags(fs *pflag.FlagSet) {
	k.durability = kit.OneOf("group", "each", "group", "none")
	fs.BoolVarP(&k.Resume, "continue", "c", false, "resume a partial transfer")
	fs.BoolVar(&k.noTimes, "no-times", false, "do not preserve modification times")
	fs.BoolVar(&k.noModes, "no-modes", false, "do not preserve permission bits")
	fs.BoolVar(&k.verify, "verify", false, "compare with the server's checksum")
	fs.BoolVar(&k.noClobber, "no-clobber", false, "leave files that are there already as they are")
	fs.Var(&k.durability, "durability", "sync files to disk: each, in groups, or none")
}

var durabilities = map[string]transfer.Durability{
	"each": transfer.DurabilityEach, "group": transfer.DurabilityGroup, "none": transfer.DurabilityNone,
}

// transferOptions returns what the flags say about copying. k may be nil.
func transferOptions(e *kit.Env, k *keeping, bars *show.Progress) transfer.Options {
	g := e.Flags
	o := transfer.Options{
		Retries: g.Retries.Value, RetryWait: time.Duration(g.RetryWait), MaxSize: int64(g.MaxSize),
		Offset: g.Span.First, Length: g.Span.Length(), Last: g.Span.Tail, Trace: e.Opts.Trace, Warn: e.WarnOnce,
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	if k != nil {
		o.Continue, o.NoTimes, o.NoModes, o.Durability = k.Resume, k.noTimes, k.noModes, durabilities[k.durability.Value]
		o.KeepOld = k.noClobber
		if k.verify {
			o.Verify = verifySum
		}
	}
	if bars != nil {
		o.Progress = kit.BarSet{Progress: bars}
	}
	return o
}

// Cat writes the content of a target to standard output.
func Cat(ctx context.Context, e *kit.Env, _ protocols.Client, at *protocols.Target, _ []string) error {
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	o := transferOptions(e, nil, nil)
	_, err = transfer.CopyTo(ctx, e.Pooled(at), StdoutFile(w), &o)
	if other, ok := elsewhere(e, err); ok {
		_, err = transfer.CopyTo(ctx, other, StdoutFile(w), &o)
	}
	return e.Out.Copied(err)
}

// StdoutFile marks the errors of standard output as such. A file stays what it
// is, so that the kernel can move bytes into it.
func StdoutFile(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		return f
	}
	return WriterFunc(func(b []byte) (int, error) {
		n, err := w.Write(b)
		return n, show.Wrote(err)
	})
}

// WriterFunc is a function as a writer.
type WriterFunc func([]byte) (int, error)

func (f WriterFunc) Write(b []byte) (int, error) { return f(b) }

// Getter is the get verb with its flags.
type Getter struct {
	copying
	Out                string
	Parallel, segments kit.Count
	sum                digest

	mu    sync.Mutex
	taken map[string]string // files that are written, with the URL of each

	// What a protocol adds; nil: nothing.
	Asks   func(*protocols.Target) bool                                       // whether the server chooses the name
	Named  func(context.Context, *kit.Env, *protocols.Target) (string, error) // the name to save under, empty for the usual one
	Settle func(transfer.Result, error) (transfer.Result, error)              // looks at what became of a URL
}

// Flags adds the flags of get.
func (g *Getter) Flags(fs *pflag.FlagSet) {
	g.Parallel, g.segments = kit.NewCount(4, 64), kit.NewCount(1, 64)
	g.copying.Flags(fs)
	fs.StringVarP(&g.Out, "output", "o", "", "`FILE` or folder to save to; - for standard output")
	fs.Var(&g.Parallel, "parallel", "number of files to transfer in parallel")
	fs.Var(&g.segments, "segments", "number of connections for one large file")
	fs.Var(&g.sum, "checksum", "save the file only when it has this checksum, such as sha-256=SUM in hex or base64")
}

// Run saves each URL to a file.
func (g *Getter) Run(ctx context.Context, e *kit.Env, urls []string) error {
	if err := cmp.Or(misplaced(e, urls), g.sum.usable(e, g, urls)); err != nil {
		return err
	}
	if g.Out == "-" {
		return kit.Each(Cat)(ctx, e, urls)
	}
	wanted, err := g.wanted(e, urls)
	if err != nil {
		return err
	}
	if g.Out != "" && !g.dry && (len(urls) > 1 || strings.HasSuffix(g.Out, "/")) {
		if err := os.MkdirAll(g.Out, 0o777); err != nil {
			return err
		}
	}
	job := e.NewJob("get", g.Parallel.Value)
	defer job.Close()
	job.Stops = unwritable
	o := transferOptions(e, &g.keeping, job.Bars)
	o.Segments, o.Verify = g.segments.Value, g.sum.with(o.Verify)
	if g.recursive {
		return g.trees(ctx, job, urls, g.treeEnds)
	}
	if from, items := g.together(e, wanted); items != nil {
		return g.many(ctx, job, from, items, &o)
	}
	return job.Each(ctx, urls, func(ctx context.Context, text string) (transfer.Result, error) {
		from, to, err := g.ends(ctx, e, text)
		if err != nil {
			return transfer.Result{}, err
		}
		if g.dry {
			return plan(ctx, e, from, to, &o)
		}
		r, err := fetch(ctx, e, e.Pooled(from), e.Endpoint(to), &o)
		if err == nil && r.Status == transfer.StatusSkipped {
			err = g.checkThere(ctx, e, to)
		}
		if g.Settle != nil {
			return g.Settle(r, err)
		}
		return r, err
	})
}

// checkThere compares a file that was there already with the checksum that it must have.
func (g *Getter) checkThere(ctx context.Context, e *kit.Env, at *protocols.Target) error {
	if !g.sum.given() {
		return nil
	}
	c, err := e.Dial(at)
	if err != nil {
		return err
	}
	defer c.Close()
	obj, err := protocols.Get(ctx, c, at.Name, nil)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	return g.sum.check(obj.Body)
}

// ends returns what a URL names and the file to save it to.
func (g *Getter) ends(ctx context.Context, e *kit.Env, text string) (from, to *protocols.Target, err error) {
	if from, err = e.Capable(text); err != nil {
		return nil, nil, err
	}
	path, err := g.path(ctx, e, from)
	if err != nil {
		return nil, nil, err
	}
	to, err = e.File(path)
	return from, to, err
}

// path returns where an object is saved.
func (g *Getter) path(ctx context.Context, e *kit.Env, t *protocols.Target) (string, error) {
	if g.Out != "" && !isDir(g.Out) && !strings.HasSuffix(g.Out, "/") {
		return g.Out, nil
	}
	name, err := "", error(nil)
	if g.Named != nil && !g.dry {
		name, err = g.Named(ctx, e, t)
	}
	if name == "" && err == nil {
		name, err = localName(t)
	}
	if err == nil && g.asks(t) {
		err = g.take(name, t)
	}
	return filepath.Join(g.Out, name), err
}

// unwritable: the folder that is saved to does not let files be made, for any URL.
func unwritable(err error) bool {
	return protocols.KindOf(err) == protocols.KindLocal && errors.Is(err, fs.ErrPermission)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Namer is implemented by clients whose names make poor file names, such as
// messages: it returns what get saves an object as.
type Namer interface{ SaveName(name string) string }

// localName returns the file name for what a URL points at, made safe.
func localName(t *protocols.Target) (string, error) { return nameBy(kit.Sample(t.Spec), t) }

// nameBy is localName, with any client for such a URL.
func nameBy(c protocols.Client, t *protocols.Target) (string, error) {
	if n, ok := protocols.As[Namer](c); ok {
		return file.SafeName(n.SaveName(t.Name))
	}
	base := t.Name
	if t.URL.Host == "" {
		base = t.URL.Path
	}
	base = base[strings.LastIndexByte(base, '/')+1:]
	if base == "" {
		return "", kit.Usage("%s names a folder: sync takes all that is in it, -o FILE its own content", protocols.Redact(t.URL))
	}
	return file.SafeName(base)
}

// Putter is the put verb with its flags.
type Putter struct {
	copying
	AppendTo, unique, inPlace bool
	parallel                  kit.Count
}

// Flags adds the flags of put.
func (p *Putter) Flags(fs *pflag.FlagSet) {
	p.parallel = kit.NewCount(4, 64)
	p.copying.Flags(fs)
	fs.BoolVarP(&p.AppendTo, "append", "a", p.AppendTo, "append to the existing file")
	fs.BoolVar(&p.unique, "unique", false, "let the server choose an unused name")
	fs.BoolVar(&p.inPlace, "in-place", false, "write to the final name directly, without a temporary file")
	fs.Var(&p.parallel, "parallel", "number of files to transfer in parallel")
}

// Run stores files at the URL that is the last argument.
func (p *Putter) Run(ctx context.Context, e *kit.Env, args []string) error {
	files, dest := args[:len(args)-1], args[len(args)-1]
	to, err := e.Capable(dest)
	if err != nil {
		return err
	}
	if len(files) > 1 && !strings.HasSuffix(to.URL.Path, "/") {
		return kit.Usage("put: several files need a folder as their target: %s/", protocols.Redact(to.URL))
	}
	job := e.NewJob("put", p.parallel.Value)
	defer job.Close()
	o := transferOptions(e, &p.keeping, job.Bars)
	o.Append, o.Unique, o.InPlace = p.AppendTo, p.unique, p.inPlace
	if p.recursive {
		return p.trees(ctx, job, files, p.treeEnds(to))
	}
	return job.Each(ctx, files, func(ctx context.Context, path string) (transfer.Result, error) {
		if path == "-" && p.dry {
			return plan(ctx, e, nil, to, &o)
		}
		if path == "-" {
			return putStream(ctx, e, to, &o)
		}
		from, err := e.File(path)
		if err != nil {
			return transfer.Result{}, err
		}
		dst, err := inside(e, to, filepath.Base(path))
		if err != nil {
			return transfer.Result{}, err
		}
		if p.dry {
			return plan(ctx, e, from, dst, &o)
		}
		return transfer.Copy(ctx, e.Endpoint(from), e.Pooled(dst), &o)
	})
}

// namesFolder: a path that ends with a slash, or none at all.
func namesFolder(t *protocols.Target) bool {
	return t.URL.Path == "" || strings.HasSuffix(t.URL.Path, "/")
}

// inside returns the target of base in the folder t, or t itself when it is none.
func inside(e *kit.Env, t *protocols.Target, base string) (*protocols.Target, error) {
	if !namesFolder(t) {
		return t, nil
	}
	u := t.URL.JoinPath(url.PathEscape(base))
	return e.Reg.Target(u, "")
}

// putStream stores standard input, which can be read once only.
func putStream(ctx context.Context, e *kit.Env, t *protocols.Target, o *transfer.Options) (transfer.Result, error) {
	r := transfer.Result{Protocol: t.Spec.Name, Source: "-", Destination: protocols.Redact(t.URL)}
	c, err := e.Dial(t)
	if err != nil {
		return r, err
	}
	defer c.Close()
	if o.KeepOld && !o.Append && !o.Unique {
		if there, err := protocols.Stat(ctx, c, t.Name); err == nil && there.Type == protocols.TypeFile {
			r.Status = transfer.StatusSkipped
			return r, nil
		}
	}
	start := time.Now()
	in := &counted{r: e.Stdin, most: o.MaxSize}
	entry, err := protocols.Put(ctx, c, t.Name, in, &protocols.PutOptions{Size: -1, Append: o.Append, Unique: o.Unique, InPlace: o.InPlace})
	r.Bytes, r.Took, r.Status, r.Err = in.n, time.Since(start), transfer.StatusDone, err
	if err != nil {
		r.Status = transfer.StatusFailed
	} else if entry.URL != "" {
		r.Destination = entry.URL
	}
	return r, err
}

// counted counts what is read, up to a limit.
type counted struct {
	r       io.Reader
	n, most int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.most > 0 && c.n > c.most {
		return n, kit.Usage("standard input is larger than --max-size")
	}
	return n, err
}

// Copier is the cp verb with its flags.
type Copier struct{ copying }

// Run copies from the first argument to the second.
func (k *Copier) Run(ctx context.Context, e *kit.Env, args []string) error {
	switch {
	case args[0] == "-":
		return (&Putter{copying: k.copying}).Run(ctx, e, args)
	case args[1] == "-":
		return kit.Each(Cat)(ctx, e, args[:1])
	}
	from, to, err := e.Pair(args)
	if err != nil {
		return err
	}
	job := e.NewJob("cp", 1)
	defer job.Close()
	o := transferOptions(e, &k.keeping, job.Bars)
	if k.recursive {
		return k.trees(ctx, job, args[:1], func(ctx context.Context, e *kit.Env, _ string) (pair, error) { return below(ctx, e, from, to) })
	}
	return job.Each(ctx, args[:1], func(ctx context.Context, _ string) (transfer.Result, error) {
		dst, err := into(e, from, to)
		if err != nil {
			return transfer.Result{}, err
		}
		if k.dry {
			return plan(ctx, e, from, dst, &o)
		}
		if r, done, err := relay(ctx, e, from, dst, &o); done {
			return r, err
		}
		return copyFile(ctx, e, from, dst, &o)
	})
}

// relay has two servers copy between themselves, where their protocol has that
// and nothing was asked that only we can do. done is false when they cannot.
func relay(ctx context.Context, e *kit.Env, from, to *protocols.Target, o *transfer.Options) (r transfer.Result, done bool, err error) {
	if from.Spec != to.Spec || !kit.Is[protocols.Relayer](kit.Sample(from.Spec)) || e.Flags.Span.Given || o.Continue || o.KeepOld || o.MaxSize > 0 {
		return r, false, nil
	}
	src, err := e.Dial(from)
	if err != nil {
		return r, true, err
	}
	defer src.Close()
	dst, err := e.Dial(to)
	if err != nil {
		return r, true, err
	}
	defer dst.Close()
	start := time.Now()
	err = protocols.Relay(ctx, src, from.Name, dst, to.Name)
	if errors.Is(err, errors.ErrUnsupported) {
		e.Out.Detail("the servers cannot copy between themselves, so it goes through here")
		return r, false, nil
	}
	r = transfer.Result{
		Protocol: from.Spec.Name, Source: protocols.Redact(from.URL), Destination: protocols.Redact(to.URL),
		Took: time.Since(start), Status: transfer.StatusDone, Note: "from server to server", Err: err,
	}
	if err != nil {
		r.Status = transfer.StatusFailed
	} else if at, err := protocols.Stat(ctx, dst, to.Name); err == nil {
		r.Bytes = max(at.Size, 0)
	}
	return r, true, err
}

// into returns the destination of a copy: inside of to when that is a folder.
func into(e *kit.Env, from, to *protocols.Target) (*protocols.Target, error) {
	local := to.URL.Host == "" && isDir(to.URL.Path)
	if !local && !namesFolder(to) {
		return to, nil
	}
	name, err := localName(from)
	if err != nil {
		return nil, err
	}
	return e.Reg.Target(to.URL.JoinPath(url.PathEscape(name)), "")
}

// misplaced is the error for a destination among the URLs, as cp has it.
func misplaced(e *kit.Env, urls []string) error {
	if len(urls) < 2 {
		return nil
	}
	last := urls[len(urls)-1]
	if e.Proto == "" && kit.HasScheme(urls[0]) && !kit.HasScheme(last) && !strings.HasSuffix(last, ".nzb") {
		return kit.Usage("get: %s is not a URL; to save there: netclients get -o %s URL", last, last)
	}
	return nil
}
