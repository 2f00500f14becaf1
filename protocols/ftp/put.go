package ftp

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Put stores r under name (STOR). Unless InPlace, Append or Unique say otherwise
// the content goes to a temporary name first and is renamed when the server has
// confirmed it, so that the final name never holds half a file. With Offset the
// temporary file (or the file itself, InPlace) is gone on with, by REST or APPE.
// Modification time and mode are set where the server can (MFMT, MDTM, SITE).
func (c *Client) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	e := c.entry(name)
	if !o.Unique && !c.Settings.Unique && (name == "" || strings.HasSuffix(name, "/")) {
		return e, c.wrap(protocols.UsageError("", "", "the URL names a folder: the name to store under is missing"), "put", name)
	}
	err := c.do(ctx, "put", name, []string{name}, func(s *session) error {
		if err := s.commands(c.Settings.Before); err != nil {
			return err
		}
		if err := s.put(ctx, name, r, o, &e); err != nil {
			return err
		}
		return s.commands(c.Settings.After)
	})
	return e, err
}

func (s *session) put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions, e *protocols.Entry) error {
	unique := o.Unique || s.c.Settings.Unique
	if unique {
		return s.putUnique(ctx, name, r, o, e)
	}
	path, err := s.path(name)
	if err != nil {
		return err
	}
	to := path
	if !o.InPlace && !o.Append {
		to = path + protocols.PartSuffix
	}
	n, _, err := s.store(ctx, s.storing(to, o), r)
	if err != nil {
		return err
	}
	e.Size = o.Offset + n
	if o.Append {
		e.Size = -1
	}
	return s.seal(to, path, o, e)
}

// putUnique stores under a name that the server chooses, in the folder of name. RFC
// 959 4.1.3: STOU takes no name, the working folder counts; servers that take one
// are given none.
func (s *session) putUnique(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions, e *protocols.Entry) error {
	dir, folder := strings.CutSuffix(name, "/")
	if !folder {
		dir = parent(name)
	}
	if dir != "" {
		refusal, err := s.enterFolder(dir)
		if err = cmp.Or(err, refusal); err != nil {
			return err
		}
	} else if err := s.goHome(); err != nil {
		return err
	}
	t := transfer{verb: "STOU", ascii: s.c.Settings.ASCII, stores: true}
	n, begun, err := s.store(ctx, t, r)
	if err != nil {
		return err
	}
	e.Path = join(dir, base(uniqueName(begun, name)))
	e.Size, e.Name, e.URL = n, base(e.Path), s.c.urlOf(e.Path, false)
	path, err := s.path(e.Path)
	if err != nil {
		return err
	}
	return s.seal(path, path, o, e)
}

// storing chooses command and offset.
func (s *session) storing(to string, o *protocols.PutOptions) transfer {
	t := transfer{verb: "STOR", arg: to, rest: o.Offset, ascii: s.c.Settings.ASCII, stores: true}
	switch {
	case o.Append:
		t.verb, t.rest = "APPE", 0
	case o.Offset > 0 && !s.has("REST"):
		t.verb, t.rest = "APPE", 0
	}
	return t
}

// store sends r on a data connection. A reader that fails ends the transfer
// without a confirmation: what is there then is under the temporary name.
func (s *session) store(ctx context.Context, t transfer, r io.Reader) (int64, *protocols.Reply, error) {
	st, err := s.open(ctx, t)
	if err != nil {
		return 0, nil, err
	}
	done := st.conn.Use(ctx)
	defer done()
	if t.ascii {
		r = toNet(r)
	}
	src := &source{r: r}
	n, err := st.conn.ReadFrom(src.reader())
	if err == nil {
		err = st.finishSending()
	}
	switch {
	case src.err != nil: // our side failed
		if ctx.Err() == nil {
			st.abort()
		} else {
			s.farewell()
		}
		return n, st.begun, src.err
	case err != nil:
		return n, st.begun, st.broken(ctx, err)
	}
	return n, st.begun, st.end()
}

// source remembers which side of a copy failed. A file is handed on as it is, so
// that the kernel can send it.
type source struct {
	r   io.Reader
	err error
}

func (s *source) reader() io.Reader {
	if _, ok := s.r.(syscall.Conn); ok {
		return s.r
	}
	return readerFunc(func(p []byte) (int, error) {
		n, err := s.r.Read(p)
		if err != nil && err != io.EOF {
			s.err = err
		}
		return n, err
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// uniqueName finds the name in a reply to STOU: "FILE: name" (RFC 1123 4.1.2.9),
// else the last word.
func uniqueName(r *protocols.Reply, dir string) string {
	text := r.Text()
	if _, after, ok := strings.Cut(text, "FILE:"); ok {
		return strings.TrimSpace(after)
	}
	fields := strings.Fields(strings.TrimRight(text, "."))
	if len(fields) == 0 {
		return dir
	}
	return strings.Trim(fields[len(fields)-1], `"'()`)
}

// seal returns what was stored its time, mode and final name, in one flight: the name
// last, so that a rename that is refused leaves what has the name now as it was.
// Renaming must work; time and mode are set as far as the server lets us.
func (s *session) seal(from, to string, o *protocols.PutOptions, e *protocols.Entry) error {
	var steps []step
	if !o.Modified.IsZero() {
		e.Modified = o.Modified
		steps = append(steps, s.timeStep(from, o.Modified, func(ok bool) {
			if !ok {
				e.Modified = time.Time{}
			}
		})...)
	}
	if o.HasMode {
		e.Mode, e.HasMode = o.Mode, true
		steps = append(steps, step{verb: "SITE", args: []string{"CHMOD", chmodMode(o), from}, then: func(r *protocols.Reply) error {
			e.HasMode = r.Code/100 == 2
			return nil
		}})
	}
	if from != to {
		steps = append(steps, renaming(from, to)...)
	}
	if len(steps) == 0 {
		return nil
	}
	err := s.fly(steps, nil)
	if err != nil && from != to && s.failed == nil {
		return s.renameOver(from, to, err)
	}
	return err
}

func renaming(from, to string) []step {
	return []step{
		{verb: "RNFR", args: []string{from}, then: must(3)},
		{verb: "RNTO", args: []string{to}, then: func(r *protocols.Reply) error { return making(want(r, 2)) }},
	}
}

func chmodMode(o *protocols.PutOptions) string {
	return strings.TrimPrefix(protocols.OctalMode(o.Mode), "0")
}

// renameOver is for servers that do not rename onto a file that is there: it goes
// first. The new content is complete under its temporary name all the time.
func (s *session) renameOver(from, to string, cause error) error {
	if !refused(cause) {
		return cause
	}
	err := s.fly(append([]step{{verb: "DELE", args: []string{to}, then: must(2)}}, renaming(from, to)...), nil)
	if err == nil || s.failed != nil {
		return err
	}
	folder := s.isFolder(to)
	e, ok := errors.AsType[*protocols.Error](cause)
	switch {
	case s.failed != nil:
		return s.failed
	case !ok:
	case folder:
		e.Text, e.Sentinel = strings.TrimSuffix(e.Text, ".")+": a folder exists already under this name", fs.ErrExist
		e.Hint = "with / at the end of the URL files go into the folder"
		return s.discard(from, cause)
	default:
		e.Hint = "the server lets files be stored but not renamed: --in-place writes under the final name; the upload is complete as " + from
	}
	return cause
}

// discard deletes a temporary file of which nothing can become; it gives cause.
func (s *session) discard(path string, cause error) error {
	if err := s.goHome(); err != nil {
		return err
	}
	if _, err := s.cmd("DELE", path); err != nil {
		return err
	}
	return cause
}

// timeStep sets a modification time with what the server has: MFMT, or MDTM with
// a time in front of the name, as vsftpd, or SITE UTIME.
func (s *session) timeStep(path string, t time.Time, done func(ok bool)) []step {
	when := t.UTC().Format("20060102150405")
	then := func(r *protocols.Reply) error {
		ok := r.Code/100 == 2
		s.noTimes = s.noTimes || r.Code >= 500 && r.Code <= 504
		done(ok)
		return nil
	}
	switch {
	case s.noTimes:
		done(false)
		return nil
	case s.has("MFMT"):
		return []step{{verb: "MFMT", args: []string{when, path}, then: then}}
	case s.has("MDTM"):
		return []step{{verb: "MDTM", args: []string{when, path}, then: then}}
	}
	return []step{{verb: "SITE", args: []string{"UTIME", when, path}, then: then}}
}

// SetTime sets the modification time of a file, to the second.
func (c *Client) SetTime(ctx context.Context, name string, t time.Time) error {
	return c.do(ctx, "touch", name, []string{name}, func(s *session) error {
		path, err := s.path(name)
		if err != nil {
			return err
		}
		ok := false
		steps := s.timeStep(path, t, func(done bool) { ok = done })
		if err := s.fly(steps, nil); err != nil {
			return err
		}
		if !ok {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the server does not set times"}
		}
		return nil
	})
}

// Chmod sets the permission bits of a file or folder (SITE CHMOD). mode is octal,
// such as "644", or what else the server takes.
func (c *Client) Chmod(ctx context.Context, name, mode string) error {
	if n, err := strconv.ParseUint(mode, 8, 16); err != nil || n > 0o7777 {
		return protocols.UsageError(proto, "chmod", "mode "+strconv.Quote(mode)+" is not octal, such as 644")
	}
	return c.do(ctx, "chmod", name, []string{name}, func(s *session) error {
		path, err := s.path(name)
		if err != nil {
			return err
		}
		_, err = s.need(2, "SITE", "CHMOD", mode, path)
		return err
	})
}
