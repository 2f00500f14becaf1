package cli

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer"
)

// readVerbs are cat, get, put and cp: one object at a time, by the transfer engine.
func readVerbs() []*verb {
	var g getter
	var p putter
	var k copier
	get := on[protocols.Getter]("get", "URL...", "save to files", nil)
	get.run = g.run
	put := on[protocols.Putter]("put", "FILE... URL", "store files, or standard input (-)", nil)
	put.run = p.run
	cp := &verb{name: "cp", args: "SRC DST", short: "copy from any URL or file to any other", run: k.run, has: readsOrWrites}
	return []*verb{
		on("cat", "URL...", "write the content to standard output", cat).
			eg("cat ftp://ftp.example.org/pub/README", "cat --range 0-99 ftp://ftp.example.org/pub/file.bin"),
		get.with(g.flags).eg("get ftp://ftp.example.org/pub/file.iso", "get --continue -o /data/ ftp://a/one ftp://a/two"),
		put.with(p.flags).eg("put site.zip ftp://user@host/www/", "tar c . | netclients put - ftp://user@host/backup.tar"),
		cp.with(k.flags).eg("cp ftp://a/file.iso ftp://user@b/pub/", "cp notes.txt ftp://user@host/notes.txt"),
	}
}

// readsOrWrites: one side of a copy is enough, the other may be another protocol.
func readsOrWrites(c protocols.Client) bool {
	return is[protocols.Getter](c) || is[protocols.Putter](c)
}

// keeping are the flags of what is kept and how, for verbs that store.
type keeping struct {
	resume, noTimes, noModes, verify bool
	durability                       choice
}

func (k *keeping) flags(fs *pflag.FlagSet) {
	k.durability = oneOf("group", "each", "group", "none")
	fs.BoolVarP(&k.resume, "continue", "c", false, "go on from what an earlier run left")
	fs.BoolVar(&k.noTimes, "no-times", false, "do not keep modification times")
	fs.BoolVar(&k.noModes, "no-modes", false, "do not keep permission bits")
	fs.BoolVar(&k.verify, "verify", false, "compare with the server's checksum")
	fs.Var(&k.durability, "durability", "force files to the disk: each one, in groups, or none")
}

var durabilities = map[string]transfer.Durability{
	"each": transfer.DurabilityEach, "group": transfer.DurabilityGroup, "none": transfer.DurabilityNone,
}

// transferOptions returns what the flags say about copying. k may be nil.
func transferOptions(e *env, k *keeping, bars *progress) transfer.Options {
	g := e.flags
	o := transfer.Options{
		Retries: g.retries.value, RetryWait: time.Duration(g.retryWait), MaxSize: int64(g.maxSize),
		Offset: g.span.first, Length: g.span.length(), Trace: e.opts.Trace,
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	if k != nil {
		o.Continue, o.NoTimes, o.NoModes, o.Durability = k.resume, k.noTimes, k.noModes, durabilities[k.durability.value]
		if k.verify {
			o.Verify = verifySum
		}
	}
	if bars != nil {
		o.Progress = barSet{bars}
	}
	return o
}

func cat(ctx context.Context, e *env, _ protocols.Getter, _ string, _ []string) error {
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	o := transferOptions(e, nil, nil)
	_, err = transfer.CopyTo(ctx, e.pooled(e.at), stdoutFile(w), &o)
	return e.out.copied(err)
}

// stdoutFile marks the errors of standard output as such. A file stays what it
// is, so that the kernel can move bytes into it.
func stdoutFile(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		return f
	}
	return writerFunc(func(b []byte) (int, error) {
		n, err := w.Write(b)
		return n, wrote(err)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// getter is the get verb with its flags.
type getter struct {
	keeping
	out                string
	parallel, segments count
	remote             bool // the server chooses the names

	mu    sync.Mutex
	taken map[string]string // files that are written, with the URL of each

	// What a protocol adds; nil: nothing.
	named  func(context.Context, *env, *protocols.Target) (string, error) // the name to save under, empty for the usual one
	settle func(transfer.Result, error) (transfer.Result, error)          // looks at what became of a URL
}

func (g *getter) flags(fs *pflag.FlagSet) {
	g.parallel, g.segments = count{4, 64}, count{1, 64}
	g.keeping.flags(fs)
	fs.StringVarP(&g.out, "output", "o", "", "`FILE` or folder to save to; - for standard output")
	fs.Var(&g.parallel, "parallel", "files at the same time")
	fs.Var(&g.segments, "segments", "connections for one large file")
}

func (g *getter) run(ctx context.Context, e *env, urls []string) error {
	if g.out == "-" {
		return on("get", "URL...", "", cat).run(ctx, e, urls)
	}
	wanted, err := g.wanted(e, urls)
	if err != nil {
		return err
	}
	if len(urls) > 1 && g.out != "" {
		if err := os.MkdirAll(g.out, 0o777); err != nil {
			return err
		}
	}
	job := e.newJob("get", g.parallel.value)
	defer job.close()
	o := transferOptions(e, &g.keeping, job.bars)
	o.Segments = g.segments.value
	if from, items := g.together(e, wanted); items != nil {
		return g.many(ctx, job, from, items, &o)
	}
	return job.each(ctx, urls, func(ctx context.Context, text string) (transfer.Result, error) {
		from, to, err := g.ends(ctx, e, text)
		if err != nil {
			return transfer.Result{}, err
		}
		r, err := transfer.Copy(ctx, e.pooled(from), e.endpoint(to), &o)
		if g.settle != nil {
			return g.settle(r, err)
		}
		return r, err
	})
}

// ends returns what a URL names and the file to save it to.
func (g *getter) ends(ctx context.Context, e *env, text string) (from, to *protocols.Target, err error) {
	if from, err = capable[protocols.Getter](e, "get", text); err != nil {
		return nil, nil, err
	}
	path, err := g.path(ctx, e, from)
	if err != nil {
		return nil, nil, err
	}
	to, err = e.file(path)
	return from, to, err
}

// path returns where an object is saved.
func (g *getter) path(ctx context.Context, e *env, t *protocols.Target) (string, error) {
	if g.out != "" && !isDir(g.out) && !strings.HasSuffix(g.out, "/") {
		return g.out, nil
	}
	name, err := "", error(nil)
	if g.named != nil {
		name, err = g.named(ctx, e, t)
	}
	if name == "" && err == nil {
		name, err = localName(t)
	}
	if err == nil && g.asks(t) {
		err = g.take(name, t)
	}
	return filepath.Join(g.out, name), err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Namer is implemented by clients whose names make poor file names, such as
// messages: it returns what get saves an object as.
type Namer interface{ SaveName(name string) string }

// localName returns the file name for what a URL points at, made safe.
func localName(t *protocols.Target) (string, error) { return nameBy(sample(t.Spec), t) }

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
		return "", usage("%s names a folder: sync takes all that is in it, -o FILE its own content", protocols.Redact(t.URL))
	}
	return file.SafeName(base)
}

// putter is the put verb with its flags.
type putter struct {
	keeping
	appendTo, unique, inPlace bool
	parallel                  count
}

func (p *putter) flags(fs *pflag.FlagSet) {
	p.parallel = count{4, 64}
	p.keeping.flags(fs)
	fs.BoolVarP(&p.appendTo, "append", "a", p.appendTo, "add to the end of what is there")
	fs.BoolVar(&p.unique, "unique", false, "let the server choose a free name")
	fs.BoolVar(&p.inPlace, "in-place", false, "write under the final name at once, without a temporary one")
	fs.Var(&p.parallel, "parallel", "files at the same time")
}

func (p *putter) run(ctx context.Context, e *env, args []string) error {
	files, dest := args[:len(args)-1], args[len(args)-1]
	to, err := capable[protocols.Putter](e, "put", dest)
	if err != nil {
		return err
	}
	if len(files) > 1 && !strings.HasSuffix(to.URL.Path, "/") {
		return usage("put: several files need a folder as their target: %s/", protocols.Redact(to.URL))
	}
	job := e.newJob("put", p.parallel.value)
	defer job.close()
	o := transferOptions(e, &p.keeping, job.bars)
	o.Append, o.Unique, o.InPlace = p.appendTo, p.unique, p.inPlace
	return job.each(ctx, files, func(ctx context.Context, path string) (transfer.Result, error) {
		if path == "-" {
			return putStream(ctx, e, to, &o)
		}
		from, err := e.file(path)
		if err != nil {
			return transfer.Result{}, err
		}
		dst, err := inside(e, to, filepath.Base(path))
		if err != nil {
			return transfer.Result{}, err
		}
		return transfer.Copy(ctx, e.endpoint(from), e.pooled(dst), &o)
	})
}

// namesFolder: a path that ends with a slash, or none at all.
func namesFolder(t *protocols.Target) bool {
	return t.URL.Path == "" || strings.HasSuffix(t.URL.Path, "/")
}

// inside returns the target of base in the folder t, or t itself when it is none.
func inside(e *env, t *protocols.Target, base string) (*protocols.Target, error) {
	if !namesFolder(t) {
		return t, nil
	}
	u := t.URL.JoinPath(url.PathEscape(base))
	return e.reg.Target(u, "")
}

// putStream stores standard input, which can be read once only.
func putStream(ctx context.Context, e *env, t *protocols.Target, o *transfer.Options) (transfer.Result, error) {
	r := transfer.Result{Protocol: t.Spec.Name, Source: "-", Destination: protocols.Redact(t.URL)}
	c, err := e.dial(t)
	if err != nil {
		return r, err
	}
	defer c.Close()
	start := time.Now()
	in := &counted{r: e.stdin, most: o.MaxSize}
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
		return n, usage("standard input is larger than --max-size")
	}
	return n, err
}

// copier is the cp verb with its flags.
type copier struct{ keeping }

func (k *copier) run(ctx context.Context, e *env, args []string) error {
	switch {
	case args[0] == "-":
		return (&putter{keeping: k.keeping}).run(ctx, e, args)
	case args[1] == "-":
		return on("cp", "SRC DST", "", cat).run(ctx, e, args[:1])
	}
	from, to, err := e.pair(args)
	if err != nil {
		return err
	}
	job := e.newJob("cp", 1)
	defer job.close()
	o := transferOptions(e, &k.keeping, job.bars)
	return job.each(ctx, args[:1], func(ctx context.Context, _ string) (transfer.Result, error) {
		dst, err := into(e, from, to)
		if err != nil {
			return transfer.Result{}, err
		}
		if r, done, err := relay(ctx, e, from, dst, &o); done {
			return r, err
		}
		return transfer.Copy(ctx, e.endpoint(from), e.endpoint(dst), &o)
	})
}

// relay has two servers copy between themselves, where their protocol has that
// and nothing was asked that only we can do. done is false when they cannot.
func relay(ctx context.Context, e *env, from, to *protocols.Target, o *transfer.Options) (r transfer.Result, done bool, err error) {
	if from.Spec != to.Spec || !is[protocols.Relayer](sample(from.Spec)) || e.flags.span.set || o.Continue || o.MaxSize > 0 {
		return r, false, nil
	}
	src, err := e.dial(from)
	if err != nil {
		return r, true, err
	}
	defer src.Close()
	dst, err := e.dial(to)
	if err != nil {
		return r, true, err
	}
	defer dst.Close()
	start := time.Now()
	err = protocols.Relay(ctx, src, from.Name, dst, to.Name)
	if errors.Is(err, errors.ErrUnsupported) {
		e.out.detail("the servers cannot copy between themselves, so it goes through here")
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
func into(e *env, from, to *protocols.Target) (*protocols.Target, error) {
	local := to.URL.Host == "" && isDir(to.URL.Path)
	if !local && !namesFolder(to) {
		return to, nil
	}
	name, err := localName(from)
	if err != nil {
		return nil, err
	}
	return e.reg.Target(to.URL.JoinPath(url.PathEscape(name)), "")
}
