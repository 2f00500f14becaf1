package nntpcmd

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpSyncer is sync for whole hierarchies, and with a list of what was read.
type nntpSyncer struct {
	verbs.Syncer
	newsrc newsrc
}

func nntpSync() *kit.Verb {
	s := &nntpSyncer{}
	return &kit.Verb{
		Name: "sync", Args: "SRC DST", Short: "bring an archive up to date with groups", Either: true,
		Works: kit.Is[*nntp.Client], Flags: s.flags, Run: s.run,
		Examples: []string{"sync nntp://news.example.org/comp.lang.go maildir:archive",
			"nntp sync 'nntp://news.example.org/comp.lang.*' maildir:archives", "nntp sync --newsrc ~/.newsrc nntp://news.example.org/ mbox:archives"},
	}
}

func (s *nntpSyncer) flags(fs *pflag.FlagSet) {
	s.Syncer.Flags(fs)
	s.newsrc.flag(fs, "names the groups where the URL names none, and notes what was stored")
}

// run syncs each group into a mailbox of its own below the destination, several at
// the same time, when the source is a wildmat, the server, or a list of groups.
func (s *nntpSyncer) run(ctx context.Context, e *kit.Env, args []string) error {
	from, to, err := e.Pair(args)
	if err != nil {
		return err
	}
	if !kit.Is[*nntp.Client](kit.Sample(from.Spec)) {
		return s.Syncer.Run(ctx, e, args)
	}
	if err := s.Plain(); err != nil {
		return err
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
	err = s.EachMailbox(ctx, e, pairs)
	if s.DryRun {
		return err
	}
	return errors.Join(err, s.newsrc.write())
}

// groups returns the groups of a source that is not one group: those that the list
// subscribes to, where the URL names none, or else all that have articles.
func (s *nntpSyncer) groups(ctx context.Context, e *kit.Env, from, to *protocols.Target) ([]verbs.MailPair, error) {
	c, err := e.Client(from)
	if err != nil {
		return nil, err
	}
	chosen := s.newsrc.list != nil && from.Name == "" && len(s.newsrc.list.Groups()) > 0
	var pairs []verbs.MailPair
	for entry, err := range protocols.List(ctx, c, from.Name) {
		if err != nil {
			return nil, err
		}
		if !entry.Parsed() || entry.GroupInfo == nil || entry.High < entry.Low || chosen && !s.newsrc.list.Subscribed(entry.Path) || !s.Wanted(entry.Path) {
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
		e.Out.Warn("no group that has articles was chosen")
	}
	return pairs, nil
}

// pair returns source and destination of one group of many.
func (s *nntpSyncer) pair(e *kit.Env, from, to *protocols.Target, group *protocols.Entry) (p verbs.MailPair, err error) {
	u := *from.URL
	u.Path, u.RawPath, u.Opaque = "/"+group.Path, "", ""
	p.Name, p.Done = group.Path, func() { s.read(group.Path, group.High) }
	if p.From, err = e.Reg.Target(&u, ""); err == nil {
		p.To, err = verbs.MailPlace(e, to, group.Path, "")
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
func (s *nntpSyncer) one(ctx context.Context, e *kit.Env, from, to *protocols.Target) error {
	if s.newsrc.list == nil || s.DryRun {
		return s.Syncer.Messages(ctx, e, from, to)
	}
	c, err := e.Client(from)
	if err != nil {
		return err
	}
	client, _ := protocols.As[*nntp.Client](c)
	g, err := client.Group(ctx, from.Name)
	if err != nil {
		return err
	}
	if err := s.Syncer.Messages(ctx, e, from, to); err != nil {
		return err
	}
	s.read(from.Name, g.High)
	return s.newsrc.write()
}
