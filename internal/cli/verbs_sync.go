package cli

import (
	"context"
	"fmt"
	"path"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// syncVerbs brings trees up to date.
func syncVerbs() []*verb {
	s := &syncer{}
	v := &verb{name: "sync", args: "SRC DST", short: "bring DST up to date with SRC: only what is missing or changed", run: s.run}
	v.has = func(c protocols.Client) bool { return is[protocols.Lister](c) && readsOrWrites(c) }
	return []*verb{v.with(s.flags).eg("sync ftp://ftp.example.org/pub/ mirror/", "sync --delete --dry-run site/ ftp://user@host/www/",
		"sync --include '*.jpg' --exclude 'old/**' --parallel 8 ftp://host/photos/ photos/")}
}

// syncer is the sync verb with its flags.
type syncer struct {
	keeping
	parallel, depth          count
	include, exclude         []string
	delete, dryRun, checksum bool
	missing                  bool
	maxDelete                int
	links                    choice
	journal                  string
	deleteAfter              bool
}

var linkModes = map[string]transfer.Links{"copy": transfer.LinksCopy, "skip": transfer.LinksSkip, "follow": transfer.LinksFollow}

func (s *syncer) flags(fs *pflag.FlagSet) {
	s.parallel, s.depth, s.links = count{4, 64}, count{maxTree, 10_000}, oneOf("copy", "copy", "skip", "follow")
	s.keeping.flags(fs)
	fs.Var(&s.parallel, "parallel", "connections at the same time")
	fs.BoolVar(&s.delete, "delete", false, "remove what SRC has not")
	fs.IntVar(&s.maxDelete, "max-delete", 0, "remove nothing when it would be more than `N`; negative for no limit, also when SRC is empty")
	fs.BoolVarP(&s.dryRun, "dry-run", "n", false, "change nothing, say what would be done")
	fs.StringArrayVar(&s.include, "include", nil, "only what matches this `GLOB`")
	fs.StringArrayVar(&s.exclude, "exclude", nil, "leave alone what matches this `GLOB`, on both sides")
	fs.BoolVar(&s.checksum, "checksum", false, "compare content where sizes are equal")
	fs.BoolVar(&s.missing, "ignore-existing", false, "leave files that DST has as they are, whatever SRC has")
	fs.Var(&s.links, "links", "symbolic links: copy, skip or follow")
	fs.Var(&s.depth, "depth", "deepest folder")
	fs.BoolVar(&s.deleteAfter, "delete-after", false, "messages: delete at SRC what is safely in DST")
	fs.StringVar(&s.journal, "journal", "", "`FILE` that a restarted run goes on from")
}

func (s *syncer) run(ctx context.Context, e *env, args []string) error {
	from, to, err := e.pair(args)
	if err != nil {
		return err
	}
	if e.flags.span.set {
		return usage("sync: --range is for cat and get")
	}
	if transfer.HoldsMessages(sample(from.Spec), sample(to.Spec)) {
		return s.messages(ctx, e, from, to)
	}
	if is[protocols.MessageSource](sample(from.Spec)) {
		return usage("sync: messages are kept in maildir:DIR, mbox:FILE or an IMAP mailbox, not in %s", args[1])
	}
	j := e.newJob("sync", 1)
	defer j.close()
	sum := &syncSum{job: j, dry: s.dryRun}
	total, err := transfer.Sync(ctx, e.endpoint(from), e.endpoint(to), s.options(e, j.bars), sum.add)
	j.close()
	return sum.end(total, causeOf(ctx, named(protocols.Wrap(err, from.Spec.Name, "sync", protocols.Redact(from.URL)), "sync")))
}

func (s *syncer) options(e *env, bars *progress) *transfer.SyncOptions {
	depth := s.depth.value
	if depth == maxTree {
		depth = 0 // nobody set it: a tree that goes deeper is a failure
	}
	return &transfer.SyncOptions{
		Options:  transferOptions(e, &s.keeping, bars),
		Parallel: s.parallel.value, Include: s.include, Exclude: s.exclude, Delete: s.delete, MaxDelete: s.maxDelete,
		DryRun: s.dryRun, Checksum: s.checksum, Missing: s.missing, Links: linkModes[s.links.value], Depth: depth, Journal: s.journal,
	}
}

// syncSum tells what a sync does and makes one error of its failures.
type syncSum struct {
	*job
	dry    bool
	mail   bool  // messages are many and nameless: they are told of with --verbose only
	output error // standard output failed
}

func (s *syncSum) add(r transfer.Result) {
	o := s.e.out
	if r.Err != nil {
		s.tally.add(r.Err)
	} else if r.Status != transfer.StatusSkipped || r.Note == "" {
		s.tally.done++
	}
	switch {
	case s.output != nil:
	case o.json:
		s.output = o.object(r)
	case r.Status == transfer.StatusFailed:
		fmt.Fprintf(s.above(), "netclients: %s\n", safe(fmt.Sprint(r.Err)))
	case s.dry && r.Status != transfer.StatusSkipped:
		s.output = o.text(string(r.Status) + ": " + r.Name)
	case s.mail && r.Status != transfer.StatusSkipped && r.Note == "" && !o.verbose:
	case r.Status != transfer.StatusSkipped || r.Note != "" || o.verbose:
		fmt.Fprintln(s.words(), safe(syncText(r)))
	}
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
	Summary transfer.Summary `json:"summary"`
}

// end writes the summary, and returns what the command ends with: an error of the
// whole, or what the single files say together.
func (s *syncSum) end(total transfer.Summary, err error) error {
	if s.output != nil {
		return s.output
	}
	if s.e.out.json {
		if bad := s.e.out.object(summaryJSON{total}); bad != nil {
			return bad
		}
	} else if err == nil || total != (transfer.Summary{}) {
		s.e.out.say(fmt.Sprintf("%d done, %d unchanged, %d deleted, %d failed, %s", total.Done, total.Skipped, total.Deleted, total.Failed, humanBytes(total.Bytes)))
	}
	if err != nil && (s.tally.failed == 0 || protocols.KindOf(err) != protocols.KindPartial) {
		return err
	}
	return s.tally.err()
}
