package mailstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

const (
	lockWithin = 20 * time.Second      // how long others may have an mbox
	lockPause  = 50 * time.Millisecond // between two attempts
	lockStale  = 5 * time.Minute       // a dot-lock of this age is nobody's
)

// mboxLock is an mbox that is open and locked, for programs that look at dot-locks
// and for those that look at fcntl locks.
type mboxLock struct {
	*os.File
	dot string // the lock file; empty where the folder cannot be written
}

// lockMbox opens and locks a file, which is made when it is missing.
func lockMbox(ctx context.Context, path string) (*mboxLock, error) {
	l := &mboxLock{}
	if err := waitFor(ctx, path, func() (bool, error) { return l.dotLock(ctx, path+".lock") }); err != nil {
		return nil, err
	}
	f, err := file.Open(ctx, path, file.RuleMailbox, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		l.unlock()
		return nil, err
	}
	l.File = f
	if err := waitFor(ctx, path, func() (bool, error) { return fcntlLock(f) }); err != nil {
		l.unlock()
		return nil, err
	}
	return l, nil
}

// waitFor tries until it works, fails, or takes too long.
func waitFor(ctx context.Context, path string, try func() (bool, error)) error {
	for end := time.Now().Add(lockWithin); ; {
		done, err := try()
		if done || err != nil {
			return err
		}
		if time.Now().After(end) {
			return &protocols.Error{Kind: protocols.KindLocal, Sentinel: protocols.ErrBusy, Retryable: true, Text: path + " is locked by another program"}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lockPause):
		}
	}
}

// dotLock makes the lock file, or says that another has it.
func (l *mboxLock) dotLock(ctx context.Context, path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	switch {
	case err == nil:
		fmt.Fprintf(f, "%d\n", os.Getpid())
		l.dot = path
		return true, f.Close()
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return true, nil // as in a spool folder of the system: fcntl has to do
	case !errors.Is(err, fs.ErrExist):
		return false, err
	}
	return false, removeStale(ctx, path)
}

// removeStale removes a lock file of a process that has ended, or of one that is
// very old. Of several processes that find it only one does, and none removes the
// lock that another has made meanwhile: who removes holds the file itself, and
// looks whether it is still the one of that name. What is not a regular file, or not
// one that [file.RuleMailbox] accepts, stays.
func removeStale(ctx context.Context, path string) error {
	f, err := file.Open(ctx, path, file.RuleMailbox, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if file.Hold(f, path) != nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Lstat(path)
	if err != nil || !os.SameFile(info, now) || !stale(f, info) {
		return nil
	}
	return os.Remove(path)
}

// stale reports whether a lock file is of a process that has ended, or very old.
func stale(f io.Reader, info fs.FileInfo) bool {
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		return ended(pid)
	}
	return time.Since(info.ModTime()) > lockStale
}

// unlock closes the file, which ends its lock, and takes the dot-lock away.
func (l *mboxLock) unlock() {
	if l.File != nil {
		l.Close()
	}
	if l.dot != "" {
		os.Remove(l.dot)
	}
}
