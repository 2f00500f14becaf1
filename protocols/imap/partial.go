package imap

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// largeMessage is from where on a message of a bulk transfer is kept in a file while
// it comes, so that a later run can go on inside of it. A message of which less
// than leastPart has come is asked for from its start.
const (
	largeMessage = 4 << 20
	leastPart    = 1 << 20
)

// overlap is how much of what an earlier run has kept comes once more, to be
// compared: a file may have lost its end when the machine went down.
const overlap = 64 << 10

// partial is the file with the start of the one large message that was on its way
// when a run ended. Its first line says which.
type partial struct {
	file   File
	head   int64  // length of the first line
	id     string // "validity uid size"
	length int64  // bytes of content
}

// partial opens the mailbox's file, once for each mailbox of a transfer. Where none
// is kept, or another process has it, transfers go without.
func (b *bulk) partial() *partial {
	box := b.s.box.name
	if b.part != nil && b.partOf == box {
		return b.part
	}
	b.closePartial(true)
	b.partOf, b.part = box, &partial{}
	file, err := b.c.openState(box, "part")
	if err != nil || file == nil {
		return b.part
	}
	b.part.file = file
	b.part.load()
	return b.part
}

// closePartial removes the file when all has been transferred, or when there is too
// little in it to go on with.
func (b *bulk) closePartial(finished bool) {
	if b.part == nil || b.part.file == nil {
		return
	}
	if finished || b.part.length < leastPart {
		b.c.Settings.Files.Remove(b.c.stateFile(b.partOf, "part"))
	}
	b.part.file.Close()
	b.part = nil
}

// load reads what an earlier run has left.
func (p *partial) load() {
	line := make([]byte, 100)
	n, err := io.ReadFull(p.file, line)
	head, _, ok := bytes.Cut(line[:n], []byte{'\n'})
	end, seekErr := p.file.Seek(0, io.SeekEnd)
	if ok && seekErr == nil && (err == nil || err == io.ErrUnexpectedEOF) {
		p.id, p.head = string(head), int64(len(head)+1)
		p.length = end - p.head
	}
}

// clear makes the file that of another message.
func (p *partial) clear(id string) error {
	p.id, p.head, p.length = id, int64(len(id)+1), 0
	err := p.file.Truncate(0)
	if err == nil {
		_, err = p.file.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.WriteString(p.file, id+"\n")
	}
	return err
}

// Write adds content.
func (p *partial) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	p.length += int64(n)
	return n, err
}

// content returns what is there from an offset, and leaves the file at its end when
// all of it has been read.
func (p *partial) content(offset int64) (io.Reader, error) {
	_, err := p.file.Seek(p.head+offset, io.SeekStart)
	return io.LimitReader(p.file, p.length-offset), err
}

// partialID names a message for the file.
func (s *session) partialID(uid uint32, size int64) string {
	return fmt.Sprintf("%d %d %d", s.box.validity, uid, size)
}

// keepLarge brings a large message to the file while it comes, and then gives it
// from there. What cannot be written there is given as it comes.
func (b *bulk) keepLarge(m *imapwire.Message, bd *body) (io.Reader, error) {
	p := b.partial()
	if bd.size < largeMessage || bd.short != nil || p.file == nil || b.sectioned {
		return bd.source(), nil
	}
	if err := p.clear(b.s.partialID(m.UID, bd.size)); err != nil {
		p.length = 0
		return bd.source(), nil
	}
	return b.fill(p, bd.source())
}

// fill adds the rest of a message to the file, and returns all of it.
func (b *bulk) fill(p *partial, rest io.Reader) (io.Reader, error) {
	if _, err := io.Copy(p, bulkBody{rest, b.s}); err != nil {
		return nil, cmp.Or(b.s.broken(), error(&protocols.Error{Proto: proto, Kind: protocols.KindLocal, Err: err}))
	}
	return p.content(0)
}

// goesOn reads the rest of a message of which an earlier run has left the start. ok
// is false when there is none, or the message has to be asked for anew.
func (b *bulk) goesOn(w *wanted) (ok bool, err error) {
	p := b.partial()
	var validity, uid uint32
	var size int64
	if _, err := fmt.Sscanf(p.id, "%d %d %d", &validity, &uid, &size); err != nil {
		return false, nil
	}
	if validity != b.s.box.validity || uid != w.n.UID || p.length < leastPart || p.length > size || b.sectioned {
		return false, nil
	}
	from := p.length - overlap
	bd := &body{s: b.s, uid: uid}
	m, err := bd.ask(b.s.bodyItem("", fmt.Sprintf("<%d.%d>", from, size-from)))
	if imapwire.Refused(err) {
		p.id = ""
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if bd.size != size-from || !p.same(bd, from) {
		p.id = ""
		return false, bd.finishAnswer()
	}
	b.s.conn.Event(protocols.EventNote, fmt.Sprintf("UID %d goes on at byte %d", uid, p.length), 0)
	all, err := b.fill(p, bd.source())
	if err == nil {
		err = bd.finishAnswer()
	}
	if err != nil {
		return false, err
	}
	w.done = true
	return true, b.hand(w, &m, size, all)
}

// same compares what comes with the end of what is there. The file is at its end
// then.
func (p *partial) same(bd *body, from int64) bool {
	there, err := p.content(from)
	if err != nil {
		return false
	}
	old, fresh := make([]byte, overlap), make([]byte, overlap)
	_, err1 := io.ReadFull(there, old)
	_, err2 := io.ReadFull(bd.source(), fresh)
	return errors.Join(err1, err2) == nil && bytes.Equal(old, fresh)
}

// finishAnswer reads up to the end of the answer.
func (b *body) finishAnswer() error {
	if err := b.end(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// of reports whether a message is the one that the file has the start of.
func (p *partial) of(w *wanted) bool {
	if p == nil || p.id == "" {
		return false
	}
	var validity, uid uint32
	fmt.Sscanf(p.id, "%d %d", &validity, &uid)
	return uid == w.n.UID
}
