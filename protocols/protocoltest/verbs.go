package protocoltest

import (
	"context"
	"iter"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// verbs are all capabilities. A verb with two strings stands twice, so that each
// is tried.
var verbs = []verb{
	{"List", func(ctx context.Context, c protocols.Client, s string) error { return drain(protocols.List(ctx, c, s)) }, can[protocols.Lister]},
	{"Stat", func(ctx context.Context, c protocols.Client, s string) error {
		_, err := protocols.Stat(ctx, c, s)
		return err
	}, can[protocols.Statter]},
	{"Get", get, can[protocols.Getter]},
	{"BulkGet", bulkGet, can[protocols.BulkGetter]},
	{"Put", func(ctx context.Context, c protocols.Client, s string) error {
		_, err := protocols.Put(ctx, c, s, strings.NewReader("text"), nil)
		return err
	}, can[protocols.Putter]},
	{"Remove", protocols.Remove, can[protocols.Remover]},
	{"Move from", func(ctx context.Context, c protocols.Client, s string) error { return protocols.Move(ctx, c, s, "to") }, can[protocols.Mover]},
	{"Move to", func(ctx context.Context, c protocols.Client, s string) error {
		return protocols.Move(ctx, c, "from", s)
	}, can[protocols.Mover]},
	{"Make", protocols.Make, can[protocols.Maker]},
	{"Unmake", protocols.Unmake, can[protocols.Maker]},
	{"Relay from", func(ctx context.Context, c protocols.Client, s string) error {
		return protocols.Relay(ctx, c, s, c, "to")
	}, can[protocols.Relayer]},
	{"Relay to", func(ctx context.Context, c protocols.Client, s string) error {
		return protocols.Relay(ctx, c, "from", c, s)
	}, can[protocols.Relayer]},
	{"Send from", func(ctx context.Context, c protocols.Client, s string) error {
		return send(ctx, c, s, "to@example.org")
	}, can[protocols.Sender]},
	{"Send to", func(ctx context.Context, c protocols.Client, s string) error {
		return send(ctx, c, "from@example.org", s)
	}, can[protocols.Sender]},
	{"Do", func(ctx context.Context, c protocols.Client, s string) error {
		_, err := protocols.Do(ctx, c, s)
		return err
	}, can[protocols.Doer]},
	{"Search in", func(ctx context.Context, c protocols.Client, s string) error {
		return drain(protocols.Search(ctx, c, s, "query"))
	}, can[protocols.Searcher]},
	{"Search for", func(ctx context.Context, c protocols.Client, s string) error {
		return drain(protocols.Search(ctx, c, "name", s))
	}, can[protocols.Searcher]},
	{"Watch", func(ctx context.Context, c protocols.Client, s string) error {
		return drain(protocols.Watch(ctx, c, s))
	}, can[protocols.Watcher]},
}

func drain(entries iter.Seq2[protocols.Entry, error]) error {
	for _, err := range entries {
		if err != nil {
			return err
		}
	}
	return nil
}

func get(ctx context.Context, c protocols.Client, name string) error {
	o, err := protocols.Get(ctx, c, name, nil)
	if err != nil {
		return err
	}
	return o.Body.Close()
}

// bulkGet returns the name's own error, if there is no other.
func bulkGet(ctx context.Context, c protocols.Client, name string) error {
	var own error
	err := protocols.BulkGet(ctx, c, sequence([]string{name}), func(_ string, _ *protocols.Object, err error) error {
		own = err
		return nil
	})
	if err == nil {
		err = own
	}
	return err
}

func send(ctx context.Context, c protocols.Client, from, to string) error {
	_, err := protocols.Send(ctx, c, &protocols.Message{From: from, To: []string{to}, Body: strings.NewReader("text")})
	return err
}
