// Package spool keeps messages in a folder until a server has taken them. A message is two
// files: ID.eml as it is sent, and ID.json with its envelope and what became of it. Each
// is complete when it is there, and on the disk when Add has returned.
package spool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// State says what is to become of an entry.
type State string

// The states.
const (
	Queued  State = "queued"  // to be sent when it is due
	Sending State = "sending" // the message is on its way: where this stays, nobody knows what became of it
	Held    State = "held"    // for a person to decide: it may have been accepted
	Failed  State = "failed"  // for ever
)

// Entry is one message.
type Entry struct {
	ID        string          `json:"id"`
	URL       string          `json:"url"` // of the server, without a password
	MX        bool            `json:"mx,omitempty"`
	From      string          `json:"from"`
	To        []string        `json:"to"`
	MessageID string          `json:"message_id,omitempty"`
	Size      int64           `json:"size"`
	Options   json.RawMessage `json:"options,omitempty"` // what else is asked of the server
	State     State           `json:"state"`
	Created   time.Time       `json:"created"`
	Attempts  int             `json:"attempts"`
	Next      time.Time       `json:"next"`
	Error     string          `json:"error,omitempty"`   // of the last attempt
	Refused   []string        `json:"refused,omitempty"` // recipients that a server has refused for ever
}

// Spool is a folder of messages, held by one process.
type Spool struct {
	root *os.Root
	held *os.File
}

const (
	messageEnd = ".eml"
	entryEnd   = ".json"
	maxEntry   = 16 << 20
)

// pauses are the times between attempts; the last one counts for all that follow.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}

// Pause returns how long to wait after so many attempts.
func Pause(attempts int) time.Duration { return pauses[min(max(attempts-1, 0), len(pauses)-1)] }

// Open opens a spool, and makes its folder, which only its owner may read. One that another
// process has is an error of class [protocols.ErrBusy].
func Open(dir string) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{root: root}
	if s.held, err = root.Open("."); err == nil {
		err = file.Hold(s.held, dir)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close lets the folder go.
func (s *Spool) Close() error {
	if s.held != nil {
		s.held.Close()
	}
	return s.root.Close()
}

// Add stores a message, and returns its entry with an id.
func (s *Spool) Add(e Entry, message io.Reader) (Entry, error) {
	e.ID = strings.ToLower(rand.Text()[:16])
	t, err := file.CreateTemp(s.root, e.ID+messageEnd, 0o600)
	if err != nil {
		return e, err
	}
	if e.Size, err = io.Copy(t.File, message); err != nil {
		t.Abort()
		return e, err
	}
	if err := t.Store(file.Each); err != nil {
		return e, err
	}
	if err := s.Put(e); err != nil {
		return e, errors.Join(err, s.root.Remove(e.ID+messageEnd))
	}
	return e, nil
}

// Put stores what is known of a message.
func (s *Spool) Put(e Entry) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	t, err := file.CreateTemp(s.root, e.ID+entryEnd, 0o600)
	if err != nil {
		return err
	}
	if _, err := t.Write(append(b, '\n')); err != nil {
		t.Abort()
		return err
	}
	return t.Store(file.Each)
}

// Message opens a message. The caller closes it.
func (s *Spool) Message(e Entry) (io.ReadCloser, error) {
	return file.OpenOwn(s.root, e.ID+messageEnd, os.O_RDONLY)
}

// Remove forgets a message that was taken. The entry goes first: a message without one is
// never sent.
func (s *Spool) Remove(e Entry) error {
	err := s.root.Remove(e.ID + entryEnd)
	if gone := s.root.Remove(e.ID + messageEnd); err == nil && !errors.Is(gone, fs.ErrNotExist) {
		err = gone
	}
	return err
}

// Entries returns the entries, in the order of their files' names. One that cannot be read
// is an error of kind Local, which names it.
func (s *Spool) Entries(ctx context.Context) ([]Entry, error) {
	var all []Entry
	for info, err := range file.Scan(s.root) {
		if err != nil {
			return nil, err
		}
		id, ok := strings.CutSuffix(info.Name(), entryEnd)
		if !ok || file.IsPart(info.Name()) {
			continue
		}
		e, err := s.entry(info.Name())
		if err == nil && e.ID != id {
			err = errors.New("it is the entry of another message")
		}
		if err != nil {
			return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "the spool's " + info.Name(), Err: err}
		}
		all = append(all, e)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return all, nil
}

func (s *Spool) entry(name string) (e Entry, err error) {
	f, err := file.OpenOwn(s.root, name, os.O_RDONLY)
	if err != nil {
		return e, err
	}
	defer f.Close()
	return e, json.NewDecoder(io.LimitReader(f, maxEntry)).Decode(&e)
}
