package transfer

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// worthResuming is the size from which the partial file of an object is kept.
const worthResuming = 1 << 20

// record says what a partial file is a part of. It lies beside it.
type record struct {
	Source   string    `json:"source"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
	Accuracy int64     `json:"accuracy_ns,omitempty"`
	ID       string    `json:"id,omitempty"`
	Offset   int64     `json:"offset,omitempty"` // of the part in the object
	Length   int64     `json:"length,omitempty"`
	Missing  []span    `json:"missing,omitempty"` // of a part of full size that came in segments
}

func newRecord(e protocols.Entry, source string, o *Options) record {
	return record{
		Source: source, Size: e.Size, Modified: e.Modified, Accuracy: int64(e.Accuracy), ID: e.ID,
		Offset: o.Offset, Length: o.Length,
	}
}

// entry returns the record as what the object must still be.
func (r *record) entry() *protocols.Entry {
	return &protocols.Entry{Size: r.Size, Modified: r.Modified, Accuracy: time.Duration(r.Accuracy), ID: r.ID}
}

// proves reports whether the record is enough to identify the object again.
func (r *record) proves() bool { return r.ID != "" || r.Size >= 0 && !r.Modified.IsZero() }

// same reports whether e is the object of the record, as far as both tell. A size
// that went unknown, or an id or time that differs, is another object.
func (r *record) same(e protocols.Entry) bool {
	if r.Size >= 0 && e.Size >= 0 && r.Size != e.Size || r.ID != "" && e.ID != "" && r.ID != e.ID {
		return false
	}
	if r.Modified.IsZero() || e.Modified.IsZero() {
		return true
	}
	return near(r.Modified, e.Modified, max(time.Duration(r.Accuracy), e.Accuracy))
}

// near reports whether two times are one, as exactly as they are known.
func near(a, b time.Time, accuracy time.Duration) bool {
	return a.Sub(b).Abs() < max(accuracy, time.Second)
}

func writeRecord(dir *os.Root, name string, r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	at := file.RecordName(name)
	dir.Remove(at)
	f, err := dir.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// readRecord returns the record beside the part of name; ok is false when there is
// none that can be used.
func readRecord(dir *os.Root, name string) (r record, ok bool) {
	f, err := file.OpenOwn(dir, file.RecordName(name), os.O_RDONLY)
	if err != nil {
		return r, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return r, err == nil && json.Unmarshal(b, &r) == nil
}

func removeRecord(dir *os.Root, name string) { dir.Remove(file.RecordName(name)) }

func bytesText(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }
