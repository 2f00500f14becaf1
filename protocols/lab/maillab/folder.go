package maillab

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// mailFolder is a maildir: a message is written in tmp, appears in new, and moves to
// cur when it is read. Its file begins with fields of the lab's own, which keep the
// envelope; what follows is the message as it came. A nil one does nothing.
type mailFolder struct{ root *os.Root }

// The fields before a message. The first one says how many bytes they are together.
const (
	fieldSize   = "X-Lab-Envelope: "
	fieldFrom   = "Return-Path: "
	fieldTo     = "Delivered-To: "
	fieldUser   = "X-Lab-User: "
	fieldRemote = "X-Lab-Remote: "
	fieldHome   = "X-Lab-Mailbox: "
)

// tagsFile keeps the tags, by the IDs of the messages.
const tagsFile = "lab-tags.json"

// openMailFolder opens a maildir and makes what is missing of it.
func openMailFolder(dir string) (*mailFolder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := root.Mkdir(sub, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			root.Close()
			return nil, err
		}
	}
	return &mailFolder{root}, nil
}

// head returns the fields that keep the envelope.
func (l *letter) head() string {
	var b strings.Builder
	line := func(field, value string) { fmt.Fprintf(&b, "%s%s\r\n", field, strings.Map(printable, value)) }
	r := l.route.Value()
	line(fieldFrom, "<"+r.from+">")
	for _, to := range l.to() {
		line(fieldTo, to)
	}
	for field, value := range map[string]string{fieldUser: r.user, fieldRemote: l.remote(), fieldHome: r.home} {
		if value != "" {
			line(field, value)
		}
	}
	const digits = 8
	return fmt.Sprintf("%s%0*d\r\n", fieldSize, digits, b.Len()+len(fieldSize)+digits+2) + b.String()
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

// write stores a letter in tmp; more than most bytes are refused.
func (d *mailFolder) write(l *letter, r io.Reader, most int64) (err error) {
	f, err := d.root.OpenFile(path.Join("tmp", l.file()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			d.root.Remove(path.Join("tmp", l.file()))
		}
	}()
	head := l.head()
	l.skip = int32(len(head))
	if _, err = io.WriteString(f, head); err != nil {
		return err
	}
	l.size, err = io.Copy(f, io.LimitReader(r, most+1))
	if err == nil && l.size > most {
		return ErrStoreFull
	}
	return err
}

// file returns the name of the file of a letter, without its flags.
func (l *letter) file() string {
	if l.rare != nil && l.rare.foreign != "" {
		return l.rare.foreign
	}
	return fmt.Sprintf("%d.%s.lab", l.at/1000, l.id)
}

// name returns where the file of a letter is.
func (l *letter) name() string {
	if l.read {
		return path.Join("cur", l.file()+":2,S")
	}
	return path.Join("new", l.file())
}

// publish has a letter appear.
func (d *mailFolder) publish(l *letter) error {
	if d == nil {
		return nil
	}
	return d.root.Rename(path.Join("tmp", l.file()), l.name())
}

// mark moves the file of a letter that was read, or is to be read again.
func (d *mailFolder) mark(l *letter) {
	if d == nil {
		return
	}
	was := *l
	was.read = !l.read
	if d.root.Rename(was.name(), l.name()) != nil {
		d.root.Rename(d.find(l), l.name())
	}
}

// find returns the name of a letter's file with the flags that another program has put
// to it, or the one that is expected.
func (d *mailFolder) find(l *letter) string {
	for _, sub := range []string{"new", "cur", "tmp"} {
		names, _ := fs.Glob(d.root.FS(), path.Join(sub, l.file()+"*"))
		if len(names) > 0 {
			return names[0]
		}
	}
	return l.name()
}

// remove deletes the file of a letter.
func (d *mailFolder) remove(l *letter) {
	if d == nil {
		return
	}
	if d.root.Remove(l.name()) != nil {
		d.root.Remove(d.find(l))
	}
}

// open opens the content of a letter.
func (d *mailFolder) open(l *letter, name string) (*Content, error) {
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) { // it may be moved meanwhile
		f, err = d.root.Open(d.find(l))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoLetter
	}
	if err != nil {
		return nil, err
	}
	return &Content{io.NewSectionReader(f, int64(l.skip), l.size), f}, nil
}

// tags writes the tags of all letters.
func (d *mailFolder) tags(list []*letter) error {
	if d == nil {
		return nil
	}
	all := map[string][]string{}
	for _, l := range list {
		if tags := l.tags(); len(tags) > 0 {
			all[l.id] = tags
		}
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = d.root.WriteFile(tagsFile+".new", text, 0o600)
	}
	if err == nil {
		err = d.root.Rename(tagsFile+".new", tagsFile)
	}
	return err
}

// Reload reads the folder of the store again: messages that other programs have put
// into it appear, those they have deleted disappear. Without a folder it does nothing.
func (m *Mailboxes) Reload() error {
	if m.folder == nil {
		return nil
	}
	found, err := m.folder.scan()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	there := map[string]bool{}
	for _, l := range found {
		there[l.id] = true
		if m.letters.byID[l.id] != nil {
			continue
		}
		m.letters.enlist(l)
		if u := l.homeIn(m); u != nil {
			u.add(l, nil)
		} else {
			m.spread(l)
		}
	}
	var gone []*letter
	for _, l := range m.letters.list {
		if !there[l.id] {
			gone = append(gone, l)
		}
	}
	m.forget(gone, true)
	for m.limits.DropOldest && (len(m.letters.list) > m.limits.Messages || m.letters.bytes > m.limits.Bytes) {
		m.forget(m.letters.list[:1], true)
	}
	m.touch()
	return nil
}

// homeIn returns the mailbox that a letter was put into by APPEND.
func (l *letter) homeIn(m *Mailboxes) *mailbox {
	name, box, ok := strings.Cut(l.route.Value().home, "/")
	u := m.users[strings.ToLower(name)]
	if !ok || u == nil {
		return nil
	}
	if u.boxes[box] == nil {
		u.boxes[box] = m.validity.newMailbox()
	}
	return u.boxes[box]
}

// scan reads what is in the folder, oldest first.
func (d *mailFolder) scan() ([]*letter, error) {
	tags := map[string][]string{}
	if text, err := d.root.ReadFile(tagsFile); err == nil {
		if err := json.Unmarshal(text, &tags); err != nil {
			return nil, fmt.Errorf("%s: %w", tagsFile, err)
		}
	}
	var list []*letter
	for _, sub := range []string{"new", "cur"} {
		entries, err := fs.ReadDir(d.root.FS(), sub)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			l, err := d.read(sub, e.Name())
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			l.setTags(tags[l.id])
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b *letter) int { return cmp.Compare(a.at, b.at) })
	return list, nil
}

// read makes a letter of a file.
func (d *mailFolder) read(sub, name string) (*letter, error) {
	f, err := d.root.Open(path.Join(sub, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	l := &letter{size: info.Size()}
	base, flags, _ := strings.Cut(name, ":2,")
	l.read = sub == "cur" && strings.Contains(flags, "S")
	words := strings.Split(base, ".")
	if us, err := strconv.ParseInt(words[0], 10, 64); err == nil && len(words) == 3 && words[2] == "lab" && strings.Map(word, words[1]) == words[1] {
		l.id, l.at = words[1], us*1000
	} else {
		l.id, l.rare, l.at = strings.Map(word, base), &rare{foreign: base}, info.ModTime().UnixNano()
	}
	r, to := l.readHead(f)
	l.comes(r, to)
	l.size -= int64(l.skip)
	return l, nil
}

// word keeps what an ID may consist of.
func word(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
		return r
	}
	return '_'
}

// readHead reads the envelope; that of a file of another program from its header.
func (l *letter) readHead(f *os.File) (r route, to []string) {
	in := bufio.NewReader(f)
	first, _ := in.ReadString('\n')
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(first, fieldSize)), 10, 32)
	if !strings.HasPrefix(first, fieldSize) || err != nil || n < 0 || n > l.size {
		return readForeign(f, l.size)
	}
	l.skip = int32(n)
	set := map[string]func(string){
		fieldFrom: func(v string) { r.from = strings.Trim(v, "<>") }, fieldTo: func(v string) { to = append(to, v) },
		fieldUser: func(v string) { r.user = v }, fieldRemote: func(v string) { r.remote = v }, fieldHome: func(v string) { r.home = v },
	}
	for read := int64(len(first)); read < n; {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		read += int64(len(line))
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		if put := set[name+": "]; put != nil {
			put(value)
		}
	}
	return r, to
}

// readForeign takes the envelope from the header of the message.
func readForeign(f *os.File, size int64) (r route, to []string) {
	msg, err := mail.ReadMessage(io.NewSectionReader(f, 0, min(size, 1<<20)))
	if err != nil {
		return r, nil
	}
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{}}
	for _, field := range []string{"To", "Cc", "Bcc"} {
		list, _ := parser.ParseList(msg.Header.Get(field))
		for _, a := range list {
			to = append(to, a.Address)
		}
	}
	if a, err := parser.Parse(msg.Header.Get("From")); err == nil {
		r.from = a.Address
	}
	return r, to
}
