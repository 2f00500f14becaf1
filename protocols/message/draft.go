package message

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	gomessage "github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"

	"github.com/netclients/netclients/internal/maildate"
)

// Field is a header field.
type Field struct{ Name, Value string }

// Draft is a message as a person composes it. Address fields hold lists in the
// usual notation: `Bob <bob@example.org>, carol@example.org`.
type Draft struct {
	From, Sender, ReplyTo string
	To, Cc, Bcc           []string // Bcc goes only into the envelope
	Subject               string
	Date                  time.Time // zero means now
	MessageID             string    // with its angle brackets; empty means a new one
	Headers               []Field   // additional fields, in order; known ones replace the fields above

	Text   *Part  // nil means none
	HTML   *Part  // nil means none
	Inline []Part // shown inside HTML, by their ContentID
	Attach []Part
}

// Build checks a draft and builds the message. It reads only the beginnings of
// the texts; attachments are opened when the message is read. All errors of the
// draft are of kind usage.
func (d Draft) Build() (*Message, error) {
	if err := d.absorb(); err != nil {
		return nil, err
	}
	h, m, err := d.header()
	if err != nil {
		return nil, err
	}
	root, err := d.tree()
	if err != nil {
		return nil, err
	}
	m.Size = root.size() + headerSize(&h)
	m.write = func(w io.Writer) error { return root.writeRoot(w, h) }
	return m, nil
}

// headerSize estimates the size of a header.
func headerSize(h *gomessage.Header) int64 {
	n := int64(64)
	for f := h.Fields(); f.Next(); {
		n += int64(len(f.Key()) + len(f.Value()) + 8)
	}
	return n
}

// absorb moves additional fields that correspond to a field of the draft to that
// field, and rejects those that would corrupt the message.
func (d *Draft) absorb() error {
	lists := map[string]*[]string{"to": &d.To, "cc": &d.Cc, "bcc": &d.Bcc}
	texts := map[string]*string{"from": &d.From, "sender": &d.Sender, "reply-to": &d.ReplyTo, "subject": &d.Subject, "message-id": &d.MessageID}
	var rest []Field
	for _, f := range d.Headers {
		name := strings.ToLower(f.Name)
		switch {
		case !isToken(f.Name):
			return usage("invalid header name " + quote(f.Name))
		case strings.ContainsAny(f.Value, "\r\n\x00"):
			return usage("header " + f.Name + " contains a line break")
		case strings.HasPrefix(name, "content-") || name == "mime-version":
			return usage("header " + f.Name + " is set by the structure of the message")
		case lists[name] != nil:
			*lists[name] = append(slices.Clone(*lists[name]), f.Value)
		case texts[name] != nil:
			*texts[name] = f.Value
		case name == "date":
			t, ok := maildate.Parse(f.Value)
			if !ok {
				return usage("header Date: " + quote(f.Value) + " is not a date")
			}
			d.Date = t
		default:
			rest = append(rest, f)
		}
	}
	d.Headers = rest
	return nil
}

// isToken reports whether s is a field name: without blanks, control characters
// or colon (RFC 5322 3.6.8).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// header builds the header of the message, and its envelope.
func (d *Draft) header() (gomessage.Header, *Message, error) {
	var h gomail.Header
	m := &Message{}
	lists := map[string][]mailbox{}
	for _, f := range []struct {
		name  string
		lists []string
	}{{"From", []string{d.From}}, {"Sender", []string{d.Sender}}, {"Reply-To", []string{d.ReplyTo}}, {"To", d.To}, {"Cc", d.Cc}, {"Bcc", d.Bcc}} {
		as, err := strict.addresses(f.name, f.lists)
		if err != nil {
			return h.Header, nil, err
		}
		lists[f.name] = as
	}
	if len(lists["From"]) == 0 {
		return h.Header, nil, usage("the message has no sender (From)")
	}
	if strings.ContainsAny(d.Subject, "\r\n\x00") {
		return h.Header, nil, usage("the subject contains a line break")
	}
	id, err := d.messageID(lists["From"][0].bare)
	if err != nil {
		return h.Header, nil, err
	}
	// The library prepends each new field.
	for _, f := range slices.Backward(d.Headers) {
		h.AddRaw(rawField(f))
	}
	h.Set("Message-Id", id)
	if d.Subject != "" {
		h.SetSubject(d.Subject)
	}
	for _, name := range []string{"Cc", "To", "Reply-To", "Sender", "From"} {
		if len(lists[name]) > 0 {
			h.Set(name, inHeader(lists[name]))
		}
	}
	date := d.Date
	if date.IsZero() {
		date = time.Now()
	}
	h.SetDate(date)
	m.ID = id
	m.From = envelopeOf(lists["Sender"], lists["From"])[0]
	m.Recipients = envelopeOf(lists["To"], lists["Cc"], lists["Bcc"])
	return h.Header, m, nil
}

// inHeader returns an address list as a header carries it.
func inHeader(list []mailbox) string {
	var texts []string
	for _, m := range list {
		texts = append(texts, m.String())
	}
	return strings.Join(texts, ", ")
}

// rawField encodes an additional field, with RFC 2047 if it is not ASCII, under
// its name as typed.
func rawField(f Field) []byte {
	var h gomessage.Header
	h.SetText(f.Name, f.Value)
	return []byte(f.Name + ": " + h.Get(f.Name) + "\r\n")
}

// messageID returns the id of the draft, or a new one: random, in the sender's
// domain, so that it reveals nothing about this machine.
func (d *Draft) messageID(from string) (string, error) {
	if id := d.MessageID; id != "" {
		if !strings.HasPrefix(id, "<") {
			id = "<" + id + ">"
		}
		inner := strings.TrimSuffix(id[1:], ">")
		if len(inner)+2 != len(id) || !isToken(strings.ReplaceAll(inner, ":", "")) || strings.ContainsAny(inner, "<>") {
			return "", usage("invalid message id " + quote(d.MessageID))
		}
		return id, nil
	}
	_, domain, _ := cutAddress(from)
	if domain == "" || strings.ContainsFunc(domain, func(r rune) bool { return r <= ' ' || r > '~' }) {
		domain, _ = os.Hostname()
	}
	return "<" + randomText() + "@" + domain + ">", nil
}

// randomText returns 128 random bits as text.
func randomText() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
