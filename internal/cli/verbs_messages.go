package cli

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// messages is sync from a mailbox to an archive of messages.
func (s *syncer) messages(ctx context.Context, e *env, from, to *protocols.Target) error {
	if done, err := s.account(ctx, e, from, to); done {
		return err
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"include", len(s.include) > 0}, {"exclude", len(s.exclude) > 0}, {"checksum", s.checksum}} {
		if f.set {
			return usage("sync: --%s is for trees of files, not for messages", f.name)
		}
	}
	j := e.newJob("sync", 1)
	defer j.close()
	sum := &syncSum{job: j, dry: s.dryRun, mail: true}
	total, err := transfer.SyncMessages(ctx, e.endpoint(from), e.endpoint(to), s.messageOptions(e, j), sum.add)
	j.close()
	return sum.end(total, causeOf(ctx, named(protocols.Wrap(err, from.Spec.Name, "sync", protocols.Redact(from.URL)), "sync")))
}

func (s *syncer) messageOptions(e *env, j *job) *transfer.MessageOptions {
	return &transfer.MessageOptions{
		Options: transferOptions(e, &s.keeping, j.bars), DeleteAfter: s.deleteAfter, Delete: s.delete, MaxDelete: s.maxDelete,
		DryRun: s.dryRun, State: s.journal,
	}
}
