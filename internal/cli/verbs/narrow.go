package verbs

import (
	"bufio"
	"bytes"
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer"
)

// narrowing are the flags of sync about which files of a tree are meant, and where what
// is replaced goes.
type narrowing struct {
	include, exclude []string
	excludeFrom      []string
	newer, older     kit.Moment
	backupDir        string
}

func (n *narrowing) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&n.include, "include", nil, "include only names that match `GLOB`")
	fs.StringArrayVar(&n.exclude, "exclude", nil, "exclude names that match `GLOB`, on both sides")
	fs.StringArrayVar(&n.excludeFrom, "exclude-from", nil, "exclude what the globs in `FILE` match, one a line; # begins a comment")
	fs.Var(&n.newer, "newer-than", "only files changed after this: RFC 3339, a date, or how long ago (36h, 7d)")
	fs.Var(&n.older, "older-than", "only files changed before this")
	fs.StringVar(&n.backupDir, "backup-dir", "", "keep what is replaced or deleted in the folder `DIR`, on the side of DST and in DST unless it is absolute")
}

// most bytes of a file of globs.
const maxGlobFile = 4 << 20

// read adds the globs in files to the others.
func (n *narrowing) read(ctx context.Context) error {
	for _, path := range n.excludeFrom {
		b, err := file.ReadAll(ctx, path, maxGlobFile)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		lines.Buffer(nil, maxGlobFile)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
				n.exclude = append(n.exclude, line)
			}
		}
	}
	n.excludeFrom = nil
	return nil
}

// apply sets the options of a sync of trees.
func (n *narrowing) apply(o *transfer.SyncOptions) {
	o.Include, o.Exclude, o.NewerThan, o.OlderThan, o.BackupDir = n.include, n.exclude, n.newer.Time, n.older.Time, n.backupDir
}

// ofFiles returns a flag that was given and means nothing for messages, or "".
func (n *narrowing) ofFiles() string {
	switch {
	case !n.newer.IsZero():
		return "newer-than"
	case !n.older.IsZero():
		return "older-than"
	case n.backupDir != "":
		return "backup-dir"
	}
	return ""
}
