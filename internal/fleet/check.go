package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/netclients/netclients/protocols"
)

// What a worker needs.
const (
	leastSpace = 64 << 20         // bytes free in its folder
	mostSkew   = 30 * time.Second // between its clock and the broker's
)

// fitness returns why this machine should take no jobs: its clock, disk or permissions.
func (w *worker) fitness(ctx context.Context) error {
	if err := fitFolder(w.o.Dir); err != nil {
		return err
	}
	return w.fitClock(ctx)
}

// fitFolder checks that the folder for jobs is the user's own and has room.
func fitFolder(dir string) error {
	unfit := func(format string, args ...any) error {
		return &protocols.Error{Op: "fleet", Kind: protocols.KindLocal, Text: "this worker takes no jobs: " + fmt.Sprintf(format, args...)}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unfit("its folder cannot be made: %v", err)
	}
	if info, err := os.Stat(dir); err != nil {
		return unfit("its folder: %v", err)
	} else if open := info.Mode().Perm() & 0o022; open != 0 && privateModes {
		return unfit("its folder %s can be written by other users (mode %04o); chmod 700 it", dir, info.Mode().Perm())
	}
	probe := filepath.Join(dir, fmt.Sprintf(".probe-%d", os.Getpid()))
	err := os.WriteFile(probe, make([]byte, 4096), 0o600)
	if err = errors.Join(err, os.Remove(probe)); err != nil {
		return unfit("its folder cannot be written: %v", err)
	}
	if free, err := freeSpace(dir); err == nil && free < leastSpace {
		return unfit("the disk of %s has %d MiB left, and a worker needs %d", dir, free>>20, leastSpace>>20)
	}
	return nil
}

// fitClock compares the clock with the broker's. Turns, ages and the times in records are
// wrong when they differ.
func (w *worker) fitClock(ctx context.Context) error {
	before := time.Now()
	rev, err := w.f.slots.Put(ctx, "clock."+hash(w.id), []byte(w.id))
	if err != nil {
		return w.f.broken(err)
	}
	took := time.Since(before)
	e, err := w.f.slots.GetRevision(ctx, "clock."+hash(w.id), rev)
	if err != nil {
		return nil // written over by now; the next check will do
	}
	skew := before.Add(took / 2).Sub(e.Created()).Round(time.Second)
	w.skew.Store(int64(skew))
	return fitSkew(skew)
}

func fitSkew(skew time.Duration) error {
	if skew.Abs() > mostSkew {
		return &protocols.Error{Op: "fleet", Kind: protocols.KindLocal, Text: fmt.Sprintf("this worker takes no jobs: its clock and the broker's differ by %v", skew), Hint: "set the clocks by NTP"}
	}
	return nil
}
