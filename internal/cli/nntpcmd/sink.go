package nntpcmd

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
)

// nzbSink is the file that parts are written into: under a temporary name until
// it is whole. The parts that have come are noted in a file beside it, for a later
// run with --continue.
type nzbSink struct {
	kit.ChosenPlace
	name  string     // of the file, when it is known
	part  *file.Temp // nil: nothing has come
	begun int64      // an earlier run has written up to here
	notes *os.File   // nil: nothing is noted
	noted string     // name of the notes
	held  []byte     // notes of parts that may not be on the disk yet
	count int
}

// partNote is a line of the notes.
type partNote struct {
	ID    string
	Piece nntp.Piece
}

// notesEvery is how many parts are made safe and noted together.
const notesEvery = 50

// begin opens the notes and returns the parts that an earlier run has got.
func (s *nzbSink) begin(wanted *nntp.NZBFile, resume bool) (begun map[string]nntp.Piece, err error) {
	sum := sha256.Sum256([]byte(wanted.Segments[0].ID)) // the name is not known before the first part
	s.noted = ".nzb-" + hex.EncodeToString(sum[:8])
	var count []byte
	if resume {
		if begun, count, err = s.read(); err != nil {
			return nil, err
		}
	}
	if s.notes, err = file.Anew(s.Root, s.noted, 0o666); err == nil {
		_, err = s.notes.Write(count)
	}
	return begun, err
}

// read reads the notes of an earlier run. They count only as far as the part that
// they tell of is there, and ours; others must never count again.
func (s *nzbSink) read() (begun map[string]nntp.Piece, count []byte, err error) {
	f, err := file.OpenOwn(s.Root, s.noted, os.O_RDONLY)
	if err != nil {
		return nil, nil, nil // none that can be trusted
	}
	defer f.Close()
	begun = map[string]nntp.Piece{}
	posted, there := "", int64(0)
	in := bufio.NewScanner(f)
	for in.Scan() {
		var n partNote
		if json.Unmarshal(in.Bytes(), &n) != nil || n.Piece.Offset < 0 || n.Piece.Length < 0 {
			continue
		}
		if len(begun) == 0 {
			posted, there = n.Piece.Name, s.written(n.Piece.Name)
		}
		if end := n.Piece.Offset + n.Piece.Length; n.Piece.Name == posted && end <= there {
			begun[n.ID], s.begun = n.Piece, max(s.begun, end)
			count = append(append(count, in.Bytes()...), '\n')
		}
	}
	return begun, count, in.Err()
}

// written returns the size of what an earlier run has left of a file.
func (s *nzbSink) written(posted string) int64 {
	name, err := file.ChosenName(posted)
	if err != nil {
		return -1
	}
	f, err := file.OpenOwn(s.Root, file.PartName(name), os.O_RDONLY)
	if err != nil {
		return -1
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return -1
	}
	return info.Size()
}

// create opens the temporary file when the name is known.
func (s *nzbSink) create(posted string) (io.WriterAt, error) {
	name, err := s.ChosenPlace.Name(posted)
	if err != nil {
		return nil, err
	}
	if s.begun > 0 {
		s.part, err = file.OpenPart(s.Root, name, s.begun)
	} else {
		s.part, err = file.CreatePart(s.Root, name, 0o666)
	}
	if err != nil {
		return nil, err
	}
	s.name, s.part.New = name, !s.Overwrite
	return s.part, nil
}

// path returns the path of the file; empty when its name is not known.
func (s *nzbSink) path() string {
	if s.name == "" {
		return ""
	}
	return s.ChosenPlace.Path(s.name)
}

// note notes a part, once it is on the disk.
func (s *nzbSink) note(id string, p nntp.Piece) error {
	line, err := json.Marshal(partNote{id, p})
	if err != nil {
		return err
	}
	s.held = append(append(s.held, line...), '\n')
	if s.count++; s.count%notesEvery == 0 {
		return s.settle()
	}
	return nil
}

// settle makes what was written safe, and then notes it.
func (s *nzbSink) settle() error {
	if len(s.held) == 0 {
		return nil
	}
	err := s.part.Sync()
	if err == nil {
		_, err = s.notes.Write(s.held)
	}
	s.held = nil
	return err
}

// finish names the file, when it is whole.
func (s *nzbSink) finish(whole bool) (err error) {
	if s.part != nil {
		if err = s.settle(); err == nil && whole {
			err = s.part.Store(file.Group)
		}
		s.part.Keep()
	}
	if s.notes != nil {
		s.notes.Close()
		if whole && err == nil || s.part == nil && s.begun == 0 {
			s.Root.Remove(s.noted)
		}
	}
	return err
}

// drop removes what was written.
func (s *nzbSink) drop() {
	if s.part != nil {
		s.part.Abort()
	}
}
