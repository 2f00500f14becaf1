package ftp

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Put stores r under name (STOR). Unless InPlace, Append or Unique say otherwise
// the content goes to a temporary name first and is renamed when the server has
// confirmed it, so that the final name never holds half a file. Where the server does
// not rename files, the final name is written directly, from the start of r when that is
// an [io.Seeker], and by all clients that share a [protocols.Memory] from then on. With Offset, r
// continues the temporary file (InPlace: the file itself), which is checked to be as
// long as that makes it. Modification time and mode are set where the server can
// (MFMT, MDTM, SITE).
func (c *Client) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (_ protocols.Entry, err error) {
	ctx, done := c.line.Observed(ctx, "put", name)
	defer func() { done(err) }()
	if o == nil {
		o = &protocols.PutOptions{}
	}
	u := &upload{name: name, o: o, unique: o.Unique || c.Settings.Unique, e: c.entry(name)}
	if !u.unique && (name == "" || strings.HasSuffix(name, "/")) {
		return u.e, c.line.Wrap(protocols.UsageError("", "", "the URL names a folder: the name to store under is missing"), "put", name)
	}
	ctx, leave, err := c.line.Enter(ctx, name)
	if err == nil {
		defer leave()
		err = c.put(ctx, u, r)
	}
	return u.e, c.line.Wrap(err, "put", name)
}

// put stores and seals in two runs, each of which may be repeated on a new session.
func (c *Client) put(ctx context.Context, u *upload, r io.Reader) error {
	start := startOf(r, u.o.Offset)
	err := u.store(ctx, c, r)
	if err == nil {
		err = u.seal(ctx, c)
	}
	if u.noRename && start >= 0 && ctx.Err() == nil {
		return u.inPlace(ctx, c, r.(io.Seeker), start)
	}
	return err
}

// startOf returns the position of r where the whole object begins, of which r continues
// offset bytes; -1 where r cannot go back to it.
func startOf(r io.Reader, offset int64) int64 {
	seeker, ok := r.(io.Seeker)
	if !ok {
		return -1
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil || at < offset {
		return -1
	}
	return at - offset
}

// inPlace stores again, under the final name, what a server has stored and would not
// rename.
func (u *upload) inPlace(ctx context.Context, c *Client, r io.Seeker, start int64) error {
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return err
	}
	part, o := u.part, *u.o
	o.InPlace, o.Offset = true, 0
	u.o, u.seals, u.noRename = &o, 0, false
	if err := u.store(ctx, c, r.(io.Reader)); err != nil {
		return err
	}
	_ = c.line.Run(ctx, func(s *session) error { // the file is there; what is left over does no harm
		path, err := s.path(ctx, part)
		if err != nil {
			return err
		}
		return uploader{s}.discard(path, nil)
	})
	return u.seal(ctx, c)
}

// store sends the content, under the name that it is not to keep unless that is the final one.
func (u *upload) store(ctx context.Context, c *Client, r io.Reader) error {
	err := c.line.Run(ctx, func(s *session) error {
		if err := s.commands(c.Settings.Before); err != nil {
			return err
		}
		if u.unique {
			return uploader{s}.putUnique(ctx, u, r)
		}
		return uploader{s}.put(ctx, u, r)
	})
	if err != nil {
		c.removePart(ctx, u)
	}
	return err
}

// seal gives what was stored its time, mode and name.
func (u *upload) seal(ctx context.Context, c *Client) error {
	return c.line.Run(ctx, func(s *session) error {
		if err := (uploader{s}).seal(ctx, u); err != nil {
			return err
		}
		return s.commands(c.Settings.After)
	})
}

// removeWithin bounds the removal of what a failed upload has left.
const removeWithin = 5 * time.Second

// removePart removes what a failed upload has left, where the options ask for that: over
// a new connection when the old one is lost.
func (c *Client) removePart(ctx context.Context, u *upload) {
	if !u.o.RemovePartial || u.part == "" || u.part == u.name {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	_ = c.line.Run(ctx, func(s *session) error { // the upload's own error is what counts
		path, err := s.path(ctx, u.part)
		if err != nil {
			return err
		}
		return uploader{s}.discard(path, nil)
	})
}

// upload is one file on its way to the server.
type upload struct {
	name     string // that it shall have
	part     string // that it is stored under; the same where nothing is renamed
	unique   bool   // the server chooses the name
	o        *protocols.PutOptions
	e        protocols.Entry
	seals    int    // how often it was tried to give it its final name
	noRename bool   // the server has it, and does not rename files
	aside    string // that the old file may have while neither has the final name
}

// uploader is a session that stores a file.
type uploader struct{ *session }

func (s uploader) put(ctx context.Context, u *upload, r io.Reader) error {
	u.part = u.name
	if !u.o.InPlace && !u.o.Append && !s.c.memory().Knows(s.c.server(), factNoRename) {
		if u.part = u.o.Temporary(u.name); u.part == "" {
			return protocols.UsageError("", "", "the temporary name is empty")
		}
	}
	path, err := s.path(ctx, u.part)
	if err != nil {
		return err
	}
	t := transfer{verb: "STOR", arg: path, ascii: s.c.Settings.ASCII, stores: true}
	var n int64
	switch {
	case u.o.Append:
		t.verb = "APPE"
		_, _, err = s.store(ctx, t, r)
		u.e.Size = -1
		return err
	case u.o.Offset > 0:
		n, err = s.resume(ctx, t, u, r)
	default:
		n, _, err = s.store(ctx, t, r)
	}
	u.e.Size = u.o.Offset + n
	return err
}

// resume continues a file at an offset: by APPE, which every server does alike, where
// that is its end; else by REST and STOR. Servers exist that accept REST and store
// from the start all the same, so that the size afterwards decides.
func (s uploader) resume(ctx context.Context, t transfer, u *upload, r io.Reader) (int64, error) {
	there, err := s.size(ctx, t.arg, t.ascii)
	if err != nil {
		return 0, err
	}
	if there >= 0 && there < u.o.Offset {
		return 0, notThere(there, u.o.Offset)
	}
	restart := t
	restart.rest = u.o.Offset
	if there > u.o.Offset {
		t = restart
	} else {
		t.verb = "APPE"
	}
	n, _, err := s.store(ctx, t, r)
	if t.rest == 0 && n == 0 && refused(err) && s.Failed() == nil && s.has("REST") {
		n, _, err = s.store(ctx, restart, r) // nothing was read from r
	}
	if err != nil {
		return n, err
	}
	now, err := s.size(ctx, t.arg, t.ascii)
	if err == nil && now >= 0 && now != u.o.Offset+n {
		err = notThere(now, u.o.Offset+n)
		if u.part != u.name {
			err = s.discard(t.arg, err)
		}
	}
	return n, err
}

// notThere is the error of a partial file that is not what it should be: it cannot
// be continued, and is transferred from the start.
func notThere(size, want int64) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged,
		Text: fmt.Sprintf("the partial file on the server has %d bytes, not %d", size, want)}
}

// size asks for the size of a file, -1 where the server does not say.
func (s *session) size(ctx context.Context, path string, ascii bool) (int64, error) {
	e := protocols.Entry{Size: -1}
	steps := s.factSteps(path, &e, ascii)
	if len(steps) > 0 && steps[len(steps)-1].verb == "MDTM" {
		steps = steps[:len(steps)-1]
	}
	err := s.fly(ctx, steps, nil)
	return e.Size, err
}

// putUnique stores under a name that the server chooses, in the folder of name. RFC
// 959 4.1.3: STOU takes no name, the working folder counts; servers that take one
// are given none.
func (s uploader) putUnique(ctx context.Context, u *upload, r io.Reader) error {
	dir, folder := strings.CutSuffix(u.name, "/")
	if !folder {
		dir = parent(u.name)
	}
	if dir != "" {
		refusal, err := s.enterFolder(ctx, dir)
		if err = cmp.Or(err, refusal); err != nil {
			return err
		}
	} else if err := s.goHome(); err != nil {
		return err
	}
	n, begun, err := s.store(ctx, transfer{verb: "STOU", ascii: s.c.Settings.ASCII, stores: true}, r)
	if err != nil {
		return err
	}
	u.e.Path = join(dir, base(uniqueName(begun, u.name)))
	u.e.Size, u.e.Name, u.e.URL = n, base(u.e.Path), s.c.urlOf(u.e.Path, false)
	u.name, u.part = u.e.Path, u.e.Path
	return nil
}

// store sends r on a data connection. A reader that fails ends the transfer
// without a confirmation: what is there then is under the temporary name.
func (s uploader) store(ctx context.Context, t transfer, r io.Reader) (int64, *protocols.Reply, error) {
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
	return n, st.begun, s.confirm(ctx, st, t, n)
}

// confirm ends an upload and compares what the server has with what was sent: servers
// exist that report success for a file that a quota or a full disk has cut off. The
// question waits for the server's word: Pure-FTPd takes what comes before that for an
// attempt to abort the upload.
func (s uploader) confirm(ctx context.Context, st *stream, t transfer, sent int64) error {
	if err := st.end(); err != nil || t.verb != "STOR" || t.rest > 0 || t.ascii || s.noSize || len(s.feats) > 0 && !s.has("SIZE") {
		return err
	}
	there := int64(-1)
	err := s.fly(ctx, []step{{verb: "SIZE", args: []string{t.arg}, then: func(r *protocols.Reply) error {
		there, s.noSize = sizeOf(r), r.Code == 500 || r.Code == 502
		return nil
	}}}, nil)
	if err == nil && there >= 0 && there < sent {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true,
			Text: fmt.Sprintf("the server reports success, but has only %d of %d bytes", there, sent),
			Hint: "its disk or a quota may be full"}
	}
	return err
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
