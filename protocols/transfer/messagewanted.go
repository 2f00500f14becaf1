package transfer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// wanted is a message that something is to be done with.
type wanted struct {
	key                        messageKey
	path, id, name, url, flags string
	size                       int64
	when                       time.Time

	turn int    // in which it was asked for
	head []byte // the first bytes of its content, when it has come
}

// title returns what a person knows the message by, as far as it has come.
func (w *wanted) title() (subject, id string) {
	h, info := protocols.HeaderReader{}, protocols.MessageInfo{}
	for line := range bytes.Lines(w.head[:bytes.LastIndexByte(w.head, '\n')+1]) {
		if more, ok := h.Line(bytes.TrimRight(line, "\r\n")); !more || !ok {
			break
		}
	}
	h.Into(&info)
	return info.Subject, info.MessageID
}

func newWanted(e *protocols.Entry, key messageKey) *wanted {
	w := &wanted{key: key, path: e.Path, id: e.ID, name: e.Name, url: e.URL, size: e.Size, when: e.Modified.UTC()}
	if e.MessageInfo != nil {
		w.flags = flagText(e.Flags)
	}
	return w
}

// flagText returns flags in one order, without \Recent, which is not a property of a
// message but of a session.
func flagText(flags []string) string {
	kept := make([]string, 0, len(flags))
	for _, f := range flags {
		if !strings.EqualFold(f, `\Recent`) {
			kept = append(kept, f)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, " ")
}

func (w *wanted) entry() *protocols.Entry {
	return &protocols.Entry{
		Name: w.name, Path: w.path, URL: w.url, ID: w.id, Size: w.size, Modified: w.when,
		Type: protocols.TypeMessage, MessageInfo: &protocols.MessageInfo{Flags: strings.Fields(w.flags)},
	}
}

// texts returns the strings of a wanted in the order in which they are written.
func (w *wanted) texts() []*string { return []*string{&w.path, &w.id, &w.name, &w.url, &w.flags} }

// wantedList holds messages in the order in which they were added: a few in memory,
// many in a temporary file, for there may be millions.
type wantedList struct {
	n    int
	dir  string // of the file; empty: that of the system
	held []byte // not in the file
	file *os.File
	size int64 // of the file
}

// maxHeld is how many bytes of a list are in memory.
const maxHeld = 1 << 20

func (l *wantedList) add(w *wanted) error {
	b := append(l.held, w.key[:]...)
	for _, text := range w.texts() {
		b = binary.AppendUvarint(b, uint64(len(*text)))
		b = append(b, *text...)
	}
	b = binary.AppendVarint(b, w.size)
	b = binary.AppendVarint(b, w.when.Unix())
	l.held = binary.AppendVarint(b, int64(w.when.Nanosecond()))
	l.n++
	if len(l.held) < maxHeld {
		return nil
	}
	return l.spill()
}

// spill moves what is in memory to the file.
func (l *wantedList) spill() (err error) {
	if l.file == nil {
		if l.file, err = os.CreateTemp(l.dir, ".netclients-plan-*"); err != nil {
			return err
		}
		os.Remove(l.file.Name()) // it goes when it is closed, or then, where open files cannot be removed
	}
	n, err := l.file.WriteAt(l.held, l.size)
	l.size += int64(n)
	l.held = l.held[:0]
	return err
}

// all returns the messages. None must be added meanwhile.
func (l *wantedList) all() iter.Seq2[*wanted, error] {
	return func(yield func(*wanted, error) bool) {
		var from io.Reader = bytes.NewReader(l.held)
		if l.file != nil {
			from = io.MultiReader(io.NewSectionReader(l.file, 0, l.size), from)
		}
		r := bufio.NewReaderSize(from, 64<<10)
		for range l.n {
			w, err := readWanted(r)
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// readWanted reads what add wrote. The lengths are our own: nobody else has the file.
func readWanted(r *bufio.Reader) (*wanted, error) {
	w := &wanted{}
	if _, err := io.ReadFull(r, w.key[:]); err != nil {
		return nil, err
	}
	for _, text := range w.texts() {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, err
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		*text = string(b)
	}
	var numbers [3]int64
	for i := range numbers {
		n, err := binary.ReadVarint(r)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	w.size, w.when = numbers[0], time.Unix(numbers[1], numbers[2]).UTC()
	return w, nil
}

// close removes the file.
func (l *wantedList) close() {
	if l.file != nil {
		l.file.Close()
		os.Remove(l.file.Name())
	}
	*l = wantedList{dir: l.dir}
}
