package transfer

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

// messageKey names a message in state and archive: 128 bits of a hash of where it
// is from and its id there.
type messageKey [16]byte

// String returns the key in the form that archives take.
func (k messageKey) String() string { return hex.EncodeToString(k[:]) }

func parseKey(s string) (k messageKey, ok bool) {
	n, err := hex.Decode(k[:], []byte(s)[:min(len(s), 2*len(k))])
	return k, err == nil && n == len(k) && len(s) == 2*len(k)
}

func hashKey(parts ...string) (k messageKey) {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(k[:], sum[:])
	return k
}

// keyOf returns the key of a message of a mailbox.
func keyOf(m *protocols.Mailbox, id string) messageKey {
	return hashKey(scopeOf(m), m.Name, m.Validity, id)
}

// scopeOf says what the ids of a mailbox belong to.
func scopeOf(m *protocols.Mailbox) string { return cmp.Or(m.Scope, m.Account) }

// own returns the name of a value that each server of a scope has by itself.
func own(name string, m *protocols.Mailbox) string {
	if m.Scope == "" {
		return name
	}
	return name + "-" + hashKey(m.Account).String()
}

// shared reports whether messages in the archive may be from another server of the scope.
func (st *messageState) shared(m *protocols.Mailbox) bool {
	if m.Scope == "" {
		return false
	}
	for name := range st.values {
		if strings.HasPrefix(name, "source-") && name != own("source", m) {
			return true
		}
	}
	return false
}

// messageState remembers over runs which messages an archive holds: a file of lines
// that only grows. What a run was killed over is at most the last line; it is
// dropped when the file is next opened. One process has it open at a time.
//
//   - KEY FLAGS     a message is safe in the archive, and has these flags
//   - KEY           it is to be forgotten
//     = NAME VALUE    something about the whole: validity, state, open, unsynced
//
// Values are written as in the query of a URL.
type messageState struct {
	path   string
	f      *os.File // nil: read only
	w      *bufio.Writer
	known  keyTable
	values map[string]string
	lines  int
	flags  []string          // by the numbers that known has
	number map[string]uint32 // of a text in flags
}

func newMessageState(path string) *messageState {
	return &messageState{path: path, values: map[string]string{}, number: map[string]uint32{}}
}

// readMessageState reads a state without writing anything. One that is not there is
// empty.
func readMessageState(ctx context.Context, path string) (*messageState, error) {
	st := newMessageState(path)
	f, err := file.Open(ctx, path, file.RulePrivate, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := messageStateFormat.check(f, path); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	_, err = st.load(f)
	return st, err
}

// messageStateFormat is what a state begins with. States from before there was a
// title begin with one of the other lines.
var messageStateFormat = stateFormat{
	name: "state of a sync of messages", title: "# netclients message state 1", older: isStateLine,
}

func isStateLine(line []byte) bool {
	mark, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
	name, _, _ := strings.Cut(rest, " ")
	_, ok := parseKey(name)
	switch mark {
	case "=":
		return slices.Contains([]string{"validity", "state", "open", "unsynced"}, name)
	case "+", "-":
		return ok
	}
	return false
}

// openMessageState opens or makes a state. When another process has it open the
// error has class [protocols.ErrBusy].
func openMessageState(ctx context.Context, path string) (*messageState, error) {
	st := newMessageState(path)
	f, err := messageStateFormat.open(ctx, path)
	if err != nil {
		return nil, err
	}
	st.path = f.Name() // links followed
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
	if st.lines > 2*st.known.n+1000 {
		if err := st.compact(); err != nil {
			_ = st.close()
			return nil, err
		}
	}
	return st, nil
}

// load reads all whole lines and returns where they end.
func (st *messageState) load(f io.Reader) (end int64, err error) {
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		if err == io.EOF {
			return end, nil
		}
		if err == errLongLine {
			return end, tooLong(st.path)
		}
		if err != nil {
			return end, err
		}
		end += int64(len(line))
		st.take(strings.TrimSuffix(string(line), "\n"))
	}
}

// take reads one line. What is none of ours is left out.
func (st *messageState) take(line string) {
	st.lines++
	mark, rest, _ := strings.Cut(line, " ")
	name, coded, _ := strings.Cut(rest, " ")
	value, err := url.QueryUnescape(coded)
	if err != nil {
		return
	}
	key, ok := parseKey(name)
	switch {
	case mark == "=" && name != "":
		st.values[name] = value
	case mark == "+" && ok:
		st.known.put(key, st.numberOf(value))
	case mark == "-" && ok:
		st.known.drop(key)
	}
}

// numberOf returns the number that stands for a text of flags, which many messages have.
func (st *messageState) numberOf(flags string) uint32 {
	n, known := st.number[flags]
	if !known {
		n = uint32(len(st.flags))
		st.flags, st.number[flags] = append(st.flags, flags), n
	}
	return n
}

// flagsOf returns the flags of a message that is known.
func (st *messageState) flagsOf(e *keyEntry) string { return st.flags[e.bits&^keyListed] }

// unlist forgets which messages the source has listed.
func (st *messageState) unlist() {
	for e := range st.known.all() {
		e.bits &^= keyListed
	}
}

// unlisted returns the messages that are known and were not listed.
func (st *messageState) unlisted() (gone []messageKey) {
	for e := range st.known.all() {
		if e.bits&keyListed == 0 {
			gone = append(gone, e.key)
		}
	}
	return gone
}

func (st *messageState) value(name string) string { return st.values[name] }

// set changes a value; one that is as it was costs nothing.
func (st *messageState) set(name, value string) {
	if old, known := st.values[name]; known && old == value || !known && value == "" && name != "validity" {
		return
	}
	st.values[name] = value
	st.line("=", name, value)
}

// add remembers a message that was listed.
func (st *messageState) add(key messageKey, flags string) {
	st.known.put(key, st.numberOf(flags)|keyListed)
	st.line("+", key.String(), flags)
}

func (st *messageState) forget(key messageKey) {
	st.known.drop(key)
	st.line("-", key.String(), "")
}

// forgetAll drops what was known of the messages, and of the source's state.
func (st *messageState) forgetAll() {
	for e := range st.known.all() {
		st.line("-", e.key.String(), "")
	}
	st.known = keyTable{}
	for name := range st.values {
		if name == "state" || strings.HasPrefix(name, "state-") {
			st.set(name, "")
		}
	}
}

// line appends a line; the writer keeps an error for sync. What is only read is
// changed in memory alone.
func (st *messageState) line(mark, name, value string) {
	line := mark + " " + name + " " + url.QueryEscape(value) + "\n"
	if st.w == nil || len(line) > maxRecord {
		return // one that is too long could not be read again
	}
	st.w.WriteString(line)
}

// sync writes what was added, and forces it to the disk unless d is None.
func (st *messageState) sync(d Durability) error {
	if err := st.w.Flush(); err != nil || d == DurabilityNone {
		return err
	}
	return st.f.Sync()
}

// compact writes the state anew, without what is forgotten, and goes on with that.
func (st *messageState) compact() error {
	dir, err := os.OpenRoot(filepath.Dir(st.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(st.path)
	temp, err := file.Anew(dir, name+".new", 0o600)
	if err != nil {
		return err
	}
	old := st.f
	st.f, st.w = temp, bufio.NewWriterSize(temp, 64<<10)
	st.w.WriteString(messageStateFormat.title + "\n")
	for name, value := range st.values {
		st.line("=", name, value)
	}
	for e := range st.known.all() {
		st.line("+", e.key.String(), st.flagsOf(e))
	}
	err = errors.Join(file.Hold(temp, st.path), st.sync(DurabilityGroup))
	if err == nil {
		err = dir.Rename(name+".new", name)
	}
	if err == nil {
		err = file.SyncFolder(dir, "")
	}
	return errors.Join(err, old.Close())
}

// close writes what was added and frees the state.
func (st *messageState) close() error {
	if st.f == nil {
		return nil
	}
	return errors.Join(st.w.Flush(), st.f.Close())
}

// blank reports whether the state remembers nothing, not even a run without messages:
// it is new, or it was lost while the archive was kept.
func (st *messageState) blank() bool {
	_, ran := st.values["validity"]
	return !ran && st.known.n == 0 && st.value("open") == ""
}
