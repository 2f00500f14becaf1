package state

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

	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/protocols"
)

// Wanted is a message that something is to be done with.
type Wanted struct {
	Key                        Key
	Path, id, Name, URL, Flags string
	Size                       int64
	when                       time.Time

	Turn int    // in which it was asked for
	Head []byte // of its content, when it has come: the first bytes, or what names it
}

// KeepTitle keeps of the first bytes only what [Wanted.Title] needs: many messages wait
// for the disk at a time. It returns the room of the bytes, for those of another one.
func (w *Wanted) KeepTitle() (room []byte) {
	head, keep := w.Head, false
	w.Head = nil
	for line := range bytes.Lines(head[:bytes.LastIndexByte(head, '\n')+1]) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte{':'})
			name = bytes.TrimRight(name, " \t")
			keep = bytes.EqualFold(name, []byte("subject")) || bytes.EqualFold(name, []byte("message-id"))
		}
		if keep {
			w.Head = append(w.Head, line...)
		}
	}
	return head[:0]
}

// Title returns what a person knows the message by, as far as it has come.
func (w *Wanted) Title() (subject, id string) {
	h, info := mailhead.Reader{}, protocols.MessageInfo{}
	for line := range bytes.Lines(w.Head[:bytes.LastIndexByte(w.Head, '\n')+1]) {
		if more, ok := h.Line(bytes.TrimRight(line, "\r\n")); !more || !ok {
			break
		}
	}
	h.Into(&info)
	return info.Subject, info.MessageID
}

// NewWanted returns what is kept of a listed message.
func NewWanted(e *protocols.Entry, key Key) *Wanted {
	w := &Wanted{Key: key, Path: e.Path, id: e.ID, Name: e.Name, URL: e.URL, Size: e.Size, when: e.Modified.UTC()}
	if e.MessageInfo != nil {
		w.Flags = flagText(e.Flags)
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

// ID returns the id under which the message was listed.
func (w *Wanted) ID() string { return w.id }

// Entry returns the message as it was listed.
func (w *Wanted) Entry() *protocols.Entry {
	return &protocols.Entry{
		Name: w.Name, Path: w.Path, URL: w.URL, ID: w.id, Size: w.Size, Modified: w.when,
		Type: protocols.TypeMessage, MessageInfo: &protocols.MessageInfo{Flags: strings.Fields(w.Flags)},
	}
}

// texts returns the strings of a Wanted in the order in which they are written.
func (w *Wanted) texts() []*string { return []*string{&w.Path, &w.id, &w.Name, &w.URL, &w.Flags} }

// List holds messages in the order in which they were added: a few in memory,
// many in a temporary file, for there may be millions.
type List struct {
	N    int
	Dir  string // of the file; empty: that of the system
	held []byte // not in the file
	file *os.File
	size int64 // of the file
}

// maxHeld is how many bytes of a list are in memory.
const maxHeld = 1 << 20

// Add appends a message. The error is that of the temporary file.
func (l *List) Add(w *Wanted) error {
	b := append(l.held, w.Key[:]...)
	for _, text := range w.texts() {
		b = binary.AppendUvarint(b, uint64(len(*text)))
		b = append(b, *text...)
	}
	b = binary.AppendVarint(b, w.Size)
	b = binary.AppendVarint(b, w.when.Unix())
	l.held = binary.AppendVarint(b, int64(w.when.Nanosecond()))
	l.N++
	if len(l.held) < maxHeld {
		return nil
	}
	return l.spill()
}

// spill moves what is in memory to the file.
func (l *List) spill() (err error) {
	if l.file == nil {
		if l.file, err = os.CreateTemp(l.Dir, ".netclients-plan-*"); err != nil {
			return err
		}
		os.Remove(l.file.Name()) // it goes when it is closed, or then, where open files cannot be removed
	}
	n, err := l.file.WriteAt(l.held, l.size)
	l.size += int64(n)
	l.held = l.held[:0]
	return err
}

// All returns the messages. None must be added meanwhile.
func (l *List) All() iter.Seq2[*Wanted, error] {
	return func(yield func(*Wanted, error) bool) {
		var from io.Reader = bytes.NewReader(l.held)
		if l.file != nil {
			from = io.MultiReader(io.NewSectionReader(l.file, 0, l.size), from)
		}
		r := bufio.NewReaderSize(from, 64<<10)
		for range l.N {
			w, err := readWanted(r)
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// readWanted reads what add wrote. The lengths are our own: nobody else has the file.
func readWanted(r *bufio.Reader) (*Wanted, error) {
	w := &Wanted{}
	if _, err := io.ReadFull(r, w.Key[:]); err != nil {
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
	w.Size, w.when = numbers[0], time.Unix(numbers[1], numbers[2]).UTC()
	return w, nil
}

// Close removes the file.
func (l *List) Close() {
	if l.file != nil {
		l.file.Close()
		os.Remove(l.file.Name())
	}
	*l = List{Dir: l.Dir}
}
