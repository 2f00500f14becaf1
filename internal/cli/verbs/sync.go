package verbs

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// SyncVerbs brings trees up to date.
func SyncVerbs() []*kit.Verb {
	s := &Syncer{}
	return []*kit.Verb{{
		Name: "sync", Args: "SRC DST", Short: "bring DST up to date with SRC: only what is missing or changed", Generic: true,
		Works: func(c protocols.Client) bool { return kit.Is[protocols.Lister](c) && readsOrWrites(c) },
		Flags: s.Flags, Run: s.Run,
		Examples: []string{"sync ftp://ftp.example.org/pub/ mirror/", "sync --delete --dry-run site/ ftp://user@host/www/",
			"sync --include '*.jpg' --exclude 'old/**' --parallel 8 ftp://host/photos/ photos/",
			"sync --two-way imaps://user@mail.example.org/ maildir:Mail", "sync --delete-after pop3s://user@pop.example.org/ lmtp://localhost --to user@example.org"},
	}}
}

// Syncer is the sync verb with its flags.
type Syncer struct {
	keeping
	narrowing
	mailNames
	mutual
	handingOn
	repeating
	parallel, depth          kit.Count
	delete, DryRun, checksum bool
	missing                  bool
	maxDelete                int
	links                    kit.Choice
	journal                  string
	deleteAfter              bool
	keepDays                 int
	skipSize                 kit.Size
}

var linkModes = map[string]transfer.Links{"copy": transfer.LinksCopy, "skip": transfer.LinksSkip, "follow": transfer.LinksFollow}

// Flags adds the flags of sync.
func (s *Syncer) Flags(fs *pflag.FlagSet) {
	s.parallel, s.depth, s.links = kit.NewCount(4, 64), kit.NewCount(maxTree, 10_000), kit.OneOf("copy", "copy", "skip", "follow")
	s.keeping.Flags(fs)
	s.narrowing.flags(fs)
	s.mailNames.flags(fs)
	s.mutual.flags(fs)
	s.handingOn.flags(fs)
	s.repeating.flags(fs)
	fs.Var(&s.parallel, "parallel", "number of parallel connections")
	fs.BoolVar(&s.delete, "delete", false, "delete entries in DST that are not in SRC")
	fs.IntVar(&s.maxDelete, "max-delete", 0, "delete nothing if more than `N` entries would be deleted; negative for no limit, even if SRC is empty")
	fs.BoolVarP(&s.DryRun, "dry-run", "n", false, "change nothing; print what would be done")
	fs.BoolVar(&s.checksum, "checksum", false, "compare content when sizes are equal")
	fs.BoolVar(&s.missing, "ignore-existing", false, "do not update files that exist in DST")
	fs.Var(&s.links, "links", "symbolic links: copy, skip or follow")
	fs.Var(&s.depth, "depth", "maximum directory depth")
	fs.BoolVar(&s.deleteAfter, "delete-after", false, "messages: delete from SRC once stored safely in DST")
	fs.IntVar(&s.keepDays, "keep-days", 0, "messages: delete from SRC what has been stored in DST for `N` days; 0 with --delete-after is at once")
	fs.Var(&s.skipSize, "skip-size", "messages: leave larger ones in SRC; they do not count as failed")
	fs.StringVar(&s.journal, "journal", "", "record progress in `FILE` so that an interrupted run can resume")
}

// maxKeepDays is the longest time that messages stay in SRC: a hundred years.
const maxKeepDays = 36_500

// Run brings DST up to date, once or again and again.
func (s *Syncer) Run(ctx context.Context, e *kit.Env, args []string) error {
	from, to, err := s.pair(e, args)
	if err == nil {
		err = s.narrowing.read(ctx)
	}
	switch {
	case err != nil:
		return err
	case s.keepDays < 0 || s.keepDays > maxKeepDays:
		return kit.Usage("sync: --keep-days wants a number of days, at most %d", maxKeepDays)
	case s.every < 0:
		return kit.Usage("sync: --every wants a time above zero")
	case s.watch && len(s.watchedSides(from, to)) == 0:
		return kit.Usage("sync: --watch is for mailboxes and accounts on servers as SRC; --every works for all")
	case s.every > 0 || s.watch:
		return s.repeat(ctx, e, from, to, func() error { return s.once(ctx, e, from, to, args) })
	}
	return s.once(ctx, e, from, to, args)
}

func (s *Syncer) once(ctx context.Context, e *kit.Env, from, to *protocols.Target, args []string) error {
	if e.Flags.Span.Given {
		return kit.Usage("sync: --range is for cat and get")
	}
	if err := s.checkMutual(from, to); err != nil {
		return err
	}
	if err := s.checkDelivery(from, to); err != nil {
		return err
	}
	if delivers(to) && kit.Is[protocols.MessageSource](kit.Sample(from.Spec)) || transfer.HoldsMessages(kit.Sample(from.Spec), kit.Sample(to.Spec)) {
		return s.Messages(ctx, e, from, to)
	}
	if flag := s.given(); flag != "" {
		return kit.Usage("sync: --%s is for mail accounts", flag)
	}
	if kit.Is[protocols.MessageSource](kit.Sample(from.Spec)) {
		return kit.Usage("sync: messages are kept in maildir:DIR, mbox:FILE or an IMAP mailbox, or delivered to smtp:, lmtp: or exec:COMMAND, not kept in %s", args[1])
	}
	j := e.NewJob("sync", 1)
	defer j.Close()
	sum := &SyncSum{Job: j, dry: s.DryRun}
	total, err := transfer.Sync(ctx, e.Endpoint(from), e.Endpoint(to), s.options(e, j.Bars), sum.Add)
	j.Close()
	return sum.End(total, kit.CauseOf(ctx, kit.Named(protocols.Wrap(err, from.Spec.Name, "sync", protocols.Redact(from.URL)), "sync")))
}

func (s *Syncer) options(e *kit.Env, bars *show.Progress) *transfer.SyncOptions {
	depth := s.depth.Value
	if depth == maxTree {
		depth = 0 // nobody set it: a tree that goes deeper is a failure
	}
	o := &transfer.SyncOptions{
		Options:  transferOptions(e, &s.keeping, bars),
		Parallel: s.parallel.Value, Delete: s.delete, MaxDelete: s.maxDelete,
		DryRun: s.DryRun, Checksum: s.checksum, Missing: s.missing || s.noClobber, Links: linkModes[s.links.Value], Depth: depth, Journal: s.journal,
	}
	s.narrowing.apply(o)
	return o
}

// SyncSum reports what a sync does and makes one error of its failures.
type SyncSum struct {
	*kit.Job
	dry    bool
	output error // standard output failed
}

// planned returns the result of a dry run as what would be done.
func planned(r transfer.Result) transfer.Result {
	switch r.Status {
	case transfer.StatusDone:
		r.Status, r.Would = transfer.StatusPlanned, cmp.Or(r.Would, "copy")
	case transfer.StatusDeleted:
		r.Status, r.Would = transfer.StatusPlanned, "delete"
	}
	return r
}

func (s *SyncSum) Add(r transfer.Result) {
	o := s.E.Out
	if s.dry {
		r = planned(r)
	}
	if r.Err != nil {
		s.Tally.Add(r.Err)
	} else if r.Status != transfer.StatusSkipped || r.Note == "" {
		s.Tally.Done++
	}
	switch {
	case s.output != nil:
	case o.JSON:
		s.output = o.Object(r)
	case r.Status == transfer.StatusFailed:
		fmt.Fprintf(s.Above(), "netclients: %s\n", show.Safe(failureText(r)))
	case r.Status == transfer.StatusPlanned:
		s.output = o.Text("would " + r.Would + " " + r.Name)
	case r.Note != "" || o.Verbose: // the summary counts the others
		fmt.Fprintln(s.Words(), show.Safe(syncText(r)))
	}
}

// failureText names what failed, a message also by its subject and id, and says why.
func failureText(r transfer.Result) string {
	text := fmt.Sprint(r.Err)
	name := r.Source
	if r.Subject != "" {
		name += fmt.Sprintf(" %q", r.Subject)
	}
	if r.MessageID != "" {
		name += " " + r.MessageID
	}
	if strings.Contains(text, name) {
		return text
	}
	return strings.TrimPrefix(name+": "+text, ": ")
}

func syncText(r transfer.Result) string {
	text := fmt.Sprintf("%s: %s", r.Status, path.Clean(r.Name))
	if r.Note != "" {
		text += "  (" + r.Note + ")"
	}
	return text
}

// summaryJSON is the last line of a sync.
type summaryJSON struct {
	Summary countsJSON `json:"summary"`
}

type countsJSON struct {
	transfer.Summary
	DryRun bool `json:"dry_run,omitempty"`
}

// end writes the summary, and returns what the command ends with: an error of the
// whole, or what the single files say together.
func (s *SyncSum) End(total transfer.Summary, err error) error {
	if s.output != nil {
		return s.output
	}
	if s.E.Out.JSON {
		if bad := s.E.Out.Object(summaryJSON{countsJSON{total, s.dry}}); bad != nil {
			return bad
		}
	} else if s.dry {
		s.E.Out.Say(fmt.Sprintf("dry run: %d to copy, %d unchanged, %d to delete, %d failed, %s; nothing was changed", total.Done, total.Skipped, total.Deleted, total.Failed, show.HumanBytes(total.Bytes)))
	} else if err == nil || total != (transfer.Summary{}) {
		updated := ""
		if total.Updated > 0 {
			updated = fmt.Sprintf(", %d updated", total.Updated)
		}
		s.E.Out.Say(fmt.Sprintf("%d done, %d unchanged%s, %d deleted, %d failed, %s", total.Done, total.Skipped, updated, total.Deleted, total.Failed, show.HumanBytes(total.Bytes)))
	}
	if err != nil && (s.Tally.Failed == 0 || protocols.KindOf(err) != protocols.KindPartial) {
		return err
	}
	return s.Tally.Err()
}
