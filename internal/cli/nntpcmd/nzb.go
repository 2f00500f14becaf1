package nntpcmd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
)

// nntpGetter is get for ranges of articles and for NZB files too.
type nntpGetter struct {
	verbs.Getter
	newsrc newsrc
	decode bool
	chosen kit.ChosenNames
}

func nntpGet() *kit.Verb {
	g := &nntpGetter{}
	return &kit.Verb{
		Name: "get", Args: "URL...", Short: "save articles to files; with a local file.nzb, the files that it names",
		Works: kit.Is[*nntp.Client], Run: g.run,
		Flags: func(fs *pflag.FlagSet) {
			g.Flags(fs)
			g.newsrc.flag(fs, "only articles that were not read, also of a group without a range; notes those that were saved")
			fs.BoolVar(&g.decode, "decode", false, "save the files that the articles hold (yEnc, uuencode), parts joined")
			g.chosen.Flag(fs)
		},
		Examples: []string{"nntp get news.example.org/comp.lang.go/57-59 -o articles/", "nntp get news.example.org file.nzb -o DIR",
			"nntp get --decode news.example.org/alt.binaries.test/100-120 -o DIR", "nntp get --fill nntps://other.example.org file.nzb -o DIR"},
	}
}

func (g *nntpGetter) run(ctx context.Context, e *kit.Env, args []string) error {
	var urls, nzbs []string
	for _, a := range args {
		if _, err := os.Stat(a); err == nil && strings.EqualFold(filepath.Ext(a), ".nzb") {
			nzbs = append(nzbs, a)
		} else {
			urls = append(urls, a)
		}
	}
	if g.DryRun() && (len(nzbs) > 0 || g.decode) {
		return kit.Usage("get: --dry-run is for articles as they are, not for NZB files and --decode")
	}
	if len(nzbs) > 0 {
		return g.nzb(ctx, e, urls, nzbs)
	}
	if g.decode {
		return g.decodeAll(ctx, e, urls)
	}
	if err := g.newsrc.read(); err != nil {
		return err
	}
	all, err := g.expand(ctx, e, urls)
	if err != nil || len(all) == 0 {
		return err
	}
	g.Settle = g.note
	return errors.Join(g.Getter.Run(ctx, e, all), g.newsrc.write())
}

// note marks an article that was saved as read.
func (g *nntpGetter) note(r transfer.Result, err error) (transfer.Result, error) {
	if g.newsrc.list != nil && err == nil {
		if u, bad := url.Parse(r.Source); bad == nil {
			g.newsrc.list.MarkArticle(strings.TrimPrefix(u.Path, "/"))
		}
	}
	return r, err
}

// expand puts the articles of a range in the place of its URL.
func (g *nntpGetter) expand(ctx context.Context, e *kit.Env, urls []string) ([]string, error) {
	var all []string
	for _, text := range urls {
		t, err := e.Target(text)
		if err != nil {
			return nil, err
		}
		if !kit.Is[*nntp.Client](kit.Sample(t.Spec)) || !nntp.IsRange(t.Name) && (g.newsrc.list == nil || !nntp.IsGroup(t.Name)) {
			all = append(all, text)
			continue
		}
		c, err := e.Client(t)
		if err != nil {
			return nil, err
		}
		client, _ := protocols.As[*nntp.Client](c)
		client.Settings.Newsrc = g.newsrc.list
		names, err := client.Articles(ctx, t.Name)
		if err == nil && g.Out != "" && g.Out != "-" { // a range goes into a folder, of whatever length it is
			err = os.MkdirAll(g.Out, 0o777)
		}
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
func (g *nntpGetter) nzb(ctx context.Context, e *kit.Env, servers, nzbs []string) error {
	if len(servers) == 0 {
		servers = []string{"news:*"}
	}
	f := &nntp.Fetch{Max: int64(e.Flags.MaxSize)}
	for range g.Parallel.Value {
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
	place, err := g.chosen.Open(g.Out)
	if err != nil {
		return err
	}
	defer place.Close()
	job := e.NewJob("get", 1)
	defer job.Close()
	var items []string
	for i := range files {
		items = append(items, strconv.Itoa(i))
	}
	return job.Each(ctx, items, func(ctx context.Context, item string) (transfer.Result, error) {
		i, _ := strconv.Atoi(item)
		return g.fetchNZB(ctx, f, &files[i], place)
	})
}

// nzbClient makes a client of the first server, with the others to fill in.
func nzbClient(e *kit.Env, servers []string) (*nntp.Client, error) {
	var first *nntp.Client
	for _, text := range servers {
		t, err := e.Target(text)
		if err != nil {
			return nil, err
		}
		c, err := e.Dial(t)
		if err != nil {
			return nil, err
		}
		client, ok := protocols.As[*nntp.Client](c)
		if !ok {
			return nil, kit.Usage("%s is not a news server", protocols.Redact(t.URL))
		}
		if first == nil {
			first = client
			continue
		}
		e.Give("fill of "+strconv.Itoa(len(servers)), client) // closed at the end
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
		return nil, kit.Usage("the NZB names no files")
	}
	return files, nil
}

// fetchNZB fetches one file of an NZB into a folder.
func (g *nntpGetter) fetchNZB(ctx context.Context, f *nntp.Fetch, wanted *nntp.NZBFile, place kit.ChosenPlace) (transfer.Result, error) {
	r := transfer.Result{Protocol: "nntp", Source: wanted.Subject, Status: transfer.StatusFailed}
	if path, there := g.finished(wanted, place); there {
		r.Status, r.Destination, r.Note = transfer.StatusSkipped, path, "there already"
		return r, nil
	}
	sink := &nzbSink{ChosenPlace: place}
	one := *f
	one.Create, one.Note = sink.create, sink.note
	start := time.Now()
	begun, err := sink.begin(wanted, g.Resume)
	done := &nntp.Fetched{}
	if one.Begun = begun; err == nil {
		done, err = one.File(ctx, wanted)
	}
	if err == nil && len(done.Missing) > 0 {
		err = missingParts(done, len(wanted.Segments))
	}
	if bad := sink.finish(err == nil); err == nil {
		err = bad
	}
	r.Took, r.Bytes, r.Err, r.Destination = time.Since(start), done.Bytes, err, sink.path()
	if err == nil {
		r.Status = transfer.StatusDone
	}
	for _, p := range begun {
		r.ResumedAt += p.Length
	}
	return r, err
}

// finished reports whether --continue finds a file whole: files have their names
// only then.
func (g *nntpGetter) finished(wanted *nntp.NZBFile, place kit.ChosenPlace) (path string, there bool) {
	name, err := file.ChosenName(wanted.Name())
	if !g.Resume || err != nil {
		return "", false
	}
	info, err := place.Root.Lstat(name)
	return place.Path(name), err == nil && info.Mode().IsRegular()
}

// missingParts names the parts that are not to be had, and why.
func missingParts(done *nntp.Fetched, total int) error {
	var parts []string
	for _, m := range done.Missing {
		if parts = append(parts, fmt.Sprintf("%d %s (%s)", m.Number, m.ID, reason(m.Err))); len(parts) == 20 {
			parts = append(parts, "...")
			break
		}
	}
	e := &protocols.Error{Proto: "nntp", Op: "get", Kind: protocols.KindPartial}
	if len(done.Missing) == total {
		e.Kind = protocols.KindOf(done.Missing[0].Err)
	}
	e.Text = fmt.Sprintf("%s: %d of %d parts missing: %s", done.Name, len(done.Missing), total, strings.Join(parts, ", "))
	return e
}

// reason is an error without what the place of it says already.
func reason(err error) string {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e.Message()
	}
	return err.Error()
}
