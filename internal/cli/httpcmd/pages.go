package httpcmd

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/internal/webmirror"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/transfer"
)

// pageSyncer is sync for pages too, through their links.
type pageSyncer struct {
	verbs.Syncer
	pages, whole bool
	hosts        []string
	most         kit.Count
	set          *pflag.FlagSet
	trees        []string // flags that are for trees
}

// httpSync is sync of a tree, or of pages.
func httpSync() *kit.Verb {
	s := &pageSyncer{}
	return &kit.Verb{
		Name: "sync", Args: "SRC DST", Short: "bring DST up to date with SRC: only what is missing or changed; with --pages through the links of pages",
		Works: kit.Is[*http.Client], Flags: s.flags, Run: s.run,
		Examples: []string{
			"sync https://user@dav.example.org/files/ copy/", "sync --pages https://www.example.org/docs/ offline/",
			"sync --pages --depth 1 --hosts static.example.org https://www.example.org/docs/ warc:docs.warc.gz",
		},
	}
}

func (s *pageSyncer) flags(fs *pflag.FlagSet) {
	everywhere := map[string]bool{"depth": true} // and a flag of ours too
	fs.VisitAll(func(f *pflag.Flag) { everywhere[f.Name] = true })
	s.Syncer.Flags(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if !everywhere[f.Name] {
			s.trees = append(s.trees, f.Name)
		}
	})
	s.set, s.most = fs, kit.NewCount(10_000, 1_000_000)
	fs.BoolVar(&s.pages, "pages", false, "copy SRC and the pages below it that its links lead to, with what they need to be shown; links then lead to the copies. DST may be warc:FILE")
	fs.StringSliceVar(&s.hosts, "hosts", nil, "with --pages: pages and pictures of these `HOSTS` too")
	fs.BoolVar(&s.whole, "whole-host", false, "with --pages: any path of the host, not only what is below SRC")
	fs.Var(&s.most, "max-pages", "with --pages: fetch at most so many documents")
}

func (s *pageSyncer) run(ctx context.Context, e *kit.Env, args []string) error {
	archive, isArchive := strings.CutPrefix(args[1], "warc:")
	switch {
	case !s.pages && isArchive:
		return kit.Usage("sync: warc:FILE is for web pages: sync --pages URL %s", args[1])
	case !s.pages && (s.whole || len(s.hosts) > 0 || s.set.Changed("max-pages")):
		return kit.Usage("sync: --hosts, --whole-host and --max-pages are for --pages")
	case !s.pages:
		return s.Syncer.Run(ctx, e, args)
	}
	for _, name := range s.trees {
		if f := s.set.Lookup(name); f.Changed {
			return kit.Usage("sync: --%s has no meaning with --pages", name)
		}
	}
	depth, _ := strconv.Atoi(s.set.Lookup("depth").Value.String())
	if !s.set.Changed("depth") {
		depth = defaultLinks
	}
	return kit.Use(ctx, e, args[0], func(ctx context.Context, c *http.Client, at *protocols.Target) error {
		to, err := s.sink(e, args[1], archive, isArchive)
		if err != nil {
			return err
		}
		return s.crawl(ctx, e, c, at, to, depth)
	})
}

// defaultLinks is how many links from SRC are followed.
const defaultLinks = 5

// sink opens where the documents go.
func (s *pageSyncer) sink(e *kit.Env, text, archive string, isArchive bool) (webmirror.Sink, error) {
	if isArchive {
		if archive == "" {
			return nil, kit.Usage("sync: warc:FILE wants a file")
		}
		return webmirror.OpenArchive(archive, "netclients")
	}
	at, err := e.Target(text)
	if err != nil {
		return nil, err
	}
	if at.Spec.Name != "file" {
		return nil, kit.Usage("sync --pages: DST is a folder of this machine, or warc:FILE")
	}
	dir, err := file.PathOf(at.URL)
	if err != nil {
		return nil, err
	}
	return webmirror.OpenFolder(dir)
}

func (s *pageSyncer) crawl(ctx context.Context, e *kit.Env, c *http.Client, at *protocols.Target, to webmirror.Sink, depth int) error {
	j := e.NewJob("sync", 1)
	defer j.Close()
	sum, total := &verbs.SyncSum{Job: j}, transfer.Summary{}
	w := &webmirror.Crawler{Client: c, Sink: to, Options: webmirror.Options{
		Hosts: slices.Clone(s.hosts), Whole: s.whole, Depth: depth, Pages: max(s.most.Value, 1), MaxSize: int64(e.Flags.MaxSize),
		Robots: !c.Settings.NoRobots, Agent: "netclients", Again: e.Again,
		Report: func(r webmirror.Result) {
			t := transfer.Result{Protocol: "http", Source: r.URL, Destination: r.Place, Name: r.URL, Bytes: r.Bytes, Took: time.Duration(r.Seconds * float64(time.Second)), Status: transfer.StatusDone, Note: r.Note, Err: r.Err}
			switch {
			case r.Err != nil:
				t.Status, t.Err = transfer.StatusFailed, protocols.Wrap(r.Err, "http", "sync", r.URL)
			case r.Unchanged || r.Place == "":
				t.Status = transfer.StatusSkipped
			}
			total.Add(t)
			sum.Add(t)
		},
	}}
	err := w.Run(ctx, at.URL)
	j.Close()
	return sum.End(total, kit.CauseOf(ctx, kit.Named(protocols.Wrap(err, "http", "sync", protocols.Redact(at.URL)), "sync")))
}
