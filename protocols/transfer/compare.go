package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// destEntry is an entry of the destination. A folder may have a million of them: what few
// have is apart.
type destEntry struct {
	kind     protocols.Type
	size     int64
	modified time.Time
	rare     *rareFacts // nil: the time is exact, and there is no target
	mode     fs.FileMode
	seen     bool   // the source has it too, or it is none of our business
	pass     uint16 // over the source's listing that saw this very name; 0: none
}

type rareFacts struct {
	accuracy time.Duration
	target   string
}

func destEntryOf(e protocols.Entry) *destEntry {
	h := &destEntry{kind: e.Type, size: e.Size, modified: e.Modified, mode: e.Mode}
	if e.Accuracy != 0 || e.Target != "" {
		h.rare = &rareFacts{e.Accuracy, e.Target}
	}
	return h
}

// facts returns what few entries have.
func (h *destEntry) facts() rareFacts {
	if h.rare == nil {
		return rareFacts{}
	}
	return *h.rare
}

// aDay is the accuracy from which a time is of no use.
const aDay = 24 * time.Hour

// upToDate reports whether the destination's file needs no copy: sizes are equal,
// and so are the times as far as both are exact. A remote destination may also be
// newer, because not every server lets a time be set. What the journal knows to be
// stored from just this source needs no time.
func (s *treeSync) upToDate(e *protocols.Entry, h *destEntry, rel string) bool {
	if h.kind != protocols.TypeFile || e.Size >= 0 && h.size >= 0 && e.Size != h.size {
		return false
	}
	if known := e.Size >= 0 || !e.Modified.IsZero() || e.ID != ""; known && s.journal.Done(s.record(e, rel)) {
		return true
	}
	unit := max(e.Accuracy, h.facts().accuracy, time.Second)
	untold := e.Modified.IsZero() || h.modified.IsZero() || unit >= aDay
	switch {
	case untold:
		return e.Size >= 0 && h.size >= 0
	case near(e.Modified, h.modified, unit):
		return s.local == nil || !s.fromLocal || exactly(e.Modified, h.modified)
	}
	return s.local == nil && h.modified.After(e.Modified)
}

// exactly compares two local times, one of which may stand on a file system that
// keeps seconds only.
func exactly(a, b time.Time) bool {
	return a.Equal(b) || a.Nanosecond() == 0 || b.Nanosecond() == 0
}

func (s *treeSync) record(e *protocols.Entry, rel string) Record {
	return Record{Path: joinName(s.to.URL, rel), Size: e.Size, Time: e.Modified, ID: e.ID}
}

// safe turns a name of the source into one for the destination.
func (s *treeSync) safe(name string) (string, error) {
	if s.local != nil {
		return file.SafeName(name)
	}
	if !oneComponent(name) {
		return "", &protocols.Error{Kind: protocols.KindRefused, Text: "the name is not one path component, or contains a line break or NUL: not sent to a server"}
	}
	return name, nil
}

// sameContent compares the bytes of both sides.
func (w *worker) sameContent(ctx context.Context, j *job) (bool, error) {
	same := false
	err := w.s.both(ctx, func() int64 { return 0 }, func(sc, dc protocols.Client) (bool, error) {
		var err error
		same, err = w.compareWith(ctx, sc, dc, j)
		return false, err
	})
	return same, err
}

func (w *worker) compareWith(ctx context.Context, sc, dc protocols.Client, j *job) (bool, error) {
	to, err := protocols.Get(ctx, dc, joinName(j.in.name, j.name), nil)
	if err != nil {
		return false, err
	}
	defer to.Body.Close()
	if w.s.o.Verify != nil && w.s.local != nil {
		err := w.s.o.Verify(ctx, sc, j.e.Path, to.Body)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err == nil, passing(err)
		}
		to.Body.Close()
		if to, err = protocols.Get(ctx, dc, joinName(j.in.name, j.name), nil); err != nil {
			return false, err
		}
		defer to.Body.Close()
	}
	from, err := protocols.Get(ctx, sc, j.e.Path, nil)
	if err != nil {
		return false, err
	}
	defer from.Body.Close()
	return equalStreams(from.Body, to.Body, w.buf)
}

// passing keeps the errors after which it may be tried again; any other of a
// verification says that the bytes differ.
func passing(err error) error {
	if retry.MayPass(err) || errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// equalStreams compares what two readers have to the end, with the room of buf.
func equalStreams(a, b io.Reader, buf []byte) (bool, error) {
	half := len(buf) / 2
	x, y := buf[:half], buf[half:2*half]
	for {
		n, aerr := io.ReadFull(a, x)
		m, berr := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if ended(aerr) && ended(berr) {
			return true, nil
		}
		if aerr != nil || berr != nil {
			return false, errors.Join(unlessEnd(aerr), unlessEnd(berr))
		}
	}
}

// ended: io.ReadFull makes ErrUnexpectedEOF of an end after some bytes; a body
// that was cut returns the same, but then the other side's bytes differ.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

func unlessEnd(err error) error {
	if ended(err) {
		return nil
	}
	return err
}
