package maillab

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"
	nettextproto "net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// each runs f on the messages of a set that are in the client's view.
func (c *imapSession) each(set imap.NumSet, f func(seq uint32, m *Message) error) error {
	last := uint32(len(c.view))
	lastUID := imap.UID(0)
	if last > 0 {
		lastUID = imap.UID(c.view[last-1].UID)
	}
	for i := range c.view {
		seq, uid := uint32(i+1), imap.UID(c.view[i].UID)
		in := false
		switch set := set.(type) {
		case imap.SeqSet:
			in = containsNum(set, seq, last)
		case imap.UIDSet:
			in = containsUID(set, uid, lastUID)
		}
		if !in {
			continue
		}
		if err := f(seq, &c.view[i]); err != nil {
			return err
		}
	}
	return nil
}

// containsNum: "*" is the last message (RFC 3501 9).
func containsNum(set imap.SeqSet, n, last uint32) bool {
	return slices.ContainsFunc(set, func(r imap.SeqRange) bool { return inRange(r.Start, r.Stop, n, last) })
}

func containsUID(set imap.UIDSet, n, last imap.UID) bool {
	return slices.ContainsFunc(set, func(r imap.UIDRange) bool { return inRange(r.Start, r.Stop, n, last) })
}

func inRange[T uint32 | imap.UID](from, to, n, last T) bool {
	if from == 0 {
		from = last
	}
	if to == 0 {
		to = last
	}
	return n >= min(from, to) && n <= max(from, to)
}

// Fetch returns the requested items of messages.
func (c *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	return c.each(set, func(seq uint32, m *Message) error {
		if slices.ContainsFunc(o.BodySection, func(s *imap.FetchItemBodySection) bool { return !s.Peek }) && !hasFlag(m, imap.FlagSeen) {
			m.Flags = append(m.Flags, string(imap.FlagSeen))
			c.s.mail.SetFlags(c.user, c.box, m.UID, m.Flags)
		}
		return writeMail(w.CreateMessage(seq), m, o)
	})
}

// writeMail writes the items of one message. The writer is closed in any case: it holds the
// connection's lock until then.
func writeMail(w *imapserver.FetchResponseWriter, m *Message, o *imap.FetchOptions) error {
	return errors.Join(writeItems(w, m, o), w.Close())
}

func writeItems(w *imapserver.FetchResponseWriter, m *Message, o *imap.FetchOptions) error {
	w.WriteUID(imap.UID(m.UID))
	if o.Flags {
		w.WriteFlags(imapFlagsOf(m))
	}
	if o.InternalDate {
		w.WriteInternalDate(m.Date)
	}
	if o.RFC822Size {
		w.WriteRFC822Size(m.Size())
	}
	if !o.Envelope && o.BodyStructure == nil && len(o.BodySection) == 0 {
		return nil
	}
	c, err := m.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	if o.Envelope {
		h, _ := textproto.ReadHeader(bufio.NewReader(whole(c)))
		w.WriteEnvelope(imapserver.ExtractEnvelope(h))
	}
	if o.BodyStructure != nil {
		w.WriteBodyStructure(imapserver.ExtractBodyStructure(whole(c)))
	}
	for _, s := range o.BodySection {
		if err := writeSection(w, c, s); err != nil {
			return err
		}
	}
	return nil
}

// whole returns a reader of the content from its beginning.
func whole(c *Content) io.Reader { return io.NewSectionReader(c, 0, c.Size()) }

// writeSection writes a part of a message. The whole of it goes out as it came in.
func writeSection(w *imapserver.FetchResponseWriter, c *Content, s *imap.FetchItemBodySection) error {
	part, size := whole(c), c.Size()
	if s.Specifier != imap.PartSpecifierNone || len(s.Part) > 0 || s.Partial != nil {
		text := imapserver.ExtractBodySection(part, s)
		part, size = bytes.NewReader(text), int64(len(text))
	}
	body := w.WriteBodySection(s, size)
	_, err := io.Copy(body, part)
	return errors.Join(err, body.Close())
}

// Store changes flags.
func (c *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	return c.each(set, func(seq uint32, m *Message) error {
		is := func(f string) bool {
			return slices.ContainsFunc(flags.Flags, func(x imap.Flag) bool { return strings.EqualFold(string(x), f) })
		}
		kept := slices.DeleteFunc(slices.Clone(m.Flags), is)
		switch flags.Op {
		case imap.StoreFlagsSet:
			kept = flagTexts(flags.Flags)
		case imap.StoreFlagsAdd:
			kept = append(kept, flagTexts(flags.Flags)...)
		}
		m.Flags = kept
		c.s.mail.SetFlags(c.user, c.box, m.UID, kept)
		if flags.Silent {
			return nil
		}
		return writeMail(w.CreateMessage(seq), m, &imap.FetchOptions{Flags: true})
	})
}

// Expunge removes what is marked.
func (c *imapSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	for i := len(c.view) - 1; i >= 0; i-- {
		m := &c.view[i]
		if !hasFlag(m, imap.FlagDeleted) || uids != nil && !uids.Contains(imap.UID(m.UID)) {
			continue
		}
		c.s.mail.Delete(c.user, c.box, m.UID)
		c.view = slices.Delete(c.view, i, i+1)
		if err := w.WriteExpunge(uint32(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

// Copy copies messages to another mailbox.
func (c *imapSession) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	info, err := c.s.mail.Info(c.user, dest)
	if err != nil {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTryCreate, Text: "no such mailbox"}
	}
	data := &imap.CopyData{UIDValidity: info.UIDValidity}
	err = c.each(set, func(_ uint32, m *Message) error {
		uid, err := c.s.mail.Copy(c.user, m, dest)
		if err != nil {
			return imapNo(err)
		}
		data.SourceUIDs.AddNum(imap.UID(m.UID))
		data.DestUIDs.AddNum(imap.UID(uid))
		return nil
	})
	return data, err
}

// Move copies messages and removes them here.
func (c *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	data, err := c.Copy(set, dest)
	if err != nil {
		return err
	}
	if err := w.WriteCopyData(data); err != nil {
		return err
	}
	for i := len(c.view) - 1; i >= 0; i-- {
		if !data.SourceUIDs.Contains(imap.UID(c.view[i].UID)) {
			continue
		}
		c.s.mail.Delete(c.user, c.box, c.view[i].UID)
		c.view = slices.Delete(c.view, i, i+1)
		if err := w.WriteExpunge(uint32(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

// Search finds messages.
func (c *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, o *imap.SearchOptions) (*imap.SearchData, error) {
	var seqs imap.SeqSet
	var uids imap.UIDSet
	data := &imap.SearchData{}
	for i := range c.view {
		seq := uint32(i + 1)
		if !c.matches(seq, &c.view[i], criteria) {
			continue
		}
		n := seq
		if kind == imapserver.NumKindUID {
			n = c.view[i].UID
		}
		seqs.AddNum(n)
		uids.AddNum(imap.UID(n))
		if data.Min == 0 {
			data.Min = n
		}
		data.Max = n
		data.Count++
	}
	data.All = seqs
	if kind == imapserver.NumKindUID {
		data.All = uids
	}
	return data, nil
}

// matches reports whether a message fits all criteria.
func (c *imapSession) matches(seq uint32, m *Message, k *imap.SearchCriteria) bool {
	last := uint32(len(c.view))
	lastUID := imap.UID(c.view[last-1].UID)
	tests := []bool{
		!slices.ContainsFunc(k.SeqNum, func(s imap.SeqSet) bool { return !containsNum(s, seq, last) }),
		!slices.ContainsFunc(k.UID, func(s imap.UIDSet) bool { return !containsUID(s, imap.UID(m.UID), lastUID) }),
		!slices.ContainsFunc(k.Flag, func(f imap.Flag) bool { return !hasFlag(m, f) }),
		!slices.ContainsFunc(k.NotFlag, func(f imap.Flag) bool { return hasFlag(m, f) }),
		k.Larger == 0 || m.Size() > k.Larger,
		k.Smaller == 0 || m.Size() < k.Smaller,
		between(m.Date, k.Since, k.Before),
		!slices.ContainsFunc(k.Not, func(n imap.SearchCriteria) bool { return c.matches(seq, m, &n) }),
		!slices.ContainsFunc(k.Or, func(or [2]imap.SearchCriteria) bool {
			return !c.matches(seq, m, &or[0]) && !c.matches(seq, m, &or[1])
		}),
	}
	return !slices.Contains(tests, false) && matchesText(m, k)
}

// between compares days (RFC 3501 6.4.4).
func between(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

// matchesText looks at header and text.
func matchesText(m *Message, k *imap.SearchCriteria) bool {
	if len(k.Header)+len(k.Body)+len(k.Text) == 0 && k.SentSince.IsZero() && k.SentBefore.IsZero() {
		return true
	}
	data, err := m.Bytes()
	if err != nil {
		return false // it is gone
	}
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return len(k.Header)+len(k.Body)+len(k.Text) == 0
	}
	body, _ := io.ReadAll(msg.Body)
	has := func(text []byte, s string) bool {
		return bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(s)))
	}
	for _, h := range k.Header {
		value := decodedHeader(msg.Header.Get(h.Key))
		if _, there := msg.Header[nettextproto.CanonicalMIMEHeaderKey(h.Key)]; !there || !has([]byte(value), h.Value) {
			return false
		}
	}
	if sent, err := msg.Header.Date(); (!k.SentSince.IsZero() || !k.SentBefore.IsZero()) && (err != nil || !between(sent, k.SentSince, k.SentBefore)) {
		return false
	}
	return !slices.ContainsFunc(k.Body, func(s string) bool { return !has(body, s) }) &&
		!slices.ContainsFunc(k.Text, func(s string) bool { return !has(data, s) && !has([]byte(decodedHeader(string(data))), s) })
}

func decodedHeader(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}
