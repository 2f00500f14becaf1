package state

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/file"
)

// Record is one line of a journal: what was stored.
type Record struct {
	Path string    `json:"path"` // where it is now: any name that stays the same
	Size int64     `json:"size"` // of the source
	Time time.Time `json:"time,omitzero"`
	ID   string    `json:"id,omitempty"` // assigned by the protocol: a UID, an ETag
}

// maxRecord is the longest line of a journal.
const maxRecord = 1 << 20

// Journal remembers what was done, over runs: a file of JSON lines that only
// grows. What a run was killed over is at most the last line; it is dropped when
// the journal is next opened. One process writes at a time.
//
// In memory a record is two numbers. Methods may be called from many goroutines.
type Journal struct {
	mu   sync.Mutex
	f    *os.File
	w    *bufio.Writer
	seed maphash.Seed
	done map[uint64]uint64 // hash of the path to hash of the rest
}

// journalFormat is what a journal begins with. Journals from before there was a
// title begin with a record.
var journalFormat = format{
	name: "journal", title: `{"netclients":"transfer journal","version":1}`, older: isRecord,
}

func isRecord(line []byte) bool {
	var r Record
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(&r) == nil && r.Path != ""
}

// OpenJournal opens or makes the journal at path, with its folder, and reads it.
// When another process has it open the error has class [protocols.ErrBusy]. A file
// that is not a journal, or not the user's own, is not changed: see
// [file.RulePrivate].
func OpenJournal(ctx context.Context, path string) (*Journal, error) {
	f, err := journalFormat.open(ctx, path)
	if err != nil {
		return nil, err
	}
	j := &Journal{f: f, seed: maphash.MakeSeed(), done: map[uint64]uint64{}}
	if err := j.load(); err != nil {
		f.Close()
		return nil, err
	}
	j.w = bufio.NewWriterSize(f, 64<<10)
	return j, nil
}

// load reads the lines, and cuts off an incomplete record at the end.
func (j *Journal) load() error {
	r := bufio.NewReaderSize(j.f, 64<<10)
	good := int64(0)
	for {
		line, err := readLine(r)
		if err == nil {
			good += int64(len(line))
			var rec Record
			if json.Unmarshal(line, &rec) == nil && rec.Path != "" {
				j.remember(rec)
			}
			continue
		}
		if err == errLongLine {
			return tooLong(j.f.Name())
		}
		if err != io.EOF {
			return err
		}
		if err := j.f.Truncate(good); err != nil {
			return err
		}
		_, err = j.f.Seek(good, io.SeekStart)
		return err
	}
}

func (j *Journal) remember(r Record) { j.done[j.hash(r.Path)] = j.stamp(r) }

func (j *Journal) hash(s string) uint64 { return maphash.String(j.seed, s) }

func (j *Journal) stamp(r Record) uint64 {
	b, err := json.Marshal(Record{Size: r.Size, Time: r.Time.UTC(), ID: r.ID})
	if err != nil {
		return 0
	}
	return maphash.Bytes(j.seed, b)
}

// Done reports whether the last record of that path is equal to r. A nil journal
// knows nothing.
func (j *Journal) Done(r Record) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	have, ok := j.done[j.hash(r.Path)]
	return ok && have == j.stamp(r)
}

// Add appends records; they are safe after Sync. A nil journal takes nothing.
func (j *Journal) Add(records ...Record) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range records {
		r.Time = r.Time.UTC()
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if len(b) >= maxRecord {
			continue // it could not be read again: the file is compared the next time
		}
		if _, err := j.w.Write(append(bytes.TrimSpace(b), '\n')); err != nil {
			return err
		}
		j.remember(r)
	}
	return nil
}

// Sync writes what was added, and forces it to the disk unless d is None.
func (j *Journal) Sync(d file.Durability) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.w.Flush(); err != nil || d == file.None {
		return err
	}
	return j.f.Sync()
}

// Close writes what was added and frees the journal. A nil journal is closed.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	err := j.Sync(file.Group)
	return errors.Join(err, j.f.Close())
}
