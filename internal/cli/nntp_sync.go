package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpSyncer is sync for whole hierarchies, and with a list of what was read.
type nntpSyncer struct {
	syncer
	newsrc string
}

func nntpSync() *verb {
	s := &nntpSyncer{}
	v := &verb{name: "sync", args: "SRC DST", short: "bring an archive up to date with groups", own: true, run: s.run}
	v.has = func(c protocols.Client) bool { return is[*nntp.Client](c) || is[protocols.MessageTarget](c) }
	return v.with(s.flags).eg("sync nntp://news.example.org/comp.lang.go maildir:archive",
		"nntp sync 'nntp://news.example.org/comp.lang.*' maildir:archives", "nntp sync --newsrc ~/.newsrc nntp://news.example.org/ mbox:archives")
}

func (s *nntpSyncer) flags(fs *pflag.FlagSet) {
	s.syncer.flags(fs)
	fs.StringVar(&s.newsrc, "newsrc", "", "list of what was read, in a `FILE`: names the groups where the URL names none, and notes what was stored")
}

// run syncs each group into a mailbox of its own below the destination when the
// source is a wildmat, the server, or a list of groups.
func (s *nntpSyncer) run(ctx context.Context, e *env, args []string) error {
	from, to, err := e.pair(args)
	if err != nil {
		return err
	}
	if from.Spec.Name != "nntp" {
		return s.syncer.run(ctx, e, args)
	}
	list, err := readNewsrc(s.newsrc)
	if err != nil {
		return err
	}
	groups, err := s.groups(ctx, e, from, list)
	if err != nil {
		return err
	}
	if groups == nil {
		return s.one(ctx, e, from, to, list)
	}
	return e.each(ctx, groups, func(group string) error {
		src, dst, err := groupPair(e, from, to, group)
		if err != nil {
			return err
		}
		return s.one(ctx, e, src, dst, list)
	})
}

// groups gives the groups of a source that is not one group; nil for one that is.
func (s *nntpSyncer) groups(ctx context.Context, e *env, from *protocols.Target, list *nntp.Newsrc) ([]string, error) {
	if known := list.Groups(); from.Name == "" && len(known) > 0 {
		return known, nil
	}
	if from.Name != "" && !nntp.IsWildmat(from.Name) {
		return nil, nil
	}
	c, err := e.client(from)
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for entry, err := range protocols.List(ctx, c, from.Name) {
		if err != nil {
			return nil, err
		}
		if entry.Parsed() && entry.GroupInfo != nil && entry.High >= entry.Low {
			groups = append(groups, entry.Path)
		}
	}
	return groups, nil
}

// groupPair gives source and destination of one group of many.
func groupPair(e *env, from, to *protocols.Target, group string) (src, dst *protocols.Target, err error) {
	base, err := file.SafeName(group)
	if err != nil {
		return nil, nil, err
	}
	u := *from.URL
	u.Path, u.RawPath, u.Opaque = "/"+group, "", ""
	if src, err = e.app.reg.Target(&u, ""); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(to.URL.Path, 0o777); err != nil {
		return nil, nil, err
	}
	v := *to.URL
	v.Path, v.RawPath = filepath.Join(to.URL.Path, base), ""
	dst, err = e.app.reg.Target(&v, "")
	return src, dst, err
}

// readNewsrc reads the list; a file that is not there is an empty one.
func readNewsrc(path string) (*nntp.Newsrc, error) {
	data, err := os.ReadFile(path)
	if path == "" || os.IsNotExist(err) {
		data, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return nntp.ParseNewsrc(bytes.NewReader(data))
}

// one syncs a group, and then notes as read what there was when it began.
func (s *nntpSyncer) one(ctx context.Context, e *env, from, to *protocols.Target, list *nntp.Newsrc) error {
	if s.newsrc == "" || s.dryRun {
		return s.syncer.messages(ctx, e, from, to)
	}
	c, err := e.client(from)
	if err != nil {
		return err
	}
	client, _ := protocols.As[*nntp.Client](c)
	g, err := client.Group(ctx, from.Name)
	if err != nil {
		return err
	}
	if err := s.syncer.messages(ctx, e, from, to); err != nil {
		return err
	}
	list.Mark(from.Name, 1, g.High)
	return writeNewsrc(s.newsrc, list)
}

// writeNewsrc replaces the file as a whole.
func writeNewsrc(path string, list *nntp.Newsrc) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".newsrc-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = list.WriteTo(tmp)
	for _, next := range []func() error{tmp.Sync, tmp.Close, func() error { return os.Rename(tmp.Name(), path) }} {
		if bad := next(); err == nil {
			err = bad
		}
	}
	return err
}
