package protocols

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
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

// Entry is one item of a listing, of any protocol.
type Entry struct {
	Protocol string
	URL      string // opens the entry; never holds a password
	Name     string // last component, as the server has it
	Path     string // name to give to the client's other verbs
	Type     Type
	Size     int64         // bytes; -1 when not known
	Modified time.Time     // zero when not known
	Accuracy time.Duration // how exact Modified is: a minute, a day; 0 means a second or better
	Mode     fs.FileMode   // permission bits; meaningful when HasMode
	HasMode  bool
	Target   string            // of a link
	Owner    string            // as the server names it
	Group    string            // as the server names it
	ID       string            // unique id the protocol gives: UIDL, ETag, MLSD unique
	Facts    map[string]string // further facts, keys in lower case
	Raw      string            // the server's own line, when it could not be parsed

	*MessageInfo
	*GroupInfo
}

// MessageInfo is what a listing tells of a mail or news message.
type MessageInfo struct {
	Number    int64    `json:"number,omitempty"`
	UID       string   `json:"uid,omitempty"`
	MessageID string   `json:"message_id,omitempty"`
	From      string   `json:"from,omitempty"`
	To        string   `json:"to,omitempty"`
	Subject   string   `json:"subject,omitempty"`
	Date      string   `json:"date,omitempty"`
	Flags     []string `json:"flags,omitempty"`
}

// GroupInfo is what a listing tells of a newsgroup or mailbox.
type GroupInfo struct {
	Count   int64  `json:"count"`
	Low     int64  `json:"low,omitempty"`
	High    int64  `json:"high,omitempty"`
	Posting string `json:"posting,omitempty"`
}

// Parsed reports whether the entry was understood. A line that was not stands in
// Raw, and a listing that holds one is no base for deleting anything.
func (e *Entry) Parsed() bool { return e.Raw == "" }

// entryJSON fixes names and order of the keys in JSON output.
type entryJSON struct {
	Protocol string            `json:"protocol"`
	URL      string            `json:"url,omitempty"`
	Name     string            `json:"name"`
	Path     string            `json:"path,omitempty"`
	Type     Type              `json:"type"`
	Size     *int64            `json:"size,omitempty"`
	Modified string            `json:"modified,omitempty"`
	Mode     string            `json:"mode,omitempty"`
	Target   string            `json:"target,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Group    string            `json:"group,omitempty"`
	ID       string            `json:"id,omitempty"`
	Facts    map[string]string `json:"facts,omitempty"`
	Raw      string            `json:"raw,omitempty"`
	*MessageInfo
	*GroupInfo
}

// MarshalJSON writes the keys of the command line's contract; a value that is
// not known has no key. Mode is octal, "0644"; times are RFC 3339 in UTC.
func (e Entry) MarshalJSON() ([]byte, error) {
	j := entryJSON{
		Protocol: e.Protocol, URL: e.URL, Name: e.Name, Path: e.Path, Type: e.Type, Target: e.Target,
		Owner: e.Owner, Group: e.Group, ID: e.ID, Facts: e.Facts, Raw: e.Raw,
		MessageInfo: e.MessageInfo, GroupInfo: e.GroupInfo,
	}
	if e.Size >= 0 {
		j.Size = &e.Size
	}
	if !e.Modified.IsZero() {
		j.Modified = e.Modified.UTC().Format(time.RFC3339Nano)
	}
	if e.HasMode {
		j.Mode = OctalMode(e.Mode)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // Message-IDs have angle brackets
	err := enc.Encode(j)
	return b.Bytes(), err
}

// OctalMode gives the permission bits with set-uid, set-gid and sticky as chmod
// takes them, "0644" or "1777".
func OctalMode(m fs.FileMode) string {
	n := uint32(m.Perm())
	for i, bit := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if m&bit != 0 {
			n |= 0o1000 << i
		}
	}
	return fmt.Sprintf("%04o", n)
}

// Object is an Entry with its content. The caller closes Body; until then the
// client that gave it is busy.
type Object struct {
	Entry
	Offset int64         // where in the object Body starts
	Body   io.ReadCloser // ends with io.EOF only when all of it came
}
