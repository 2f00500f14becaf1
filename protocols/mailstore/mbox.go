package mailstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// errNotMbox says that a file does not begin with a message.
var errNotMbox = errors.New(`not an mbox: the file does not begin with a line "From ADDRESS DATE" and a header`)

// Mbox is a client for mbox files. Names are paths of files, or FILE;MSG=5 for a
// message by its number from 1, which changes when one before it is removed.
type Mbox struct {
	parent
	at    string // what index is of
	stamp fs.FileInfo
	index []place
}

var (
	_ protocols.Client        = (*Mbox)(nil)
	_ protocols.Lister        = (*Mbox)(nil)
	_ protocols.Statter       = (*Mbox)(nil)
	_ protocols.Getter        = (*Mbox)(nil)
	_ protocols.Putter        = (*Mbox)(nil)
	_ protocols.Remover       = (*Mbox)(nil)
	_ protocols.BulkRemover   = (*Mbox)(nil)
	_ protocols.MessageSource = (*Mbox)(nil)
	_ protocols.MessageTarget = (*Mbox)(nil)
	_ protocols.StateKeeper   = (*Mbox)(nil)
)

// NewMbox makes a client. It does no I/O. A nil o means the defaults.
func NewMbox(o *protocols.Options) *Mbox { return &Mbox{parent: newParent("mbox", o)} }

const numberMark = ";MSG="

// cutNumber splits a name into file and number; 0 is the file itself.
func cutNumber(name string) (file string, number int) {
	i := strings.LastIndex(name, numberMark)
	if i < 0 {
		return name, 0
	}
	n, err := strconv.Atoi(name[i+len(numberMark):])
	if err != nil || n < 1 {
		return name, 0
	}
	return name[:i], n
}

// List lists the messages of an mbox with what their headers say, or one message.
func (m *Mbox) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return m.listing(ctx, name, m.list)
}

func (m *Mbox) list(ctx context.Context, name string, headers bool, yield func(protocols.Entry) bool) error {
	if file, number := cutNumber(name); number > 0 {
		e, err := m.stat(ctx, file, number)
		if err == nil && !yield(e) {
			err = errEnough
		}
		return err
	}
	f, err := openToRead(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	number := 0
	_, err = scan(f, 0, func(s span) error {
		number++
		if err := context.Cause(ctx); err != nil {
			return err
		}
		e, err := m.entry(f, name, number, s, headers)
		if err == nil && !yield(e) {
			err = errEnough
		}
		return err
	})
	return err
}

// openToRead opens an mbox that the user names, see [file.RuleNamed].
func openToRead(ctx context.Context, path string) (*os.File, error) {
	return file.Open(ctx, path, file.RuleNamed, os.O_RDONLY, 0)
}

// entry describes a message. Its size is that in the file, which is larger than the
// content by one byte for each quoted line.
func (m *Mbox) entry(f *os.File, file string, number int, s span, headers bool) (protocols.Entry, error) {
	name := file + numberMark + strconv.Itoa(number)
	body, err := content(f, s)
	if err != nil {
		return protocols.Entry{}, err
	}
	id := keyOfFrom(s.from)
	if id == "" {
		id = strconv.FormatInt(s.start, 10) + "." + strconv.FormatInt(s.end-s.body, 10)
	}
	e := protocols.Entry{
		Protocol: "mbox", URL: "mbox:" + name, Name: strconv.Itoa(number), Path: name, Type: protocols.TypeMessage,
		Size: s.end - body, ID: id, Modified: dateOf(s.from), MessageInfo: &protocols.MessageInfo{Number: int64(number), UID: id},
	}
	h, err := readHeader(io.NewSectionReader(f, s.body, s.end-s.body), m.limits.Header)
	if err != nil {
		return e, err
	}
	if headers {
		h.Into(e.MessageInfo)
	}
	e.Flags = statusFlags(h.Field)
	return e, nil
}

// dateOf returns the time in a line "From ", in UTC (RFC 4155 A); zero when there is
// none that can be read.
func dateOf(from string) time.Time {
	_, text, _ := strings.Cut(strings.TrimPrefix(from, fromMark), " ")
	for _, form := range fromDates {
		if t, err := time.Parse(form, strings.TrimSpace(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// fromDates are the forms of dates in lines "From ", the proper one first.
var fromDates = []string{
	time.ANSIC, "Mon Jan _2 15:04:05 -0700 2006", time.UnixDate, "Mon Jan _2 15:04:05 2006 -0700",
	"Mon, _2 Jan 2006 15:04:05 -0700", "_2 Jan 2006 15:04:05 -0700",
}

// places returns where the messages of a file are, kept until it changes.
func (m *Mbox) places(f *os.File, file string) ([]place, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if m.at == file && m.stamp.Size() == info.Size() && m.stamp.ModTime().Equal(info.ModTime()) {
		return m.index, nil
	}
	var index []place
	_, err = scan(f, 0, func(s span) error {
		index = append(index, s.place)
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.at, m.stamp, m.index = file, info, index
	return index, nil
}

// openSpan opens a file at a message. The caller closes it.
func (m *Mbox) openSpan(ctx context.Context, file string, number int) (*os.File, span, error) {
	f, err := openToRead(ctx, file)
	if err != nil {
		return nil, span{}, err
	}
	s, err := m.spanIn(f, file, number)
	if err != nil {
		f.Close()
		return nil, span{}, err
	}
	return f, s, nil
}

// spanIn finds a message in an open file.
func (m *Mbox) spanIn(f *os.File, file string, number int) (span, error) {
	all, err := m.places(f, file)
	if err != nil {
		return span{}, err
	}
	if number < 1 || number > len(all) {
		return span{}, absent(strconv.Itoa(number) + " of " + strconv.Itoa(len(all)))
	}
	s := span{place: all[number-1]}
	line := make([]byte, min(s.body-s.start, maxFrom))
	if _, err := f.ReadAt(line, s.start); err != nil {
		return span{}, err
	}
	s.from = strings.TrimRight(string(line), "\r\n")
	return s, nil
}

// Stat describes a message, or counts those of a file.
func (m *Mbox) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := m.do(ctx, "stat", name, func(ctx context.Context) (err error) {
		if file, number := cutNumber(name); number > 0 {
			e, err = m.stat(ctx, file, number)
		} else {
			e, err = m.statFile(ctx, name)
		}
		return err
	})
	return e, err
}

func (m *Mbox) statFile(ctx context.Context, name string) (protocols.Entry, error) {
	e := protocols.Entry{Protocol: "mbox", URL: "mbox:" + name, Name: filepath.Base(name), Path: name, Type: protocols.TypeMailbox}
	f, err := openToRead(ctx, name)
	if err != nil {
		return e, err
	}
	defer f.Close()
	all, err := m.places(f, name)
	if err != nil {
		return e, err
	}
	e.Size, e.GroupInfo = m.stamp.Size(), &protocols.GroupInfo{Count: int64(len(all))}
	return e, nil
}

func (m *Mbox) stat(ctx context.Context, file string, number int) (protocols.Entry, error) {
	f, s, err := m.openSpan(ctx, file, number)
	if err != nil {
		return protocols.Entry{}, err
	}
	defer f.Close()
	return m.entry(f, file, number, s, true)
}

// Get opens a message. The caller closes the object's Body.
func (m *Mbox) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return m.get(ctx, name, o, m.open)
}

func (m *Mbox) open(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	file, number := cutNumber(name)
	if number == 0 {
		return nil, protocols.UsageError("mbox", "get", "which message? add "+numberMark+"1 to the name")
	}
	f, s, err := m.openSpan(ctx, file, number)
	if err != nil {
		return nil, err
	}
	e, err := m.entry(f, file, number, s, false)
	var body io.Reader = newUnquoter(io.NewSectionReader(f, s.end-e.Size, e.Size), e.Size)
	if err == nil && o.Offset > 0 {
		_, err = io.CopyN(io.Discard, body, o.Offset)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if o.Length > 0 {
		body = io.LimitReader(body, o.Length)
	}
	e.Size = -1 // of the content it is not known before all of it was read
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: limited{body, f}}, nil
}

// BulkGet reads many messages.
func (m *Mbox) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	return m.bulkGet(ctx, names, each, m.open)
}

// Put appends a message to the file name, which is made when it is missing, with
// flags and time.
func (m *Mbox) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	if _, number := cutNumber(name); number > 0 || o.Offset != 0 {
		return protocols.Entry{}, m.wrap(protocols.UsageError("mbox", "put", "an mbox stores whole messages only: give the path of the file"), "put", name)
	}
	var e protocols.Entry
	err := m.do(ctx, "put", name, func(ctx context.Context) error {
		err := m.append(ctx, name, r, o)
		if err == nil {
			e, err = m.last(ctx, name)
		}
		return err
	})
	return e, err
}

// last describes the last message of a file.
func (m *Mbox) last(ctx context.Context, file string) (protocols.Entry, error) {
	e, err := m.statFile(ctx, file)
	if err != nil {
		return e, err
	}
	return m.stat(ctx, file, int(e.GroupInfo.Count))
}

func (m *Mbox) append(ctx context.Context, file string, r io.Reader, o *protocols.PutOptions) error {
	a, err := openMbox(ctx, file, protocols.ArchiveOptions{})
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.spool.add("", o.Flags, o.Modified, r); err != nil {
		return err
	}
	return a.Flush(ctx)
}

// Remove deletes a message. For many, BulkRemove is the way: the file is written
// anew each time.
func (m *Mbox) Remove(ctx context.Context, name string) error {
	var refused error
	err := m.BulkRemove(ctx, func(yield func(string) bool) { yield(name) }, func(_ string, err error) error {
		refused = err
		return nil
	})
	return errors.Join(err, refused)
}

// BulkRemove deletes messages of one file, which is written anew without them.
func (m *Mbox) BulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error {
	if each == nil {
		each = func(string, error) error { return nil }
	}
	ctx, leave, err := m.gate.Begin(ctx)
	if err != nil {
		return m.wrap(err, "rm", "")
	}
	defer leave()
	at, doomed := "", map[int64]bool{}
	for name := range names {
		file, number := cutNumber(name)
		if at == "" {
			at = file
		}
		f, s, err := m.openSpan(ctx, file, number)
		if err == nil {
			f.Close()
		}
		if err == nil && file != at {
			err = protocols.UsageError("mbox", "rm", "messages of one file at a time")
		}
		if err == nil {
			doomed[s.start] = true
		}
		if err := each(name, m.wrap(err, "rm", name)); err != nil {
			return err
		}
	}
	if len(doomed) == 0 {
		return nil
	}
	return m.wrap(rewrite(ctx, at, without(func(s span) bool { return doomed[s.start] })), "rm", at)
}
