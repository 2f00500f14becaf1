package protocols

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes the keys of the command line's contract; a value that is
// not known has no key. Mode is octal, "0644"; times are RFC 3339 in UTC. HTML is
// not escaped: message-ids have angle brackets.
//
// Listings have millions of entries, so this is written out by hand: it takes a
// third of the time of the reflection that the test compares it with.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(make([]byte, 0, 640)), nil }

// AppendJSON appends what MarshalJSON returns to b.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"protocol":`...), e.Protocol)
	b = appendKnown(b, `,"url":`, e.URL)
	b = appendString(append(b, `,"name":`...), e.Name)
	b = appendKnown(b, `,"path":`, e.Path)
	b = appendString(append(b, `,"type":`...), string(e.Type))
	if e.Size >= 0 {
		b = strconv.AppendInt(append(b, `,"size":`...), e.Size, 10)
	}
	if !e.Modified.IsZero() {
		b = append(e.Modified.UTC().AppendFormat(append(b, `,"modified":"`...), time.RFC3339Nano), '"')
	}
	if e.HasMode {
		b = appendKnown(b, `,"mode":`, OctalMode(e.Mode))
	}
	b = appendKnown(b, `,"target":`, e.Target)
	b = appendKnown(b, `,"owner":`, e.Owner)
	b = appendKnown(b, `,"group":`, e.Group)
	b = appendKnown(b, `,"id":`, e.ID)
	b = e.appendFacts(b)
	b = appendKnown(b, `,"raw":`, e.Raw)
	b = e.MessageInfo.appendJSON(b)
	b = e.GroupInfo.appendJSON(b, e.Type == TypeGroup)
	return append(b, '}')
}

// entryJSON has names and order of the keys of an [Entry], for the standard library.
type entryJSON struct {
	Protocol string            `json:"protocol"`
	URL      string            `json:"url,omitempty"`
	Name     string            `json:"name"`
	Path     string            `json:"path,omitempty"`
	Type     Type              `json:"type"`
	Size     *int64            `json:"size,omitempty"`
	Modified time.Time         `json:"modified,omitzero"`
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

// EntryShape returns a value of the struct whose keys are those of an [Entry] as JSON, for
// schemas that are made from types.
func EntryShape() any { return entryJSON{} }

// UnmarshalJSON reads what MarshalJSON writes. A size that is not there is
// [SizeUnknown]; Accuracy, which is not written, is 0.
func (e *Entry) UnmarshalJSON(b []byte) error {
	var j entryJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*e = Entry{
		Protocol: j.Protocol, URL: j.URL, Name: j.Name, Path: j.Path, Type: j.Type, Size: SizeUnknown,
		Modified: j.Modified, Target: j.Target, Owner: j.Owner, Group: j.Group, ID: j.ID, Facts: j.Facts, Raw: j.Raw,
		MessageInfo: j.MessageInfo, GroupInfo: j.GroupInfo,
	}
	if j.Size != nil {
		if e.Size = *j.Size; e.Size < 0 {
			return fmt.Errorf("size %d is below 0", e.Size)
		}
	}
	if j.Mode == "" {
		return nil
	}
	mode, err := parseOctalMode(j.Mode)
	e.Mode, e.HasMode = mode, err == nil
	return err
}

// appendFacts writes the facts in the order of their names.
func (e *Entry) appendFacts(b []byte) []byte {
	if len(e.Facts) == 0 {
		return b
	}
	var few [8]string
	names := few[:0]
	for name := range e.Facts {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, `,"facts":{`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendString(b, e.Facts[name])
	}
	return append(b, '}')
}

func (m *MessageInfo) appendJSON(b []byte) []byte {
	if m == nil {
		return b
	}
	b = appendNumber(b, `,"number":`, m.Number)
	b = appendKnown(b, `,"uid":`, m.UID)
	b = appendKnown(b, `,"message_id":`, m.MessageID)
	b = appendKnown(b, `,"from":`, m.From)
	b = appendKnown(b, `,"to":`, m.To)
	b = appendKnown(b, `,"subject":`, m.Subject)
	b = appendKnown(b, `,"date":`, m.Date)
	if m.Flags == nil {
		return b
	}
	b = append(b, `,"flags":[`...)
	for i, f := range m.Flags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, f)
	}
	return append(b, ']')
}

// appendJSON writes the numbers of the first and last article where there are such:
// a newsgroup without articles has them too.
func (g *GroupInfo) appendJSON(b []byte, newsgroup bool) []byte {
	if g == nil {
		return b
	}
	b = strconv.AppendInt(append(b, `,"count":`...), g.Count, 10)
	if newsgroup {
		b = strconv.AppendInt(append(b, `,"low":`...), g.Low, 10)
		b = strconv.AppendInt(append(b, `,"high":`...), g.High, 10)
	} else {
		b = appendNumber(b, `,"low":`, g.Low)
		b = appendNumber(b, `,"high":`, g.High)
	}
	return appendKnown(b, `,"posting":`, g.Posting)
}

// appendKnown writes a key and its value unless that is empty.
func appendKnown(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, key...), value)
}

func appendNumber(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), n, 10)
}

// appendString writes a text as JSON, with U+FFFD for bytes that are not UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size, esc := escape(s[i:])
		if esc != "" {
			b = append(append(b, s[start:i]...), esc...)
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

// escape returns the length of the first character of s, which is not plain ASCII,
// and what stands for it in JSON; empty for itself.
func escape(s string) (size int, esc string) {
	const hex = "0123456789abcdef"
	switch c := s[0]; {
	case c == '"':
		return 1, `\"`
	case c == '\\':
		return 1, `\\`
	case c == '\b':
		return 1, `\b`
	case c == '\f':
		return 1, `\f`
	case c == '\n':
		return 1, `\n`
	case c == '\r':
		return 1, `\r`
	case c == '\t':
		return 1, `\t`
	case c < 0x20:
		return 1, `\u00` + string([]byte{hex[c>>4], hex[c&15]})
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return 1, `\ufffd`
	case r == '\u2028':
		return size, `\u2028`
	case r == '\u2029':
		return size, `\u2029`
	}
	return size, ""
}
