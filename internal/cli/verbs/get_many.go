package verbs

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// wantedURL is one of several URLs, and the file for it in the one folder.
type wantedURL struct {
	t    *protocols.Target
	name string // empty: the server will tell
	bulk bool   // its client takes many objects at once
	err  error  // what is wrong with this URL
}

// wanted reads the URLs of a get. Two for one file are an error before anything is
// fetched, because one of them would be lost.
func (g *Getter) wanted(e *kit.Env, urls []string) ([]wantedURL, error) {
	if len(urls) < 2 {
		return nil, nil
	}
	all := make([]wantedURL, len(urls))
	samples := map[*protocols.Spec]protocols.Client{}
	for i, text := range urls {
		w := &all[i]
		if w.t, w.err = e.Target(text); w.err != nil || g.asks(w.t) {
			continue
		}
		c := samples[w.t.Spec]
		if c == nil {
			c = kit.Sample(w.t.Spec)
			samples[w.t.Spec] = c
		}
		w.bulk = kit.Is[protocols.BulkGetter](c)
		if w.name, w.err = nameBy(c, w.t); w.err != nil {
			continue
		}
		if err := g.take(w.name, w.t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// take notes that a URL is saved under a name, unless another one is.
func (g *Getter) take(name string, t *protocols.Target) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := protocols.Redact(t.URL)
	if other, taken := g.taken[name]; taken {
		return kit.Usage("%s and %s are both for the file %s: get each into a folder of its own (-o)", other, at, name)
	}
	if g.taken == nil {
		g.taken = map[string]string{}
	}
	g.taken[name] = at
	return nil
}

// together returns the source and the objects of a get of several URLs of one server
// that can come together over a few connections. Nil items are a no: then each URL
// is taken by itself, and told by itself what is wrong with it.
func (g *Getter) together(e *kit.Env, urls []wantedURL) (*protocols.Target, []transfer.Wanted) {
	if len(urls) == 0 || g.dry || g.Resume || g.verify || g.sum.given() || g.segments.Value > 1 || e.Flags.Span.Given {
		return nil, nil
	}
	first := urls[0].t
	items := make([]transfer.Wanted, 0, len(urls))
	for _, w := range urls {
		if w.err != nil || w.name == "" || w.t.Spec != first.Spec || kit.ServerKey(w.t) != kit.ServerKey(first) || !w.bulk {
			return nil, nil
		}
		items = append(items, transfer.Wanted{Name: w.t.Name, URL: protocols.Redact(w.t.URL), As: w.name})
	}
	return first, items
}

// asks: the server is asked for the name to save under.
func (g *Getter) asks(t *protocols.Target) bool { return g.Asks != nil && g.Asks(t) }

// many gets objects of one server.
func (g *Getter) many(ctx context.Context, job *kit.Job, from *protocols.Target, items []transfer.Wanted, o *transfer.Options) error {
	to, err := job.E.File(cmp.Or(g.Out, "."))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	settle := func(r transfer.Result, err error) {
		if g.Settle != nil {
			r, err = g.Settle(r, err)
		}
		if err := job.Settle(ctx, r, err, true); job.Note(ctx, err) {
			stop(err)
		}
	}
	moved := map[string]transfer.Endpoint{} // by the file to write
	err = transfer.CopyMany(ctx, job.E.Pooled(from), job.E.Endpoint(to), items, o, job.Workers, func(r transfer.Result) {
		if at, ok := elsewhere(job.E, r.Err); ok {
			moved[r.Name] = at
			return
		}
		settle(r, r.Err)
	})
	for _, it := range items {
		at, ok := moved[it.As]
		if !ok || ctx.Err() != nil {
			continue
		}
		file, ferr := job.E.File(filepath.Join(g.Out, it.As))
		if ferr != nil {
			return ferr
		}
		settle(transfer.Copy(ctx, at, job.E.Endpoint(file), o))
	}
	if protocols.KindOf(err) != protocols.KindPartial && err != nil && job.Last == nil {
		return kit.CauseOf(ctx, err)
	}
	return job.Verdict(false)
}
