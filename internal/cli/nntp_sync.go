package cli

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpSyncer is sync for whole hierarchies, and with a list of what was read.
type nntpSyncer struct {
	syncer
	newsrc newsrc
}

func nntpSync() *verb {
	s := &nntpSyncer{}
	v := &verb{name: "sync", args: "SRC DST", short: "bring an archive up to date with groups", own: true, either: true, has: is[*nntp.Client], run: s.run}
	return v.with(s.flags).eg("sync nntp://news.example.org/comp.lang.go maildir:archive",
		"nntp sync 'nntp://news.example.org/comp.lang.*' maildir:archives", "nntp sync --newsrc ~/.newsrc nntp://news.example.org/ mbox:archives")
}

func (s *nntpSyncer) flags(fs *pflag.FlagSet) {
	s.syncer.flags(fs)
	s.newsrc.flag(fs, "names the groups where the URL names none, and notes what was stored")
}

// run syncs each group into a mailbox of its own below the destination, several at
// the same time, when the source is a wildmat, the server, or a list of groups.
func (s *nntpSyncer) run(ctx context.Context, e *env, args []string) error {
	from, to, err := e.pair(args)
	if err != nil {
		return err
	}
	if from.Spec.Name != "nntp" {
		return s.syncer.run(ctx, e, args)
	}
	if err := s.newsrc.read(); err != nil {
		return err
	}
	if from.Name != "" && !nntp.IsWildmat(from.Name) {
		return s.one(ctx, e, from, to)
	}
	pairs, err := s.groups(ctx, e, from, to)
	if err != nil {
		return err
	}
	err = s.eachMailbox(ctx, e, pairs)
	if s.dryRun {
		return err
	}
	return errors.Join(err, s.newsrc.write())
}

// groups returns the groups of a source that is not one group: those that the list
// subscribes to, where the URL names none, or else all that have articles.
func (s *nntpSyncer) groups(ctx context.Context, e *env, from, to *protocols.Target) ([]mailPair, error) {
	c, err := e.client(from)
	if err != nil {
		return nil, err
	}
	chosen := s.newsrc.list != nil && from.Name == "" && len(s.newsrc.list.Groups()) > 0
	var pairs []mailPair
	for entry, err := range protocols.List(ctx, c, from.Name) {
		if err != nil {
			return nil, err
		}
		if !entry.Parsed() || entry.GroupInfo == nil || entry.High < entry.Low || chosen && !s.newsrc.list.Subscribed(entry.Path) || !s.wanted(entry.Path) {
			continue
		}
		p, err := s.pair(e, from, to, &entry)
		if err != nil {
			return nil, err
		}
		s.read(entry.Path, 0) // in the order of the server
		pairs = append(pairs, p)
	}
	if len(pairs) == 0 {
		e.out.warn("no group that has articles was chosen")
	}
	return pairs, nil
}

// pair returns source and destination of one group of many.
func (s *nntpSyncer) pair(e *env, from, to *protocols.Target, group *protocols.Entry) (p mailPair, err error) {
	u := *from.URL
	u.Path, u.RawPath, u.Opaque = "/"+group.Path, "", ""
	p.name, p.done = group.Path, func() { s.read(group.Path, group.High) }
	if p.from, err = e.reg.Target(&u, ""); err == nil {
		p.to, err = mailPlace(e, to, group.Path, "")
	}
	return p, err
}

// read notes what there was of a group when its sync began.
func (s *nntpSyncer) read(group string, high int64) {
	if s.newsrc.list != nil {
		s.newsrc.list.Mark(group, 1, high)
	}
}

// one syncs a group, and then notes it as read.
func (s *nntpSyncer) one(ctx context.Context, e *env, from, to *protocols.Target) error {
	if s.newsrc.list == nil || s.dryRun {
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
	s.read(from.Name, g.High)
	return s.newsrc.write()
}
