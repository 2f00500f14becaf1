package cli

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	mailmsg "github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
)

// letter is a message as flags or a line of a batch give it.
type letter struct {
	EnvelopeFrom *string           `json:"envelope_from"`
	From         string            `json:"from"`
	Sender       string            `json:"sender"`
	ReplyTo      string            `json:"reply_to"`
	To           words             `json:"to"`
	Cc           words             `json:"cc"`
	Bcc          words             `json:"bcc"`
	Subject      string            `json:"subject"`
	Body         *string           `json:"body"`
	BodyFile     string            `json:"body_file"`
	HTML         string            `json:"html"`
	Attach       words             `json:"attach"`
	Inline       words             `json:"inline"`
	Headers      map[string]string `json:"headers"`
	Raw          *string           `json:"raw"`
	RawFile      string            `json:"raw_file"`

	fields []mailmsg.Field // of -H, in their order
}

// words is an array of texts, or one text.
type words []string

// UnmarshalJSON takes both forms.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string // not the one that is there: it may belong to a flag
	err := json.Unmarshal(b, &many)
	*w = many
	return err
}

// content returns a source that can be opened again: standard input is kept in a
// file without a name.
func (m *mailer) content(e *env, name string) (*mailmsg.Part, error) {
	if name != "-" {
		return mailmsg.File(name)
	}
	if m.stdin == nil {
		p, err := spool(e.stdin)
		if err != nil {
			return nil, err
		}
		m.stdin = p
	}
	return m.stdin, nil
}

// spool keeps a stream in a temporary file that is gone when the program ends.
func spool(r io.Reader) (*mailmsg.Part, error) {
	f, err := os.CreateTemp("", "netclients-")
	if err == nil {
		err = os.Remove(f.Name())
	}
	var n int64
	if err == nil {
		n, err = io.Copy(f, r)
	}
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "keeping standard input", Err: err}
	}
	return &mailmsg.Part{Size: n, Open: func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, n)), nil }}, nil
}

// build makes the message of a letter, signed if it is to be.
func (m *mailer) build(e *env, l *letter) (*mailmsg.Message, error) {
	msg, err := m.compose(e, l)
	if err != nil || m.dkimKey == "" {
		return msg, err
	}
	key, err := m.key()
	if err != nil {
		return nil, err
	}
	domain := m.dkimDomain
	if domain == "" {
		domain = msg.From[strings.LastIndexByte(msg.From, '@')+1:]
	}
	return msg.Sign(mailmsg.DKIM{Domain: domain, Selector: m.dkimSelector, Key: key})
}

func (m *mailer) compose(e *env, l *letter) (*mailmsg.Message, error) {
	switch {
	case l.Raw != nil:
		text := *l.Raw
		p := mailmsg.Text(text)
		return mailmsg.Finished(p.Open, p.Size, !m.keepBcc)
	case l.RawFile != "":
		p, err := m.content(e, l.RawFile)
		if err != nil {
			return nil, err
		}
		return mailmsg.Finished(p.Open, p.Size, !m.keepBcc)
	}
	d, err := m.draft(e, l)
	if err != nil {
		return nil, err
	}
	return d.Build()
}

func (m *mailer) draft(e *env, l *letter) (*mailmsg.Draft, error) {
	d := &mailmsg.Draft{From: l.From, Sender: l.Sender, ReplyTo: l.ReplyTo, To: l.To, Cc: l.Cc, Bcc: l.Bcc, Subject: l.Subject, Headers: l.fields}
	if d.From == "" && l.EnvelopeFrom != nil {
		d.From = *l.EnvelopeFrom
	}
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		d.Headers = append(d.Headers, mailmsg.Field{Name: name, Value: l.Headers[name]})
	}
	var err error
	if d.Text, err = m.text(e, l); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(l.HTML, "<"): // no file is called so: the text itself
		d.HTML = mailmsg.Text(l.HTML)
	case l.HTML != "":
		if d.HTML, err = m.content(e, l.HTML); err != nil {
			return nil, err
		}
	}
	if d.Attach, err = m.files(e, l.Attach); err != nil {
		return nil, err
	}
	d.Inline, err = m.files(e, l.Inline)
	return d, err
}

// text returns the plain text: given, from a file, or from standard input when
// something is sent there and nothing else was given.
func (m *mailer) text(e *env, l *letter) (*mailmsg.Part, error) {
	switch {
	case l.Body != nil && l.BodyFile != "":
		return nil, usage("the body is given twice")
	case l.Body != nil:
		return mailmsg.Text(*l.Body), nil
	case l.BodyFile != "":
		return m.content(e, l.BodyFile)
	}
	return nil, nil
}

func (m *mailer) files(e *env, names []string) ([]mailmsg.Part, error) {
	var parts []mailmsg.Part
	for _, name := range names {
		p, err := m.content(e, name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, *p)
	}
	return parts, nil
}

// mail makes what is given to the client: a letter's message with its envelope.
func (m *mailer) mail(e *env, l *letter) (*smtp.Mail, error) {
	msg, err := m.build(e, l)
	if err != nil {
		return nil, err
	}
	to := msg.Recipients
	if (l.Raw != nil || l.RawFile != "") && len(l.To) > 0 {
		if to, err = mailmsg.Addresses(slices.Concat(l.To, l.Cc, l.Bcc)...); err != nil {
			return nil, err
		}
	}
	if len(to) == 0 {
		return nil, usage("the message has no recipient: give --to")
	}
	x := m.options
	x.From, x.To, x.Open, x.Size, x.MessageID = msg.From, to, msg.Open, msg.Size, msg.ID
	if x.From == "" && l.From != "" {
		from, err := mailmsg.Addresses(l.From)
		if err != nil {
			return nil, err
		}
		x.From = from[0]
	}
	if l.EnvelopeFrom != nil {
		x.From = *l.EnvelopeFrom
	}
	x.Return = strings.ToUpper(x.Return)
	x.DeliverBy = time.Duration(m.deliverBy)
	if m.prioritySet {
		x.Priority = &m.priority
	}
	return &x, nil
}
