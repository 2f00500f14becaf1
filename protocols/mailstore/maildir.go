package mailstore

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/protocols"
)

// Maildir is a client for maildirs. Names are paths: of a maildir, or of a message
// in one, DIR/new/NAME or DIR/cur/NAME. A message whose file has another name by
// now, since a mail program has set flags, is found all the same.
type Maildir struct {
	parent
}

var (
	_ protocols.Client        = (*Maildir)(nil)
	_ protocols.Lister        = (*Maildir)(nil)
	_ protocols.Statter       = (*Maildir)(nil)
	_ protocols.Getter        = (*Maildir)(nil)
	_ protocols.Putter        = (*Maildir)(nil)
	_ protocols.Remover       = (*Maildir)(nil)
	_ protocols.Maker         = (*Maildir)(nil)
	_ protocols.MessageSource = (*Maildir)(nil)
	_ protocols.MessageTarget = (*Maildir)(nil)
	_ protocols.StateKeeper   = (*Maildir)(nil)
	_ protocols.BulkFlagger   = (*Maildir)(nil)
)

// NewMaildir makes a client. It does no I/O. A nil o means the defaults.
func NewMaildir(o *protocols.Options) *Maildir { return &Maildir{newParent("maildir", o)} }

// folders are those of a maildir that hold messages. New mail is read first: a
// message that a mail program moves meanwhile may come twice, but is not missed.
var folders = []string{"new", "cur"}

// cutMessage splits the path of a message into its maildir and file; file is empty
// for the path of a maildir.
func cutMessage(name string) (dir, folder, file string) {
	up, file := filepath.Split(name)
	up = filepath.Clean(up)
	if folder = filepath.Base(up); folder != "new" && folder != "cur" {
		return name, "", ""
	}
	return filepath.Dir(up), folder, file
}

// find returns the path of a message under the name that it has now.
func find(name string) (string, error) {
	dir, _, file := cutMessage(name)
	if file == "" {
		return "", protocols.UsageError("maildir", "", "this is a maildir, not a message")
	}
	if _, err := os.Lstat(name); err == nil {
		return name, nil
	}
	base, _ := cutInfo(file)
	for path, err := range files(dir) {
		if err != nil {
			return "", err
		}
		if b, _ := cutInfo(filepath.Base(path)); b == base {
			return path, nil
		}
	}
	return "", absent(name)
}

// batch is how many names of a folder are read at a time.
const batch = 512

// files returns the paths of all messages of a maildir, in the order of the disk.
func files(dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, folder := range folders {
			if err := namesIn(filepath.Join(dir, folder), func(path string) bool { return yield(path, nil) }); err != nil {
				if !errors.Is(err, errEnough) {
					yield("", err)
				}
				return
			}
		}
	}
}

var errEnough = errors.New("enough")

func namesIn(dir string, each func(path string) bool) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(batch)
		for _, name := range names {
			if name[0] != '.' && !each(filepath.Join(dir, name)) {
				return errEnough
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// List lists the messages of a maildir, with what their headers say, and the
// folders in it (Maildir++), or one message.
func (m *Maildir) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return m.listing(ctx, name, m.list)
}

func (m *Maildir) list(ctx context.Context, name string, headers bool, yield func(protocols.Entry) bool) error {
	if _, _, file := cutMessage(name); file != "" {
		e, err := m.stat(name)
		if err == nil && !yield(e) {
			err = errEnough
		}
		return err
	}
	for path, err := range files(name) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		e, err := m.entry(path, headers)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // moved or deleted meanwhile
		case errors.Is(err, errNoMessage) && !headers:
			continue
		case errors.Is(err, errNoMessage):
			err = nil // it is shown as what it is
		}
		if err != nil {
			return err
		}
		if !yield(e) {
			return errEnough
		}
	}
	if !headers {
		return nil
	}
	return m.listFolders(name, yield)
}

func (m *Maildir) listFolders(dir string, yield func(protocols.Entry) bool) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, d := range list {
		path := filepath.Join(dir, d.Name())
		if len(d.Name()) > 1 && d.Name()[0] == '.' && d.IsDir() && isMaildir(path) && !yield(m.mailbox(path)) {
			return errEnough
		}
	}
	return nil
}

func (m *Maildir) mailbox(path string) protocols.Entry {
	return protocols.Entry{Protocol: "maildir", URL: "maildir:" + path, Name: filepath.Base(path), Path: path, Type: protocols.TypeMailbox, Size: -1}
}

func isMaildir(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "cur"))
	return err == nil && info.IsDir()
}

// entry describes the file of a message.
func (m *Maildir) entry(path string, header bool) (protocols.Entry, error) {
	stat, err := os.Lstat(path)
	if err != nil {
		return protocols.Entry{}, err
	}
	if !stat.Mode().IsRegular() {
		return notMessage(path, stat.Mode()), &protocols.Error{Kind: protocols.KindLocal, Text: path, Err: errNoMessage}
	}
	base, flags := cutInfo(filepath.Base(path))
	e := protocols.Entry{
		Protocol: "maildir", URL: "maildir:" + path, Name: filepath.Base(path), Path: path, Type: protocols.TypeMessage,
		Size: stat.Size(), Modified: stat.ModTime(), ID: base,
		MessageInfo: &protocols.MessageInfo{UID: base, Flags: flags},
	}
	if !header {
		return e, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return e, err
	}
	defer f.Close()
	h, err := readHeader(f, m.limits.Header)
	if err == nil {
		h.Into(e.MessageInfo)
	}
	return e, err
}

// errNoMessage says what is wrong with a link, folder or FIFO among the messages.
var errNoMessage = errors.New("not a regular file")

// notMessage describes what lies among the messages and is none.
func notMessage(path string, mode fs.FileMode) protocols.Entry {
	e := protocols.Entry{Protocol: "maildir", URL: "maildir:" + path, Name: filepath.Base(path), Path: path, Type: protocols.TypeOther, Size: -1}
	switch {
	case mode.IsDir():
		e.Type = protocols.TypeDir
	case mode&fs.ModeSymlink != 0:
		e.Type = protocols.TypeLink
		e.Target, _ = os.Readlink(path)
	}
	return e
}

// readHeader reads a header. One that is too long counts as far as it was read.
func readHeader(r io.Reader, limit int64) (*mailhead.Reader, error) {
	h := &mailhead.Reader{Limit: limit, Charset: charset.Reader}
	in := bufio.NewReaderSize(io.LimitReader(r, limit), 4<<10)
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		text := strings.TrimRight(string(line), "\r\n")
		if more, ok := h.Line([]byte(text)); !more || !ok || err == io.EOF {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		line = line[:0]
	}
}

// Stat describes a message, or counts those of a maildir.
func (m *Maildir) Stat(ctx context.Context, name string) (e protocols.Entry, err error) {
	err = m.do(ctx, "stat", name, func(context.Context) error {
		e, err = m.stat(name)
		return err
	})
	return e, err
}

func (m *Maildir) stat(name string) (protocols.Entry, error) {
	if _, _, file := cutMessage(name); file != "" {
		path, err := find(name)
		if err != nil {
			return protocols.Entry{}, err
		}
		return m.entry(path, true)
	}
	e := m.mailbox(name)
	e.GroupInfo = &protocols.GroupInfo{}
	for _, err := range files(name) {
		if err != nil {
			return e, err
		}
		e.Count++
	}
	return e, nil
}

// Get opens a message. The caller closes the object's Body.
func (m *Maildir) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return m.get(ctx, name, o, m.open)
}

func (m *Maildir) open(_ context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	path, err := find(name)
	if err != nil {
		return nil, err
	}
	e, err := m.entry(path, false)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(o.Offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	obj := &protocols.Object{Entry: e, Offset: o.Offset, Body: f}
	if o.Length > 0 {
		obj.Body = limited{io.LimitReader(f, o.Length), f}
	}
	return obj, nil
}

// limited is a part of a file.
type limited struct {
	io.Reader
	io.Closer
}

// BulkGet reads many messages.
func (m *Maildir) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	return m.bulkGet(ctx, names, each, m.open)
}

// Make makes an empty maildir.
func (m *Maildir) Make(ctx context.Context, name string) error {
	return m.do(ctx, "mkdir", name, func(context.Context) error { return makeMaildir(name) })
}

func makeMaildir(dir string) error {
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Unmake removes an empty maildir, with what syncs remember of it. The folder stays while
// anything else lies in it, such as another maildir.
func (m *Maildir) Unmake(ctx context.Context, name string) error {
	return m.do(ctx, "rmdir", name, func(context.Context) error { return unmakeMaildir(name) })
}

func unmakeMaildir(name string) error {
	for path, err := range files(name) {
		if err == nil {
			err = &protocols.Error{Kind: protocols.KindLocal, Text: "the maildir is not empty: " + filepath.Base(path)}
		}
		return err
	}
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.Remove(filepath.Join(name, sub)); err != nil {
			return err
		}
	}
	list, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	left := 0
	for _, f := range list {
		if !strings.HasPrefix(f.Name(), stateName) || !f.Type().IsRegular() {
			left++
		} else if err := os.Remove(filepath.Join(name, f.Name())); err != nil {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return os.Remove(name)
}

// Remove deletes a message.
func (m *Maildir) Remove(ctx context.Context, name string) error {
	return m.do(ctx, "rm", name, func(context.Context) error {
		path, err := find(name)
		if err == nil {
			err = os.Remove(path)
		}
		return err
	})
}

// BulkFlag changes the flags in the names of messages. Flags that a maildir has no letter
// for are left out.
func (m *Maildir) BulkFlag(ctx context.Context, change protocols.FlagChange, names iter.Seq[string], each func(name string, err error) error) error {
	return m.do(ctx, "flag", "", func(ctx context.Context) error {
		for name := range names {
			err := context.Cause(ctx)
			if err != nil {
				return err
			}
			if err = flagFile(name, change); each != nil {
				err = each(name, m.wrap(err, "flag", name))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func flagFile(name string, change protocols.FlagChange) error {
	path, err := find(name)
	if err != nil {
		return err
	}
	dir, _, file := cutMessage(path)
	_, flags := cutInfo(file)
	flags = slices.DeleteFunc(flags, func(f string) bool {
		return slices.ContainsFunc(change.Remove, func(r string) bool { return strings.EqualFold(f, r) })
	})
	_, err = rename(dir, path, append(flags, change.Add...))
	return err
}

// Put adds a message to the maildir name, which is made when it is missing, with
// flags and time. The message gets its name when it is on the disk.
func (m *Maildir) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	if _, _, file := cutMessage(name); file != "" || o.Append || o.Offset != 0 {
		return protocols.Entry{}, m.wrap(protocols.UsageError("maildir", "put", "a maildir stores whole messages only: give the path of the maildir"), "put", name)
	}
	// A copy names a file in its target; a maildir chooses the names itself.
	if dir := filepath.Dir(name); !isMaildir(name) && isMaildir(dir) && filepath.Base(name)[0] != '.' {
		name = dir
	}
	var e protocols.Entry
	err := m.do(ctx, "put", name, func(ctx context.Context) error {
		path, err := deliver(ctx, name, r, o)
		if err == nil {
			e, err = m.entry(path, true)
		}
		return err
	})
	return e, err
}

func deliver(ctx context.Context, dir string, r io.Reader, o *protocols.PutOptions) (string, error) {
	in, err := openMaildirFolders(ctx, dir)
	if err != nil {
		return "", err
	}
	defer in.close()
	var b [8]byte
	rand.Read(b[:])
	d := &delivery{base: strconv.FormatInt(time.Now().Unix(), 10) + ".P" + hex.EncodeToString(b[:]) + hostPart, when: o.Modified}
	d.folder, d.name = placeOf(d.base, o.Flags)
	if err := in.write(d, r, nil, true); err != nil {
		return "", err
	}
	if err := context.Cause(ctx); err != nil {
		in.abort(d)
		return "", err
	}
	if err := in.place(d); err != nil {
		return "", err
	}
	return in.path(d), in.to[d.folder].Sync()
}

// hostPart ends the names that we make. The name of the host is not needed where
// the middle is unique everywhere.
const hostPart = ".netclients"

// placeOf returns folder and name for a message with flags.
func placeOf(base string, flags []string) (folder, name string) {
	if marks := info(flags); marks != "" {
		return "cur", base + marks
	}
	return "new", base
}
