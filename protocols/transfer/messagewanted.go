package transfer

import (
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// wanted is a message to fetch. There may be hundreds of thousands: texts share
// their bytes where one is part of the other.
type wanted struct {
	key      messageKey
	path     string
	id, name string // mostly parts of path
	base     string // of the URL; path follows when joined
	joined   bool
	size     int64
	when     int64 // seconds since 1970
	nano     int32 // and nanoseconds
	flags    string
}

func (s *messageSync) wants(e *protocols.Entry, key messageKey) wanted {
	w := wanted{key: key, path: e.Path, id: part(e.ID, e.Path), name: part(e.Name, e.Path), size: e.Size, when: e.Modified.Unix(), nano: int32(e.Modified.Nanosecond())}
	w.base, w.joined = strings.CutSuffix(e.URL, e.Path)
	if w.joined {
		w.base = s.state.intern(w.base)
	}
	if e.MessageInfo != nil {
		w.flags = s.state.intern(flagText(e.Flags))
	}
	return w
}

// part gives text as a part of whole, if it is one.
func part(text, whole string) string {
	if i := strings.LastIndex(whole, text); i >= 0 {
		return whole[i : i+len(text)]
	}
	return text
}

func (w *wanted) url() string {
	if w.joined {
		return w.base + w.path
	}
	return w.base
}

// flagText gives flags in one order, without \Recent, which is no property of a
// message but of a session.
func flagText(flags []string) string {
	kept := make([]string, 0, len(flags))
	for _, f := range flags {
		if !strings.EqualFold(f, `\Recent`) {
			kept = append(kept, f)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, " ")
}

func (w *wanted) entry() *protocols.Entry {
	return &protocols.Entry{
		Name: w.name, Path: w.path, URL: w.url(), ID: w.id, Size: w.size, Modified: time.Unix(w.when, int64(w.nano)).UTC(),
		Type: protocols.TypeMessage, MessageInfo: &protocols.MessageInfo{Flags: strings.Fields(w.flags)},
	}
}
