package cli

import (
	"cmp"
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// together gives the source and the objects of a get of several URLs of one server
// that can come together over a few connections. Nil items are a no: then each URL
// is taken by itself, and told by itself what is wrong with it.
func (g *getter) together(e *env, urls []string) (*protocols.Target, []transfer.Wanted) {
	if len(urls) < 2 || g.resume || g.verify || g.segments.value > 1 || e.flags.span.set || g.out != "" && !isDir(g.out) {
		return nil, nil
	}
	var first *protocols.Target
	taken := map[string]bool{}
	items := make([]transfer.Wanted, 0, len(urls))
	for _, text := range urls {
		t, err := capable[protocols.BulkGetter](e, "get", text)
		if err != nil {
			return nil, nil
		}
		if first == nil {
			first = t
		}
		name, err := localName(t)
		if err != nil || taken[name] || t.Spec != first.Spec || serverKey(t) != serverKey(first) || g.asks(t) {
			return nil, nil
		}
		taken[name] = true
		items = append(items, transfer.Wanted{Name: t.Name, URL: protocols.Redact(t.URL), As: name})
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
	if protocols.KindOf(err) != protocols.Partial && err != nil && job.last == nil {
		return causeOf(ctx, err)
	}
	return job.verdict(false)
}
