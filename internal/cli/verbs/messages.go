package verbs

import (
	"context"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// Messages is sync from a mailbox to an archive of messages.
func (s *Syncer) Messages(ctx context.Context, e *kit.Env, from, to *protocols.Target) error {
	if flag := s.ofFiles(); flag != "" {
		return kit.Usage("sync: --%s is for trees of files, not for messages", flag)
	}
	if done, err := s.account(ctx, e, from, to); done {
		return err
	}
	if flag := s.given(); flag != "" {
		return kit.Usage("sync: --%s is for mail accounts, not for one mailbox", flag)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"include", len(s.include) > 0}, {"exclude", len(s.exclude) > 0}, {"checksum", s.checksum}} {
		if f.set {
			return kit.Usage("sync: --%s is for trees of files, not for messages", f.name)
		}
	}
	j := e.NewJob("sync", 1)
	defer j.Close()
	sum := &SyncSum{Job: j, dry: s.DryRun}
	total, err := s.bring(ctx, e, j, MailPair{From: from, To: to}, sum.Add)
	j.Close()
	return sum.End(total, kit.CauseOf(ctx, kit.Named(protocols.Wrap(err, from.Spec.Name, "sync", protocols.Redact(from.URL)), "sync")))
}

func (s *Syncer) messageOptions(e *kit.Env, j *kit.Job) *transfer.MessageOptions {
	return &transfer.MessageOptions{
		Options: transferOptions(e, &s.keeping, j.Bars), DeleteAfter: s.deleteAfter || s.keepDays > 0, KeepFor: time.Duration(s.keepDays) * 24 * time.Hour, SkipSize: int64(s.skipSize), Delete: s.delete, MaxDelete: s.maxDelete,
		DryRun: s.DryRun, State: s.journal,
	}
}
