package cli

import (
	"cmp"
	"context"

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
func (g *getter) wanted(e *env, urls []string) ([]wantedURL, error) {
	if len(urls) < 2 {
		return nil, nil
	}
	all := make([]wantedURL, len(urls))
	samples := map[*protocols.Spec]protocols.Client{}
	for i, text := range urls {
		w := &all[i]
		if w.t, w.err = e.target(text); w.err != nil || g.asks(w.t) {
			continue
		}
		c := samples[w.t.Spec]
		if c == nil {
			c = sample(w.t.Spec)
			samples[w.t.Spec] = c
		}
		w.bulk = is[protocols.BulkGetter](c)
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
func (g *getter) take(name string, t *protocols.Target) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := protocols.Redact(t.URL)
	if other, taken := g.taken[name]; taken {
		return usage("%s and %s are both for the file %s: get each into a folder of its own (-o)", other, at, name)
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
func (g *getter) together(e *env, urls []wantedURL) (*protocols.Target, []transfer.Wanted) {
	if len(urls) == 0 || g.resume || g.verify || g.segments.value > 1 || e.flags.span.set {
		return nil, nil
	}
	first := urls[0].t
	items := make([]transfer.Wanted, 0, len(urls))
	for _, w := range urls {
		if w.err != nil || w.name == "" || w.t.Spec != first.Spec || serverKey(w.t) != serverKey(first) || !w.bulk {
			return nil, nil
		}
		items = append(items, transfer.Wanted{Name: w.t.Name, URL: protocols.Redact(w.t.URL), As: w.name})
	}
	return first, items
}

// asks: the server is asked for the name to save under.
func (g *getter) asks(t *protocols.Target) bool {
	return g.named != nil && g.remote && t.Spec.Name == "http"
}

// many gets objects of one server.
func (g *getter) many(ctx context.Context, job *job, from *protocols.Target, items []transfer.Wanted, o *transfer.Options) error {
	to, err := job.e.file(cmp.Or(g.out, "."))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err = transfer.CopyMany(ctx, job.e.pooled(from), job.e.endpoint(to), items, o, job.workers, func(r transfer.Result) {
		err := r.Err
		if g.settle != nil {
			r, err = g.settle(r, err)
		}
		if err := job.settle(ctx, r, err, true); job.note(ctx, err) {
			stop(err)
		}
	})
	if protocols.KindOf(err) != protocols.KindPartial && err != nil && job.last == nil {
		return causeOf(ctx, err)
	}
	return job.verdict(false)
}
