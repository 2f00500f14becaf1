package transfer

import (
	"context"
	"io"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Durability says when files are forced to the disk; see [file.Durability].
type Durability = file.Durability

// The values of --durability.
const (
	DurabilityGroup = file.Group
	DurabilityEach  = file.Each
	DurabilityNone  = file.None
)

// Options says how to copy. Nil is all defaults.
type Options struct {
	Retries   int           // attempts after the first; 0 is the default 3, negative is none
	RetryWait time.Duration // before the second attempt; 0 is 1 s; doubled each time up to 30 s, with jitter

	Continue bool // go on from what an earlier run left, when it is provably of the same object
	Append   bool // upload: add to the end of what is there
	Unique   bool // upload: the server chooses a free name
	KeepOld  bool // a destination that is there stays as it is: the object is skipped
	InPlace  bool // upload: write under the final name at once

	Offset   int64 // first byte of the source to copy
	Length   int64 // bytes to copy; 0 is to the end
	Last     int64 // copy only so many bytes at the end; Offset and Length are then 0
	MaxSize  int64 // more bytes than this are an error of kind Protocol; 0 is unlimited
	Segments int   // connections for one large object to a local file; 0 and 1 are one

	NoTimes bool // do not keep modification times
	NoModes bool // do not keep permission bits

	// TempName names what an upload has not completed yet; nil is the default, see
	// [protocols.PutOptions]. A sync does not know such names for its own: with Delete it
	// removes them like all that the source does not have.
	TempName func(name string) string
	// RemovePartials: what a copy that failed has left is removed, on both sides, when it is
	// not tried again. Else it stays for a later Continue.
	RemovePartials bool

	Durability Durability
	Verify     Verify                // nil: not verified
	Progress   Progress              // nil: not reported
	Trace      func(protocols.Event) // receives retries and fallbacks; may be nil
	Warn       func(text string)     // receives what the user should know, from many goroutines; may be nil
}

// Verify compares what was copied with what the server says of it, such as a
// checksum. remote and name say where the object is; local has its bytes as the
// local side has them. An error of class [errors.ErrUnsupported] means that the
// server cannot tell, which is not a failure in a sync. Downloads are verified before
// they get their final name. It is not called where no side is local.
type Verify func(ctx context.Context, remote protocols.Client, name string, local io.Reader) error

// Progress shows what goes on. Its methods are called from many goroutines.
type Progress interface {
	// Start announces an object of size bytes, or -1.
	Start(name string, size int64) Task
}

// Task is one object in progress.
type Task interface {
	Set(done int64) // bytes there now, those of earlier runs included; may go back after a retry
	Done(err error) // the last call
}

// own returns options that a copy may change: where a range counts from the end, its first
// byte becomes known when the source is opened.
func (o *Options) own() *Options {
	if o.Last == 0 {
		return o
	}
	c := *o
	c.Offset, c.Length = 0, 0
	return &c
}

// get opens the source. Where the range counts from the end, it begins where the server
// says; a retry then asks for that.
func (o *Options) get(ctx context.Context, c protocols.Client, name string, g *protocols.GetOptions) (*protocols.Object, error) {
	if o.Last == 0 {
		return protocols.Get(ctx, c, name, g)
	}
	obj, err := protocols.GetLast(ctx, c, name, o.Last)
	if err == nil {
		g.Offset, o.Offset, o.Last = obj.Offset, obj.Offset, 0
	}
	return obj, err
}

// Links says what a sync does with symbolic links.
type Links int

// What to do with symbolic links.
const (
	LinksCopy   Links = iota // make them as links where the target stays inside the tree, else skip
	LinksSkip                // leave them out
	LinksFollow              // copy what they point at
)

// SyncOptions says how to sync. Nil is all defaults.
type SyncOptions struct {
	Options
	Parallel int      // workers, each with a connection of its own; 0 is 4, at most 64
	Include  []string // globs of what to copy; empty is everything. See [Glob]
	Exclude  []string // globs of what to leave alone on both sides; wins over Include

	Delete    bool // delete entries that are not in the source
	MaxDelete int  // remove nothing when it would be more; 0: no limit, but an empty source removes nothing; negative: no limit
	DryRun    bool // write nothing at all, report the same
	// NewerThan and OlderThan leave objects alone, on both sides, that are not from after
	// the one and before the other. Those whose time is not known are not left alone. Zero:
	// no limit.
	NewerThan, OlderThan time.Time
	// BackupDir is a folder that takes what is replaced or deleted, under its name in the
	// tree: a path on the side of the destination, in DST unless it is absolute. Objects on a
	// server are moved there, local ones copied first. An older backup is replaced.
	BackupDir string

	Checksum bool // compare content (through Verify where that is set) where sizes are equal
	Missing  bool // copy only entries that are not in the destination: existing files stay as they are
	Links    Links
	Depth    int    // deepest folder; 0 is 100
	Journal  string // path of the journal; empty is none
}
