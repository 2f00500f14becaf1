package imap

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/maildate"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Envelope is the header of a message as its server has read it (ENVELOPE, RFC 9051
// section 7.5.2), with the references, which the server's does not have. Texts are
// decoded.
type Envelope struct {
	Date       time.Time // zero when it cannot be read
	Subject    string
	From       []mail.Address
	Sender     []mail.Address
	ReplyTo    []mail.Address
	To         []mail.Address
	Cc         []mail.Address
	Bcc        []mail.Address
	InReplyTo  string
	MessageID  string
	References []string // of a message itself, not of one inside another
}

// Envelope returns the envelope of a message.
func (c *Client) Envelope(ctx context.Context, name string) (*Envelope, error) {
	e := &Envelope{}
	err := factsOf(ctx, c, "envelope", name, "ENVELOPE BODY.PEEK[HEADER.FIELDS (REFERENCES)]", func(m *imapwire.Message) {
		e = envelopeOf(m.Envelope)
		if _, value, ok := strings.Cut(m.Header, ":"); ok {
			e.References = strings.Fields(value)
		}
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func envelopeOf(v imapwire.Node) *Envelope {
	f := fields(v.List)
	e := &Envelope{
		Subject: human(f.text(1)), From: addresses(f.at(2)), Sender: addresses(f.at(3)), ReplyTo: addresses(f.at(4)),
		To: addresses(f.at(5)), Cc: addresses(f.at(6)), Bcc: addresses(f.at(7)),
		InReplyTo: strings.TrimSpace(f.text(8)), MessageID: strings.TrimSpace(f.text(9)),
	}
	e.Date, _ = maildate.Parse(f.text(0))
	return e
}

// addresses reads a list of addresses. The marks of groups, which have no host or no
// mailbox, are left out.
func addresses(v imapwire.Node) []mail.Address {
	var out []mail.Address
	for _, one := range v.List {
		f := fields(one.List)
		local, host := f.text(2), f.text(3)
		if local == "" || f.at(3).Kind == imapwire.NilNode {
			continue
		}
		address := local
		if host != "" {
			address += "@" + host
		}
		out = append(out, mail.Address{Name: human(f.text(0)), Address: address})
	}
	return out
}
