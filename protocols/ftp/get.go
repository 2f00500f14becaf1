package ftp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp/internal/listing"
)

// Get opens a file (RETR). The caller closes the object's Body; until then the
// client is busy. Size and time are asked for in the same flight, where the
// server has SIZE and MDTM (RFC 3659). A transfer that is cut short ends in an
// error of kind Protocol. A file that grew meanwhile is read to its end, and the
// object's Size corrected.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return line.Opened(ctx, c.line, "get", name, func(ctx context.Context) (*protocols.Object, error) { return c.getOne(ctx, name, o) })
}

func (c *Client) getOne(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	ctx, leave, err := c.line.Enter(ctx, name)
	if err != nil {
		return nil, c.line.Wrap(err, "get", name)
	}
	d, err := c.get(ctx, name, o, c.line.Get, leave)
	if err != nil {
		leave()
		return nil, c.line.Wrap(err, "get", name)
	}
	return d.obj, nil
}

// sessions returns a session for one transfer, and what lets go of it.
type sessions func(ctx context.Context) (s *session, done func(), err error)

// get starts a transfer. leave is called when the object's Body is closed.
func (c *Client) get(ctx context.Context, name string, o *protocols.GetOptions, from sessions, leave func()) (*download, error) {
	if o.Offset < 0 || o.Length < 0 {
		return nil, protocols.UsageError(proto, "get", "offset and length must not be negative")
	}
	var d *download
	err := c.repeat(func() (err error) {
		d, err = c.getOnce(ctx, name, o, from, leave)
		return err
	})
	return d, err
}

func (c *Client) getOnce(ctx context.Context, name string, o *protocols.GetOptions, from sessions, leave func()) (*download, error) {
	s, done, err := from(ctx)
	if err != nil {
		return nil, err
	}
	d, e, err := s.retrieve(ctx, name, o)
	if err != nil {
		done()
		return nil, err
	}
	undata := d.conn.Use(ctx)
	d.release = func() (err error) {
		undata()
		if s.Failed() == nil && ctx.Err() == nil {
			err = c.line.Wrap(s.commands(c.Settings.After), "get", name)
		}
		done()
		leave()
		return err
	}
	d.obj = &protocols.Object{Entry: e, Offset: o.Offset, Body: d}
	return d, nil
}

// retrieve starts RETR and returns its body and what is known of the object.
func (s *session) retrieve(ctx context.Context, name string, o *protocols.GetOptions) (*download, protocols.Entry, error) {
	if l := s.ahead; l != nil {
		s.ahead = nil
		if d, err := l.land(); !(opener{s}).tooEarly(err) {
			return d, l.e, err
		}
	}
	e := s.c.entry(name)
	if err := s.commands(s.c.Settings.Before); err != nil {
		return nil, e, err
	}
	path, err := s.path(ctx, name)
	if err != nil {
		return nil, e, err
	}
	ascii := s.c.Settings.ASCII
	t := transfer{verb: "RETR", arg: path, rest: o.Offset, ascii: ascii}
	if s.c.folder != nil && *s.c.folder == name {
		ascii, t.verb, t.ascii = true, "NLST", true
	}
	facts := s.factSteps(path, &e, ascii)
	if (reader{s}).mayAsk(o) {
		t.ahead = reader{s}.judged(facts, o, &e)
	} else if err := (reader{s}).permit(ctx, path, facts, o, &e); err != nil {
		return nil, e, err
	}
	st, err := s.open(ctx, t)
	if err != nil {
		return nil, e, reader{s}.unlessFile(path, err)
	}
	d := st.download(ctx, name, &e, o.Offset)
	if o.Length > 0 {
		d.left = o.Length
	}
	if ascii {
		d.ascii = fromNet(st.conn)
	} else if e.Size < 0 && o.Offset == 0 {
		e.Size = announced(st.begun)
	}
	return d, e, nil
}

// mayAsk reports whether the transfer may be asked for in one flight with the facts.
func (s reader) mayAsk(o *protocols.GetOptions) bool {
	return o.MaxSize == 0 && (o.Same == nil || !s.c.Settings.ASCII) && (o.Offset == 0 || s.restarts())
}

// judged judges the facts before the transfer begins. One that was asked for already, of
// a file that has changed, would wait for its data connection: the session goes.
func (s reader) judged(facts []step, o *protocols.GetOptions, e *protocols.Entry) []step {
	if o.Same == nil || len(facts) == 0 {
		return facts
	}
	last := &facts[len(facts)-1]
	take := last.then
	last.then = func(r *protocols.Reply) error {
		err := cmp.Or(take(r), acceptable(o, e))
		if (opener{s.session}).dataFirst() {
			return err
		}
		return s.Fail(err)
	}
	return facts
}

// permit asks first where the answer decides whether anything may be transferred at all.
func (s reader) permit(ctx context.Context, path string, facts []step, o *protocols.GetOptions, e *protocols.Entry) error {
	if err := s.fly(ctx, facts, nil); err != nil {
		return err
	}
	if err := acceptable(o, e); err != nil || o.Offset == 0 {
		return err
	}
	if s.c.Settings.ASCII {
		return ignoresRest("a text transfer cannot begin in the middle: line ends are converted, so that offsets differ")
	}
	return s.proveRestart(ctx, path, o.Offset, e.Size)
}

// folderWords are what servers say in refusing to send a folder, and missingWords where
// there is nothing. Others say the same of both.
var (
	folderWords  = []string{"regular file", "plain file", "is a directory", "is a folder"}
	missingWords = []string{"no such", "not found", "not exist", "cannot find"}
)

// unlessFile says of a refusal to send a folder that it is one. Where the words of the
// server may mean both, CWD shows it.
func (s reader) unlessFile(path string, err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || s.Failed() != nil || e.Code != 550 && (e.Code != 501 || path != "") || errors.Is(e, fs.ErrPermission) {
		return err
	}
	text := strings.ToLower(e.Text)
	if !mentions(text, folderWords) && path != "" && (mentions(text, missingWords) || !s.isFolder(path)) {
		return cmp.Or(s.Failed(), err)
	}
	return &protocols.Error{Kind: protocols.KindRefused, Code: e.Code, Text: "is a folder: " + e.Text,
		Hint: "list a folder with ls, copy it with sync"}
}

func mentions(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// entry returns the entry of a file before anything is known of it.
func (c *Client) entry(name string) protocols.Entry {
	return protocols.Entry{Protocol: proto, URL: c.urlOf(name, false), Name: base(name), Path: name, Type: protocols.TypeFile, Size: -1}
}

// factSteps ask for size and time of a file. Servers without FEAT are asked
// too; a refusal means only that it is not known. SIZE counts in the TYPE in
// force, so that it is of no use in ASCII.
func (s *session) factSteps(path string, e *protocols.Entry, ascii bool) []step {
	var steps []step
	if !ascii && (s.has("SIZE") || len(s.feats) == 0) {
		if s.typ != 'I' {
			steps = append(steps, step{verb: "TYPE", args: []string{"I"}, then: func(r *protocols.Reply) error {
				s.typ = 'I'
				return want(r, 2)
			}})
		}
		steps = append(steps, step{verb: "SIZE", args: []string{path}, then: func(r *protocols.Reply) error {
			e.Size = sizeOf(r)
			return nil
		}})
	}
	if s.has("MDTM") || len(s.feats) == 0 {
		steps = append(steps, step{verb: "MDTM", args: []string{path}, then: func(r *protocols.Reply) error {
			e.Modified = timeOf(r)
			return nil
		}})
	}
	return steps
}

// sizeOf reads a 213 reply to SIZE (RFC 3659 4.1), -1 when it has none.
func sizeOf(r *protocols.Reply) int64 {
	if r.Code != 213 {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(r.Text()), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// timeOf reads a 213 reply to MDTM (RFC 3659 2.3 and 3.1), zero when it has none.
func timeOf(r *protocols.Reply) time.Time {
	if r.Code != 213 {
		return time.Time{}
	}
	t, _ := listing.ParseTime(strings.TrimSpace(r.Text()))
	return t
}

// acceptable judges a file before it is transferred, as far as it is known.
func acceptable(o *protocols.GetOptions, e *protocols.Entry) error {
	if o.MaxSize > 0 && e.Size > o.MaxSize {
		return protocols.ProtocolError(proto, "", fmt.Sprintf("the file has %d bytes, more than the limit of %d", e.Size, o.MaxSize))
	}
	if o.Same == nil {
		return nil
	}
	return unchanged(o.Same, e)
}

// unchanged compares what was with what is, as far as both are known.
func unchanged(was, is *protocols.Entry) error {
	changed := was.Size >= 0 && is.Size >= 0 && was.Size != is.Size
	if !was.Modified.IsZero() && !is.Modified.IsZero() {
		coarse := max(was.Accuracy, is.Accuracy, time.Second)
		changed = changed || was.Modified.Sub(is.Modified).Abs() >= coarse
	}
	if changed {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged,
			Text: fmt.Sprintf("was %d bytes from %s, is %d bytes from %s", was.Size, stampOf(was.Modified), is.Size, stampOf(is.Modified))}
	}
	return nil
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// commands sends the user's own commands around a transfer. A leading "-"
// ignores a refusal.
func (s *session) commands(list []string) error {
	for _, command := range list {
		command, lenient := strings.CutPrefix(command, "-")
		r, err := s.raw(command)
		if err != nil {
			return err
		}
		if err := want(r, 2); err != nil && !lenient && r.Code/100 != 3 {
			return err
		}
	}
	return nil
}

// Size asks for the size of a file in bytes (SIZE, RFC 3659 4).
func (c *Client) Size(ctx context.Context, name string) (int64, error) {
	var n int64
	err := c.line.Do(ctx, "size", name, []string{name}, func(ctx context.Context, s *session) error {
		path, err := s.path(ctx, name)
		if err != nil {
			return err
		}
		r, err := s.need(2, "SIZE", path)
		if err != nil {
			return err
		}
		if n = sizeOf(r); n < 0 {
			return protocols.ProtocolError(proto, "", fmt.Sprintf("reply to SIZE without a size: %d %q", r.Code, wire.Clip(r.Text())))
		}
		return nil
	})
	return n, err
}
