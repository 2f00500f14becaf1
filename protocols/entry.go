package protocols

import (
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"
)

// Type says what an [Entry] is.
type Type string

// The types of entries.
const (
	TypeFile    Type = "file"
	TypeDir     Type = "dir"
	TypeLink    Type = "link"
	TypeMessage Type = "message"
	TypeMailbox Type = "mailbox"
	TypeGroup   Type = "group"
	TypeMenu    Type = "menu"
	TypeSearch  Type = "search"
	TypeBinary  Type = "binary"
	TypeImage   Type = "image"
	TypeHTML    Type = "html"
	TypeInfo    Type = "info"
	TypeOther   Type = "other"
)

// SizeUnknown stands for a number of bytes that is not known, in all types of this
// module: [Entry], [Object], PutOptions, Message, the requests of HTTP, and so on.
//
// In a struct that goes in together with a reader of the bytes, 0 stands for the same,
// so that the zero value is right: see [SizeOf]. In a struct that comes out, 0 is 0.
const SizeUnknown = -1

// SizeOf returns how many bytes r has, for adapters that are handed r with a size: the
// size when it is above 0, else what a reader of bytes in memory says of itself, else
// [SizeUnknown]. A nil r has 0 bytes.
func SizeOf(r io.Reader, size int64) int64 {
	switch r := r.(type) {
	case nil:
		return 0
	case interface{ Len() int }: // bytes.Buffer, bytes.Reader, strings.Reader
		if size <= 0 {
			return int64(r.Len())
		}
	}
	if size <= 0 {
		return SizeUnknown
	}
	return size
}

// Entry is one item of a listing, of any protocol.
type Entry struct {
	Protocol string
	URL      string // opens the entry; never holds a password
	Name     string // last component, as the server has it
	Path     string // name to give to the client's other verbs
	Type     Type
	Size     int64         // bytes, or SizeUnknown
	Modified time.Time     // zero when not known
	Accuracy time.Duration // how exact Modified is: a minute, a day; 0 means a second or better
	Mode     fs.FileMode   // permission bits; meaningful when HasMode
	HasMode  bool
	Target   string            // of a link
	Owner    string            // as the server names it
	Group    string            // as the server names it
	ID       string            // unique id assigned by the protocol: UIDL, ETag, MLSD unique
	Facts    map[string]string // further facts, keys in lower case
	Raw      string            // the server's own line, when it could not be parsed

	*MessageInfo
	*GroupInfo
}

// MessageInfo holds the facts of a mail or news message in a listing.
type MessageInfo struct {
	Number    int64    `json:"number,omitempty"`
	UID       string   `json:"uid,omitempty"`
	MessageID string   `json:"message_id,omitempty"`
	From      string   `json:"from,omitempty"`
	To        string   `json:"to,omitempty"`
	Subject   string   `json:"subject,omitempty"`
	Date      string   `json:"date,omitempty"`
	Flags     []string `json:"flags,omitzero"` // nil when not known; known to be none is empty
}

// GroupInfo holds the facts of a newsgroup or mailbox in a listing.
type GroupInfo struct {
	Count   int64  `json:"count"`
	Low     int64  `json:"low,omitempty"`
	High    int64  `json:"high,omitempty"`
	Posting string `json:"posting,omitempty"`
}

// Parsed reports whether the entry was understood. A line that was not stands in
// Raw, and a listing with such a line must not be the reason for deleting anything.
func (e *Entry) Parsed() bool { return e.Raw == "" }

// modeBits are the bits above the permissions, from 0o1000 on.
var modeBits = [...]fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid}

// OctalMode returns the permission bits with set-uid, set-gid and sticky as chmod
// takes them, "0644" or "1777".
func OctalMode(m fs.FileMode) string {
	n := uint32(m.Perm())
	for i, bit := range modeBits {
		if m&bit != 0 {
			n |= 0o1000 << i
		}
	}
	return fmt.Sprintf("%04o", n)
}

// parseOctalMode reads what OctalMode returns.
func parseOctalMode(text string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o7777 {
		return 0, fmt.Errorf("mode %q is not an octal number up to 7777", text)
	}
	m := fs.FileMode(n).Perm()
	for i, bit := range modeBits {
		if n&(0o1000<<i) != 0 {
			m |= bit
		}
	}
	return m, nil
}

// Object is an Entry with its content. The caller closes Body; until then the
// client is busy.
type Object struct {
	Entry
	Offset int64         // where in the object Body starts
	Body   io.ReadCloser // ends with io.EOF only when all of it came
}
