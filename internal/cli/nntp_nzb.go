package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
)

// nntpGetter is get for ranges of articles and for NZB files too.
type nntpGetter struct {
	getter
	decode bool
}

func nntpGet() *verb {
	g := &nntpGetter{}
	v := on[protocols.Getter]("get", "URL...", "save articles to files; with a local file.nzb, the files that it names", nil)
	v.run = g.run
	v.with(func(fs *pflag.FlagSet) {
		g.flags(fs)
		fs.BoolVar(&g.decode, "decode", false, "save the files that the articles hold (yEnc, uuencode), parts joined")
	})
	return as[*nntp.Client]("get", v).eg("nntp get news.example.org/comp.lang.go/57-59 -o articles/",
		"nntp get news.example.org file.nzb -o DIR", "nntp get --decode news.example.org/alt.binaries.test/100-120 -o DIR", "nntp get --fill nntps://other.example.org file.nzb -o DIR")
}

func (g *nntpGetter) run(ctx context.Context, e *env, args []string) error {
	var urls, nzbs []string
	for _, a := range args {
		if _, err := os.Stat(a); err == nil && strings.EqualFold(filepath.Ext(a), ".nzb") {
			nzbs = append(nzbs, a)
		} else {
			urls = append(urls, a)
		}
	}
	if len(nzbs) > 0 {
		return g.nzb(ctx, e, urls, nzbs)
	}
	if g.decode {
		return g.decodeAll(ctx, e, urls)
	}
	all, err := expandArticles(ctx, e, urls)
	if err != nil {
		return err
	}
	return g.getter.run(ctx, e, all)
}

// expandArticles puts the articles of a range in the place of its URL.
func expandArticles(ctx context.Context, e *env, urls []string) ([]string, error) {
	var all []string
	for _, text := range urls {
		t, err := e.target(text)
		if err != nil {
			return nil, err
		}
		if t.Spec.Name != "nntp" || !nntp.IsRange(t.Name) {
			all = append(all, text)
			continue
		}
		c, err := e.client(t)
		if err != nil {
			return nil, err
		}
		client, _ := protocols.As[*nntp.Client](c)
		names, err := client.Articles(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		base := *t.URL
		for name := range names {
			base.Path, base.RawPath = "/"+name, ""
			all = append(all, base.String())
		}
	}
	return all, nil
}

// nzb fetches the files that NZB files name, into a folder. Servers are those
// named beside, the first of which is asked first; without any it is NNTPSERVER.
func (g *nntpGetter) nzb(ctx context.Context, e *env, servers, nzbs []string) error {
	if len(servers) == 0 {
		servers = []string{"news:*"}
	}
	f := &nntp.Fetch{Max: int64(e.flags.maxSize)}
	for range g.parallel.value {
		c, err := nzbClient(e, servers)
		if err != nil {
			return err
		}
		defer c.Close()
		f.Clients = append(f.Clients, c)
	}
	files, err := readNZBs(nzbs)
	if err != nil {
		return err
	}
	job := e.newJob("get", 1)
	defer job.close()
	var items []string
	for i := range files {
		items = append(items, strconv.Itoa(i))
	}
	return job.each(ctx, items, func(ctx context.Context, item string) (transfer.Result, error) {
		i, _ := strconv.Atoi(item)
		return fetchNZB(ctx, f, &files[i], g.out)
	})
}

// nzbClient makes a client of the first server, with the others to fill in.
func nzbClient(e *env, servers []string) (*nntp.Client, error) {
	var first *nntp.Client
	for _, text := range servers {
		t, err := e.target(text)
		if err != nil {
			return nil, err
		}
		c, err := e.dial(t)
		if err != nil {
			return nil, err
		}
		client, ok := protocols.As[*nntp.Client](c)
		if !ok {
			return nil, usage("%s is no news server", protocols.Redact(t.URL))
		}
		if first == nil {
			first = client
			continue
		}
		e.give("fill of "+strconv.Itoa(len(servers)), client) // closed at the end
		first.Fill = append(first.Fill, client)
	}
	return first, nil
}

func readNZBs(paths []string) (files []nntp.NZBFile, err error) {
	for _, path := range paths {
		in, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		more, err := nntp.ParseNZB(in)
		in.Close()
		if err != nil {
			return nil, protocols.Wrap(err, "", "get", path)
		}
		files = append(files, more...)
	}
	if len(files) == 0 {
		return nil, usage("the NZB names no files")
	}
	return files, nil
}

// nzbSink is the file that parts are written into: under a temporary name until
// it is whole.
type nzbSink struct {
	dir, path string
	f         *os.File
}

// create opens the temporary file when the name is known, made safe.
func (s *nzbSink) create(name string) (io.WriterAt, error) {
	name, err := file.SafeName(filepath.Base(strings.ReplaceAll(name, `\`, "/")))
	if err != nil {
		return nil, err
	}
	s.path = filepath.Join(s.dir, name)
	s.f, err = os.OpenFile(s.path+protocols.PartSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	return s.f, err
}

// finish gives the file its name, when it is whole.
func (s *nzbSink) finish(whole bool) error {
	if s.f == nil {
		return nil
	}
	err := s.f.Sync()
	err = errors.Join(err, s.f.Close())
	if err != nil || !whole {
		return err
	}
	return os.Rename(s.path+protocols.PartSuffix, s.path)
}

func fetchNZB(ctx context.Context, f *nntp.Fetch, wanted *nntp.NZBFile, dir string) (transfer.Result, error) {
	r := transfer.Result{Protocol: "nntp", Source: wanted.Subject, Status: transfer.StatusFailed}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return r, err
		}
	}
	sink := &nzbSink{dir: dir}
	one := *f
	one.Create = sink.create
	start := time.Now()
	done, err := one.File(ctx, wanted)
	if err == nil && len(done.Missing) > 0 {
		err = missingParts(done, len(wanted.Segments))
	}
	if bad := sink.finish(err == nil); err == nil {
		err = bad
	}
	r.Took, r.Bytes, r.Err, r.Destination = time.Since(start), done.Bytes, err, sink.path
	if err == nil {
		r.Status = transfer.StatusDone
	}
	return r, err
}

// missingParts names the parts that are not to be had, and why of the first.
func missingParts(done *nntp.Fetched, total int) error {
	var parts []string
	for _, s := range done.Missing {
		if parts = append(parts, fmt.Sprintf("%d %s", s.Number, s.ID)); len(parts) == 20 {
			parts = append(parts, "...")
			break
		}
	}
	e := &protocols.Error{Proto: "nntp", Op: "get", Kind: protocols.KindOf(errors.Unwrap(done.Errors[0])), Err: done.Errors[0]}
	e.Text = fmt.Sprintf("%s: %d of %d parts missing: %s", done.Name, len(done.Missing), total, strings.Join(parts, ", "))
	return e
}
