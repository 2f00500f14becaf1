package imapstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
)

// LargeMessage is from which size on a message of a bulk transfer is kept in a file
// while it comes, so that a later run can resume inside of it. A message of which
// less than leastPart has come is asked for from its start.
const (
	LargeMessage = 4 << 20
	leastPart    = 1 << 20
)

// overlap is how much of what an earlier run has kept comes once more, to be
// compared: a file may have lost its end when the machine went down.
const overlap = 64 << 10

// Partial is the file with the start of the one large message of a mailbox that was
// on its way when a run ended. Its first line says which.
type Partial struct {
	state   *State
	mailbox string
	file    File // nil: none is kept, or another process has it
	head    int64
	id      PartialID
	length  int64 // bytes of content
}

// PartialID is the message that a file has the start of.
type PartialID struct {
	Validity, UID uint32
	Size          int64
}

// OpenPartial opens the file of a mailbox. Transfers go without where none is kept,
// or where another process has it.
func OpenPartial(state *State, mailbox string) *Partial {
	p := &Partial{state: state, mailbox: mailbox}
	if file, err := state.open(mailbox, "part"); err == nil && file != nil {
		p.file = file
		p.load()
	}
	return p
}

// Close closes the file. It is removed when all has been transferred, or when there is
// too little in it to resume from.
func (p *Partial) Close(finished bool) {
	if p.file == nil {
		return
	}
	if finished || p.length < leastPart {
		p.state.remove(p.mailbox, "part")
	}
	p.file.Close()
	p.file = nil
}

// load reads what an earlier run has left.
func (p *Partial) load() {
	line := make([]byte, 100)
	n, err := io.ReadFull(p.file, line)
	head, _, ok := bytes.Cut(line[:n], []byte{'\n'})
	end, seekErr := p.file.Seek(0, io.SeekEnd)
	if !ok || seekErr != nil || err != nil && err != io.ErrUnexpectedEOF {
		return
	}
	var id PartialID
	if _, err := fmt.Sscanf(string(head), "%d %d %d", &id.Validity, &id.UID, &id.Size); err == nil {
		p.id, p.head = id, int64(len(head)+1)
		p.length = end - p.head
	}
}

// Message returns which message the file has the start of.
func (p *Partial) Message() PartialID { return p.id }

// From returns the offset from which a later run asks for the rest of the message.
// ok is false when too little is there.
func (p *Partial) From() (offset int64, ok bool) {
	return p.length - overlap, p.file != nil && p.length >= leastPart && p.length <= p.id.Size
}

// Length returns how much content is there.
func (p *Partial) Length() int64 { return p.length }

// Forget has the content count no more.
func (p *Partial) Forget() { p.id = PartialID{} }

// Begin makes the file that of another message, and fails when it cannot be written.
func (p *Partial) Begin(id PartialID) error {
	if p.file == nil {
		return errors.ErrUnsupported
	}
	line := fmt.Sprintf("%d %d %d\n", id.Validity, id.UID, id.Size)
	p.id, p.head, p.length = id, int64(len(line)), 0
	err := p.file.Truncate(0)
	if err == nil {
		_, err = p.file.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.WriteString(p.file, line)
	}
	return err
}

// write adds content.
func (p *Partial) write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	p.length += int64(n)
	if err != nil {
		err = &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Err: err}
	}
	return n, err
}

type partialWriter struct{ p *Partial }

func (w partialWriter) Write(data []byte) (int, error) { return w.p.write(data) }

// Fill adds the rest of the message to the file, and returns all of it.
func (p *Partial) Fill(rest io.Reader) (io.Reader, error) {
	if _, err := io.Copy(partialWriter{p}, rest); err != nil {
		return nil, err
	}
	return p.content(0)
}

// content returns what is there from an offset, and leaves the file at its end when
// all of it has been read.
func (p *Partial) content(offset int64) (io.Reader, error) {
	_, err := p.file.Seek(p.head+offset, io.SeekStart)
	return io.LimitReader(p.file, p.length-offset), err
}

// Same compares the start of what comes, from the offset of From on, with the end of
// what is there. The file is at its end then.
func (p *Partial) Same(fresh io.Reader) bool {
	there, err := p.content(p.length - overlap)
	if err != nil {
		return false
	}
	a, b := make([]byte, overlap), make([]byte, overlap)
	_, err1 := io.ReadFull(there, a)
	_, err2 := io.ReadFull(fresh, b)
	return errors.Join(err1, err2) == nil && bytes.Equal(a, b)
}
