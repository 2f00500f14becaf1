package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Rule says what [Open] accepts under a path that other users may know, and where
// they may have put something beforehand.
type Rule int

// The rules. All but [RuleNamed] follow a symbolic link only when it belongs to the
// user, or with [RuleConfig] to root, and its target passes the same rule. Devices,
// which only root can make, and the names of open file descriptors are accepted by
// all but [RuleFolder].
const (
	// RulePrivate is for what the program keeps for itself: states, ledgers,
	// journals, locks, cookie jars, traces. The file is regular and the user's own,
	// has no second hard link, and not everybody may write it. A FIFO of the user's
	// own is accepted for writing only.
	RulePrivate Rule = iota
	// RuleConfig is for what the program obeys: the file is regular, belongs to the
	// user or root, and neither the group nor everybody may write it. Its folder
	// belongs to the user or root too, and not everybody may write there.
	RuleConfig
	// RuleMailbox is for mailboxes, which several users may share: the file is
	// regular, has no second hard link, and not everybody may write it; in a folder
	// where everybody may write, it is the user's own.
	RuleMailbox
	// RuleFolder is for a folder that is opened to work in it: whose it is, and who
	// may write there, does not matter.
	RuleFolder
	// RuleNamed is for input and output that the user names: anything that can be
	// opened, but no FIFO of another user in a folder where others may write.
	RuleNamed
)

// maxLinks bounds a chain of symbolic links, as the kernel does.
const maxLinks = 40

// Open opens a file as [os.OpenFile] does, if what stands under the path is what
// the rule accepts; else the error has kind Local and says what it is. Opening a
// FIFO waits for the other side, and ends with ctx. A file that is missing is made
// when flag has O_CREATE, never through a link of another user.
//
// The check and the opening are one step for whoever exchanges the file in between:
// what was opened is what was looked at.
func Open(ctx context.Context, path string, rule Rule, flag int, perm fs.FileMode) (*os.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if isDescriptor(path) {
		return os.OpenFile(path, flag, perm)
	}
	if rule == RuleNamed {
		return openNamed(ctx, path, flag, perm)
	}
	for range maxLinks {
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
			f, err := os.OpenFile(path, flag|os.O_EXCL|noFollow, perm)
			if !errors.Is(err, fs.ErrExist) || flag&os.O_EXCL != 0 {
				return f, err
			}
			continue // somebody made it just now
		case err != nil:
			return nil, err
		case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrExist}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return openChecked(ctx, path, info, rule, flag)
		}
		if !mine(info) && !(rule == RuleConfig && roots(info)) {
			return nil, refuse(path, "is a symbolic link of another user")
		}
		target, err := os.Readlink(path)
		if err != nil {
			return nil, err
		}
		if err := stillThere(path, info); err != nil {
			return nil, err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// stillThere fails unless path is still the link that info describes: what was read of
// another one does not count.
func stillThere(path string, info fs.FileInfo) error {
	now, err := os.Lstat(path)
	if err == nil && !os.SameFile(info, now) {
		err = exchanged(path)
	}
	return err
}

// openChecked opens what info describes, when the rule accepts it. What was opened is
// checked too: owner, mode and links may have changed meanwhile.
func openChecked(ctx context.Context, path string, info fs.FileInfo, rule Rule, flag int) (*os.File, error) {
	if why := ruleFault(path, info, rule, flag); why != "" {
		return nil, refuse(path, why)
	}
	f, opened, err := openSame(ctx, path, info, flag&^(os.O_CREATE|os.O_EXCL|os.O_TRUNC)|noFollow)
	if err != nil {
		return nil, err
	}
	if why := ruleFault(path, opened, rule, flag); why != "" {
		err = refuse(path, why)
	}
	if err == nil && flag&os.O_TRUNC != 0 && info.Mode().IsRegular() {
		err = f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openSame opens path without blocking, a FIFO until ctx ends, and makes sure that
// it is still what info describes.
func openSame(ctx context.Context, path string, info fs.FileInfo, flag int) (f *os.File, opened fs.FileInfo, err error) {
	switch {
	case info.Mode()&fs.ModeNamedPipe != 0:
		f, err = openFIFO(ctx, path, flag)
	case info.Mode().IsRegular():
		f, err = os.OpenFile(path, flag|syscall.O_NONBLOCK, 0)
	default:
		f, err = os.OpenFile(path, flag, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	opened, err = f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = exchanged(path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, opened, nil
}

// openNamed opens what the user names, links followed.
func openNamed(ctx context.Context, path string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return openMissing(path, flag, perm)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return openRegular(path, flag, perm)
	}
	if info.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(path, flag, perm)
	}
	if foreignFIFO(path, info) {
		return nil, refuse(path, "is a FIFO of another user, in a folder where others may write")
	}
	f, _, err := openSame(ctx, path, info, flag&^(os.O_CREATE|os.O_EXCL|os.O_TRUNC))
	return f, err
}

// openMissing makes a file that the user names, if flag says so: through a link of the
// user's own that leads nowhere, never through one of another user.
func openMissing(path string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
		f, err := os.OpenFile(path, flag|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) && flag&os.O_EXCL == 0 {
			return nil, exchanged(path)
		}
		return f, err
	case err == nil && flag&os.O_CREATE != 0 && info.Mode()&fs.ModeSymlink != 0 && !mine(info):
		return nil, refuse(path, "is a symbolic link of another user")
	}
	return openRegular(path, flag, perm)
}

// openRegular opens what was a regular file a moment ago, and no FIFO that took its
// place.
func openRegular(path string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = exchanged(path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// foreignFIFO reports whether another user may have put the FIFO there to read, or
// to provide, what the user means to be in a file.
func foreignFIFO(path string, info fs.FileInfo) bool {
	if mine(info) {
		return false
	}
	end, err := filepath.EvalSymlinks(path)
	return err != nil || sharedFolder(filepath.Dir(path)) || sharedFolder(filepath.Dir(end))
}

// sharedFolder reports whether somebody else than the user and root can make files
// in a folder.
func sharedFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err != nil || info.Mode().Perm()&0o022 != 0 || !mine(info) && !roots(info)
}

// ruleFault returns why a rule refuses a file, or nothing. The file is not a link.
func ruleFault(path string, info fs.FileInfo, rule Rule, flag int) string {
	mode := info.Mode()
	switch {
	case mode&fs.ModeDevice != 0:
		return ""
	case mode&fs.ModeNamedPipe != 0 && rule == RulePrivate && flag&(os.O_WRONLY|os.O_RDWR) == os.O_WRONLY && mine(info):
		return ""
	case rule == RuleFolder && mode.IsDir():
		return ""
	case rule == RuleFolder:
		return "is not a folder"
	case !mode.IsRegular():
		return "is " + kindOfFile(mode) + ", not a regular file"
	case rule == RuleConfig:
		return configFault(path, info)
	case rule == RuleMailbox && !mine(info) && !everybodyMayWrite(filepath.Dir(path)):
		return sharedFault(info)
	}
	return ownFault(info)
}

// ownFault returns why a regular file may be another user's, or nothing.
func ownFault(info fs.FileInfo) string {
	if !mine(info) {
		return "belongs to another user"
	}
	return sharedFault(info)
}

// sharedFault returns what lets other users change a file by another name or by its
// mode, or nothing.
func sharedFault(info fs.FileInfo) string {
	switch {
	case hardLinks(info) != 1:
		return "has a second name (hard link)"
	case othersMayWrite(info, 0o002):
		return "can be written by everybody"
	}
	return ""
}

func configFault(path string, info fs.FileInfo) string {
	switch {
	case !mine(info) && !roots(info):
		return "belongs to another user"
	case othersMayWrite(info, 0o022):
		return "can be written by others; chmod go-w it"
	}
	dir := filepath.Dir(path)
	if folder, err := os.Stat(dir); err != nil || !mine(folder) && !roots(folder) || everybodyMayWrite(dir) {
		return "is in a folder that others may change"
	}
	return ""
}

// everybodyMayWrite reports whether every user can make files in a folder.
func everybodyMayWrite(dir string) bool {
	info, err := os.Stat(dir)
	return err != nil || othersMayWrite(info, 0o002)
}

func kindOfFile(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a special file"
}

// exchanged is the error for a file that is another one than a moment ago.
func exchanged(path string) error {
	return &protocols.Error{Kind: protocols.KindLocal, Sentinel: fs.ErrPermission, Text: path + " was replaced while being opened; try again"}
}

func refuse(path, why string) error {
	return &protocols.Error{Kind: protocols.KindLocal, Sentinel: fs.ErrPermission, Text: path + " " + why + ": not opened"}
}

// openFIFO opens a FIFO, which waits for the other side until ctx ends.
func openFIFO(ctx context.Context, path string, flag int) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result)
	go func() {
		f, err := os.OpenFile(path, flag, 0)
		select {
		case opened <- result{f, err}:
		case <-ctx.Done():
			if f != nil {
				f.Close()
			}
		}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		wakeFIFO(path, flag)
		return nil, context.Cause(ctx)
	}
}

// EndWith makes reads and writes of a FIFO that wait for the other side fail when ctx
// ends. The caller calls the function returned when it is done with f.
func EndWith(ctx context.Context, f *os.File) (done func() bool) {
	return context.AfterFunc(ctx, func() { f.SetDeadline(time.Unix(1, 0)) })
}

// ReadAll reads a file that the user names, at most limit bytes of it: see
// [RuleNamed]. Waiting for the other side of a FIFO ends with ctx.
func ReadAll(ctx context.Context, path string, limit int64) ([]byte, error) {
	f, err := Open(ctx, path, RuleNamed, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	defer EndWith(ctx, f)()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case int64(len(b)) > limit:
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("%s is longer than %d bytes", path, limit)}
	}
	return b, nil
}

// OpenOwn opens a file that an earlier run has left below dir. In a folder where
// others may write it could be theirs: so it must be a file that [RulePrivate]
// accepts, and no link.
func OpenOwn(dir *os.Root, name string, flag int) (*os.File, error) {
	named, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, refuse(name, "is not a regular file")
	}
	if why := ownFault(named); why != "" {
		return nil, refuse(name, why)
	}
	f, err := dir.OpenFile(name, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(named, info) {
		err = exchanged(name)
	} else if err == nil && ownFault(info) != "" {
		err = refuse(name, ownFault(info))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// maxReopen is how often OpenHeld looks for the file of a run that has just put a new
// one in its place.
const maxReopen = 10

// OpenHeld opens or makes a file that the program keeps for itself, see [RulePrivate],
// with the folders above it, for this process alone. When another process has it the
// error has class [protocols.ErrBusy]. It is the file that path names: one that another
// run has replaced while it was being opened is not used.
func OpenHeld(ctx context.Context, path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	for range maxReopen {
		f, err := Open(ctx, path, RulePrivate, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := Hold(f, path); err != nil {
			f.Close()
			return nil, err
		}
		if isAt(f, path) {
			return f, nil
		}
		f.Close()
	}
	return nil, &protocols.Error{Kind: protocols.KindLocal, Sentinel: protocols.ErrBusy, Text: path + " is in use by another run"}
}

// isAt reports whether a path names an open file.
func isAt(f *os.File, path string) bool {
	open, err1 := f.Stat()
	there, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(open, there)
}
