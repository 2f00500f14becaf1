package state

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Key names a message in state and archive: 128 bits of a hash of where it
// is from and its id there.
type Key [16]byte

// String returns the key in the form that archives take.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String returns.
func ParseKey(s string) (k Key, ok bool) {
	n, err := hex.Decode(k[:], []byte(s)[:min(len(s), 2*len(k))])
	return k, err == nil && n == len(k) && len(s) == 2*len(k)
}

// HashKey returns the key that stands for some texts together.
func HashKey(parts ...string) (k Key) {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(k[:], sum[:])
	return k
}

// KeyOf returns the key of a message of a mailbox.
func KeyOf(m *protocols.Mailbox, id string) Key {
	return HashKey(ScopeOf(m), m.Name, m.Validity, id)
}

// ScopeOf says what the ids of a mailbox belong to.
func ScopeOf(m *protocols.Mailbox) string { return cmp.Or(m.Scope, m.Account) }

// Own returns the name of a value that each server of a scope has by itself.
func Own(name string, m *protocols.Mailbox) string {
	if m.Scope == "" {
		return name
	}
	return name + "-" + HashKey(m.Account).String()
}

// Shared reports whether messages in the archive may be from another server of the scope.
func (st *Messages) Shared(m *protocols.Mailbox) bool {
	if m.Scope == "" {
		return false
	}
	for name := range st.Values {
		if strings.HasPrefix(name, "source-") && name != Own("source", m) {
			return true
		}
	}
	return false
}

// Messages remembers over runs which messages an archive holds: a file of lines
// that only grows. What a run was killed over is at most the last line; it is
// dropped when the file is next opened. One process has it open at a time.
//
//   - KEY FLAGS     a message is safe in the archive, and has these flags
//   - KEY           it is to be forgotten
//     = NAME VALUE    something about the whole: validity, state, open, unsynced
//
// Values are written as in the query of a URL.
type Messages struct {
	Path   string
	f      *os.File // nil: read only
	w      *bufio.Writer
	Known  Keys
	Values map[string]string
	lines  int
	flags  []string          // by the numbers that known has
	number map[string]uint32 // of a text in flags
}

func newMessages(path string) *Messages {
	return &Messages{Path: path, Values: map[string]string{}, number: map[string]uint32{}}
}

// ReadMessages reads a state without writing anything. One that is not there is
// empty.
func ReadMessages(ctx context.Context, path string) (*Messages, error) {
	st := newMessages(path)
	f, err := file.Open(ctx, path, file.RulePrivate, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := messagesFormat.check(f, path); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	_, err = st.load(f)
	return st, err
}

// messagesFormat is what a state begins with. States from before there was a
// title begin with one of the other lines.
var messagesFormat = format{
	name: "state of a sync of messages", title: "# netclients message state 1", older: isStateLine,
}

func isStateLine(line []byte) bool {
	mark, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
	name, _, _ := strings.Cut(rest, " ")
	_, ok := ParseKey(name)
	switch mark {
	case "=":
		return slices.Contains([]string{"validity", "state", "open", "unsynced"}, name)
	case "+", "-":
		return ok
	}
	return false
}

// OpenMessages opens or makes a state. When another process has it open the
// error has class [protocols.ErrBusy].
func OpenMessages(ctx context.Context, path string) (*Messages, error) {
	st := newMessages(path)
	f, err := messagesFormat.open(ctx, path)
	if err != nil {
		return nil, err
	}
	st.Path = f.Name() // links followed
	end, err := st.load(f)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	st.f, st.w = f, bufio.NewWriterSize(f, 64<<10)
	if st.lines > 2*st.Known.N+1000 {
		if err := st.compact(); err != nil {
			_ = st.Close()
			return nil, err
		}
	}
	return st, nil
}

// load reads all whole lines and returns where they end.
func (st *Messages) load(f io.Reader) (end int64, err error) {
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		if err == io.EOF {
			return end, nil
		}
		if err == errLongLine {
			return end, tooLong(st.Path)
		}
		if err != nil {
			return end, err
		}
		end += int64(len(line))
		st.take(strings.TrimSuffix(string(line), "\n"))
	}
}

// take reads one line. What is none of ours is left out.
func (st *Messages) take(line string) {
	st.lines++
	mark, rest, _ := strings.Cut(line, " ")
	name, coded, _ := strings.Cut(rest, " ")
	value, err := url.QueryUnescape(coded)
	if err != nil {
		return
	}
	key, ok := ParseKey(name)
	switch {
	case mark == "=" && name != "":
		st.Values[name] = value
	case mark == "+" && ok:
		st.Known.Put(key, st.numberOf(value))
	case mark == "-" && ok:
		st.Known.drop(key)
	}
}

// numberOf returns the number that stands for a text of flags, which many messages have.
func (st *Messages) numberOf(flags string) uint32 {
	n, known := st.number[flags]
	if !known {
		n = uint32(len(st.flags))
		st.flags, st.number[flags] = append(st.flags, flags), n
	}
	return n
}

// FlagsOf returns the flags of a message that is known.
func (st *Messages) FlagsOf(e *Known) string { return st.flags[e.Bits&^Listed] }

// Unlist forgets which messages the source has listed.
func (st *Messages) Unlist() {
	for e := range st.Known.all() {
		e.Bits &^= Listed
	}
}

// Unlisted returns the messages that are known and were not listed.
func (st *Messages) Unlisted() (gone []Key) {
	for e := range st.Known.all() {
		if e.Bits&Listed == 0 {
			gone = append(gone, e.key)
		}
	}
	return gone
}

// Value returns a value about the whole; empty when there is none.
func (st *Messages) Value(name string) string { return st.Values[name] }

// Set changes a value; one that is as it was costs nothing.
func (st *Messages) Set(name, value string) {
	if old, known := st.Values[name]; known && old == value || !known && value == "" && name != "validity" {
		return
	}
	st.Values[name] = value
	st.line("=", name, value)
}

// Add remembers a message that was listed.
func (st *Messages) Add(key Key, flags string) {
	st.Known.Put(key, st.numberOf(flags)|Listed)
	st.line("+", key.String(), flags)
}

// Forget drops a message.
func (st *Messages) Forget(key Key) {
	st.Known.drop(key)
	st.line("-", key.String(), "")
}

// ForgetAll drops what was known of the messages, and of the source's state.
func (st *Messages) ForgetAll() {
	for e := range st.Known.all() {
		st.line("-", e.key.String(), "")
	}
	st.Known = Keys{}
	for name := range st.Values {
		if name == "state" || strings.HasPrefix(name, "state-") {
			st.Set(name, "")
		}
	}
}

// line appends a line; the writer keeps an error for sync. What is only read is
// changed in memory alone.
func (st *Messages) line(mark, name, value string) {
	line := mark + " " + name + " " + url.QueryEscape(value) + "\n"
	if st.w == nil || len(line) > maxRecord {
		return // one that is too long could not be read again
	}
	st.w.WriteString(line)
}

// Sync writes what was added, and forces it to the disk unless d is None.
func (st *Messages) Sync(d file.Durability) error {
	if err := st.w.Flush(); err != nil || d == file.None {
		return err
	}
	return st.f.Sync()
}

// compact writes the state anew, without what is forgotten, and goes on with that.
func (st *Messages) compact() error {
	dir, err := os.OpenRoot(filepath.Dir(st.Path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(st.Path)
	temp, err := file.Anew(dir, name+".new", 0o600)
	if err != nil {
		return err
	}
	old := st.f
	st.f, st.w = temp, bufio.NewWriterSize(temp, 64<<10)
	st.w.WriteString(messagesFormat.title + "\n")
	for name, value := range st.Values {
		st.line("=", name, value)
	}
	for e := range st.Known.all() {
		st.line("+", e.key.String(), st.FlagsOf(e))
	}
	err = errors.Join(file.Hold(temp, st.Path), st.Sync(file.Group))
	if err == nil {
		err = dir.Rename(name+".new", name)
	}
	if err == nil {
		err = file.SyncFolder(dir, "")
	}
	return errors.Join(err, old.Close())
}

// Close writes what was added and frees the state.
func (st *Messages) Close() error {
	if st.f == nil {
		return nil
	}
	return errors.Join(st.w.Flush(), st.f.Close())
}

// Blank reports whether the state remembers nothing, not even a run without messages:
// it is new, or it was lost while the archive was kept.
func (st *Messages) Blank() bool {
	_, ran := st.Values["validity"]
	return !ran && st.Known.N == 0 && st.Value("open") == ""
}
