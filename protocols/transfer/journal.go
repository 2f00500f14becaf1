package transfer

import (
	"context"

	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Record is one line of a journal: what was stored.
type Record = state.Record

// Journal remembers what was done, over runs: a file of JSON lines that only
// grows. What a run was killed over is at most the last line; it is dropped when
// the journal is next opened. One process writes at a time.
//
// Methods may be called from many goroutines.
type Journal = state.Journal

// OpenJournal opens or makes the journal at path, with its folder, and reads it.
// When another process has it open the error has class [protocols.ErrBusy]. A file
// that is not a journal, or not the user's own, is not changed: see
// [file.RulePrivate].
func OpenJournal(ctx context.Context, path string) (*Journal, error) {
	return state.OpenJournal(ctx, path)
}
