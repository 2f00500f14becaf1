package labapi

import (
	"io"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// Attachment describes a part of a message that is not its text, as Mailpit does.
type Attachment struct {
	PartID      string
	FileName    string
	ContentType string
	ContentID   string
	Size        int64
	Checksums   struct{ MD5, SHA1, SHA256 string }
}

// Summary is a message in a list, as Mailpit has it.
type Summary struct {
	ID          string
	MessageID   string
	Read        bool
	From        *mail.Address
	To          []*mail.Address
	Cc          []*mail.Address
	Bcc         []*mail.Address
	ReplyTo     []*mail.Address
	Subject     string
	Created     time.Time
	Username    string
	Tags        []string
	Size        int64
	Attachments int
	Snippet     string
}

// Message is a message by itself, as Mailpit has it.
type Message struct {
	ID              string
	MessageID       string
	From            *mail.Address
	To              []*mail.Address
	Cc              []*mail.Address
	Bcc             []*mail.Address
	ReplyTo         []*mail.Address
	ReturnPath      string
	Subject         string
	ListUnsubscribe struct {
		Header     string
		Links      []string
		Errors     string
		HeaderPost string
	}
	Date        time.Time
	Tags        []string
	Username    string
	Text        string
	HTML        string
	Size        int64
	Inline      []Attachment
	Attachments []Attachment
}

// maxSnippet is the length of a snippet in characters.
const maxSnippet = 250

// open reads a message.
func (a *API) open(id string) (*opened, error) {
	c, err := a.Mail.OpenLetter(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return openMail(c)
}

// fields are what a header says to both forms of a message.
func (o *opened) fields(l maillab.Letter) Summary {
	h := o.header
	s := Summary{
		ID: l.ID, MessageID: strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>"), Read: l.Read,
		To: addresses(h, "To"), Cc: addresses(h, "Cc"), Bcc: addresses(h, "Bcc"), ReplyTo: addresses(h, "Reply-To"),
		Subject: words(h.Get("Subject")), Created: l.Date, Username: l.User, Tags: tagsOf(l), Size: l.Size,
	}
	if from := addresses(h, "From"); len(from) > 0 {
		s.From = from[0]
	} else if l.From != "" {
		s.From = &mail.Address{Address: l.From}
	}
	named := slices.Concat(s.To, s.Cc, s.Bcc)
	for _, to := range l.To { // those of the envelope that the header does not name
		if !slices.ContainsFunc(named, func(a *mail.Address) bool { return strings.EqualFold(a.Address, to) }) {
			s.Bcc = append(s.Bcc, &mail.Address{Address: to})
		}
	}
	return s
}

// tagsOf returns the tags, never nil.
func tagsOf(l maillab.Letter) []string {
	if l.Tags == nil {
		return []string{}
	}
	return l.Tags
}

func (o *opened) snippet() string {
	text := []rune(strings.Join(strings.Fields(o.text), " "))
	if len(text) > maxSnippet {
		return string(text[:maxSnippet]) + "..."
	}
	return string(text)
}

// summaries remembers what messages say of themselves, which does not change.
type summaries struct {
	mu   sync.Mutex
	byID map[string]Summary
}

// maxSummaries bounds what is remembered.
const maxSummaries = 2000

// Summary returns a message as in a list.
func (a *API) Summary(l maillab.Letter) (Summary, error) {
	a.summaries.mu.Lock()
	s, known := a.summaries.byID[l.ID]
	a.summaries.mu.Unlock()
	if !known {
		o, err := a.open(l.ID)
		if err != nil {
			return s, err
		}
		s = o.fields(l)
		s.Attachments, s.Snippet = len(o.attachments), o.snippet()
		a.summaries.mu.Lock()
		if len(a.summaries.byID) >= maxSummaries || a.summaries.byID == nil {
			a.summaries.byID = map[string]Summary{}
		}
		a.summaries.byID[l.ID] = s
		a.summaries.mu.Unlock()
	}
	s.Read, s.Tags = l.Read, tagsOf(l)
	return s, nil
}

// summarize returns the messages of a list; one that is deleted meanwhile is left out.
func (a *API) summarize(list []maillab.Letter) []Summary {
	all := []Summary{}
	for _, l := range list {
		if s, err := a.Summary(l); err == nil {
			all = append(all, s)
		}
	}
	return all
}

// full returns a message by itself.
func (a *API) full(l maillab.Letter) (Message, error) {
	o, err := a.open(l.ID)
	if err != nil {
		return Message{}, err
	}
	s := o.fields(l)
	m := Message{
		ID: s.ID, MessageID: s.MessageID, From: s.From, To: s.To, Cc: s.Cc, Bcc: s.Bcc, ReplyTo: s.ReplyTo, ReturnPath: l.From,
		Subject: s.Subject, Date: l.Date, Tags: s.Tags, Username: l.User, Text: o.text, HTML: o.html, Size: l.Size,
		Inline: o.inline, Attachments: o.attachments,
	}
	if at, err := mail.ParseDate(o.header.Get("Date")); err == nil {
		m.Date = at
	}
	m.ListUnsubscribe.Links = []string{}
	m.ListUnsubscribe.Header = o.header.Get("List-Unsubscribe")
	m.ListUnsubscribe.HeaderPost = o.header.Get("List-Unsubscribe-Post")
	for link := range strings.SplitSeq(m.ListUnsubscribe.Header, ",") {
		if link = strings.Trim(strings.TrimSpace(link), "<>"); link != "" {
			m.ListUnsubscribe.Links = append(m.ListUnsubscribe.Links, link)
		}
	}
	return m, nil
}

// readAll reads the content of a message, up to a limit.
func (a *API) readAll(id string, most int64) ([]byte, error) {
	c, err := a.Mail.OpenLetter(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(io.LimitReader(c, most))
}
