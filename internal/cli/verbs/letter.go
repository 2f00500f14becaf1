package verbs

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	mailmsg "github.com/netclients/netclients/protocols/message"
)

// Letter is a message as flags or a line of a batch give it.
type Letter struct {
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

	Fields []mailmsg.Field `json:"-"` // of -H, in their order
}

// Finished reports whether the letter holds a complete message.
func (l *Letter) Finished() bool { return l.Raw != nil || l.RawFile != "" }

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

// Content returns a source that can be opened again: standard input is kept in a
// file without a name.
func (c *Composer) Content(e *kit.Env, name string) (*mailmsg.Part, error) {
	if name != "-" {
		return mailmsg.File(name)
	}
	if c.stdin == nil {
		p, err := spool(e.Stdin)
		if err != nil {
			return nil, err
		}
		c.stdin = p
	}
	return c.stdin, nil
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

// Compose makes the message of a letter, or takes its finished one.
func (c *Composer) Compose(e *kit.Env, l *Letter) (*mailmsg.Message, error) {
	given := mailmsg.Given{Sender: l.EnvelopeFrom != nil || l.From != "", Recipients: len(l.To) > 0}
	switch {
	case l.Raw != nil:
		text := *l.Raw
		p := mailmsg.Text(text)
		return mailmsg.Finished(p.Open, p.Size, !c.KeepBcc, given)
	case l.RawFile != "":
		p, err := c.Content(e, l.RawFile)
		if err != nil {
			return nil, err
		}
		return mailmsg.Finished(p.Open, p.Size, !c.KeepBcc, given)
	}
	d, err := c.draft(e, l)
	if err != nil {
		return nil, err
	}
	return d.Build()
}

func (c *Composer) draft(e *kit.Env, l *Letter) (*mailmsg.Draft, error) {
	d := &mailmsg.Draft{From: l.From, Sender: l.Sender, ReplyTo: l.ReplyTo, To: l.To, Cc: l.Cc, Bcc: l.Bcc, Subject: l.Subject, Headers: l.Fields}
	if d.From == "" && l.EnvelopeFrom != nil {
		d.From = *l.EnvelopeFrom
	}
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		d.Headers = append(d.Headers, mailmsg.Field{Name: name, Value: l.Headers[name]})
	}
	var err error
	if d.Text, err = c.text(e, l); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(l.HTML, "<"): // no file is called so: the text itself
		d.HTML = mailmsg.Text(l.HTML)
	case l.HTML != "":
		if d.HTML, err = c.Content(e, l.HTML); err != nil {
			return nil, err
		}
	}
	if d.Attach, err = c.files(e, l.Attach); err != nil {
		return nil, err
	}
	d.Inline, err = c.files(e, l.Inline)
	return d, err
}

// text returns the plain text: given, from a file, or from standard input when
// something is sent there and nothing else was given.
func (c *Composer) text(e *kit.Env, l *Letter) (*mailmsg.Part, error) {
	switch {
	case l.Body != nil && l.BodyFile != "":
		return nil, kit.Usage("the body is given twice")
	case l.Body != nil:
		return mailmsg.Text(*l.Body), nil
	case l.BodyFile != "":
		return c.Content(e, l.BodyFile)
	}
	return nil, nil
}

func (c *Composer) files(e *kit.Env, names []string) ([]mailmsg.Part, error) {
	var parts []mailmsg.Part
	for _, name := range names {
		p, err := c.Content(e, name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, *p)
	}
	return parts, nil
}

// Composer makes messages of letters.
type Composer struct {
	stdin   *mailmsg.Part // standard input, once it is read
	KeepBcc bool
}
