package ftp

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// asideSuffix is for the old file while the new one takes its name, where the server
// does not rename onto a file. A sync ignores names that end in PartSuffix.
const asideSuffix = ".old" + protocols.PartSuffix

// seal sets time, mode and final name of a stored file, in one flight: the name
// last, so that a rename that is refused leaves the file that has the name as it
// was. Renaming must work; time and mode are set as far as the server lets us.
func (s uploader) seal(ctx context.Context, u *upload) error {
	u.seals++
	from, to, err := s.paths(ctx, u)
	if err != nil {
		return err
	}
	steps := s.attributeSteps(from, u.o, &u.e)
	var known bool
	if from != to {
		steps = append(steps, renaming(from, to, &known)...)
	}
	err = s.fly(ctx, steps, nil)
	if err == nil || s.Failed() != nil || from == to {
		return err
	}
	if !known {
		return s.notRenamed(ctx, u, from, to, err)
	}
	return s.renameOver(ctx, u, from, to, err)
}

// renaming returns the steps of a rename; known is set when the server has the file
// and would rename it.
func renaming(from, to string, known *bool) []step {
	return []step{
		{verb: "RNFR", args: []string{from}, then: func(r *protocols.Reply) error {
			*known = r.Code/100 == 3
			return want(r, 3)
		}},
		{verb: "RNTO", args: []string{to}, slow: true, then: func(r *protocols.Reply) error { return making(want(r, 2)) }},
	}
}

// notRenamed is called when RNFR was refused: the server does not rename, which no
// other name would change, so that the file that has the name is left alone. Or the
// rename was done before the answers to it were lost.
func (s uploader) notRenamed(ctx context.Context, u *upload, from, to string, cause error) error {
	if u.seals > 1 && u.e.Size >= 0 {
		if n, err := s.size(ctx, to, s.c.Settings.ASCII); err != nil || n == u.e.Size {
			return err
		}
	}
	if n, err := s.size(ctx, from, s.c.Settings.ASCII); err == nil && n >= 0 && n == u.e.Size {
		u.noRename = true
		s.c.memory().Note(s.c.server(), factNoRename)
		s.Conn.Event(protocols.EventNote, "the server does not rename files: they are written under their final names", 0)
	}
	return storedAs(u.part, cause)
}

// storedAs adds to the error of a rename where the upload is.
func storedAs(part string, cause error) error {
	if e, ok := errors.AsType[*protocols.Error](cause); ok {
		e.Hint = "the server stores files but does not rename them: --in-place writes under the final name; the upload is complete as " + part
	}
	return cause
}

// renameOver is for servers that do not rename onto a file that is there. The old
// file is moved aside, not deleted: whatever is refused, nothing is lost.
func (s uploader) renameOver(ctx context.Context, u *upload, from, to string, cause error) error {
	if !refused(cause) {
		return cause
	}
	if s.isFolder(to) {
		e, _ := errors.AsType[*protocols.Error](cause)
		e.Text, e.Sentinel = strings.TrimSuffix(e.Text, ".")+": a folder exists already under this name", fs.ErrExist
		e.Hint = "with / at the end of the URL files go into the folder"
		return s.discard(from, cause)
	}
	aside := to + asideSuffix
	if s.Failed() == nil {
		u.aside = u.name + asideSuffix
		if err := s.rename(ctx, to, aside); err == nil && s.rename(ctx, from, to) == nil {
			u.aside = ""
			_, err := s.Cmd("DELE", aside)
			return err
		} else if s.Failed() == nil && (err != nil || s.rename(ctx, aside, to) == nil) {
			u.aside = "" // as it was before
		}
	}
	if s.Failed() != nil {
		return bothKept(s.c, u, s.Failed())
	}
	return bothKept(s.c, u, storedAs(from, cause))
}

// bothKept adds to an error where the new file and the old one are, while neither may
// have the name.
func bothKept(c *Client, u *upload, cause error) error {
	if u.aside == "" {
		return cause
	}
	cause = c.line.Wrap(cause, "put", u.name)
	if e, ok := errors.AsType[*protocols.Error](cause); ok {
		e.Hint = "the upload is complete as " + u.part + "; if the old file has lost its name, it is " + u.aside + ": rename one of them"
	}
	return cause
}

// paths returns those of the stored file and of the name that it shall have.
func (s uploader) paths(ctx context.Context, u *upload) (from, to string, err error) {
	if from, err = s.path(ctx, u.part); err == nil {
		to, err = s.path(ctx, u.name)
	}
	return from, to, err
}

func (s uploader) rename(ctx context.Context, from, to string) error {
	var known bool
	return s.fly(ctx, renaming(from, to, &known), nil)
}

// discard deletes a temporary file that is of no use, and returns cause.
func (s uploader) discard(path string, cause error) error {
	if err := s.goHome(); err != nil {
		return err
	}
	if _, err := s.Cmd("DELE", path); err != nil {
		return err
	}
	return cause
}
