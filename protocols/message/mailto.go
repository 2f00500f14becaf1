package message

import (
	"net/url"
	"strings"
)

// Mailto is what a mailto: URL asks for.
type Mailto struct {
	To, Cc, Bcc   []string
	Subject, Body string
	Headers       []Field
}

// ParseMailto reads a mailto: URL (RFC 6068): recipients, and the fields that
// are safe to take from a stranger: to, cc, bcc, subject, body, in-reply-to, references, keywords and comments. Any other field is refused, as
// is a line break anywhere but in the body; a file can never be attached so.
func ParseMailto(text string) (*Mailto, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !strings.EqualFold(scheme, "mailto") {
		return nil, usage(quote(text) + " is no mailto: URL")
	}
	rest, _, _ = strings.Cut(rest, "#")
	to, query, _ := strings.Cut(rest, "?")
	d := &Mailto{}
	if err := d.field("to", to); err != nil {
		return nil, err
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		if err := d.field(name, value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// field takes one field, still percent-coded.
func (d *Mailto) field(name, coded string) error {
	// A plus sign is itself here, not a blank: only percent-coding counts.
	value, err := url.PathUnescape(coded)
	if err != nil {
		return usage("mailto: " + err.Error())
	}
	name = strings.ToLower(name)
	if name == "body" {
		d.Body = value
		return nil
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return usage("mailto: the field " + quote(name) + " holds a line break")
	}
	switch name {
	case "to":
		if value != "" {
			d.To = append(d.To, value)
		}
	case "cc":
		d.Cc = append(d.Cc, value)
	case "bcc":
		d.Bcc = append(d.Bcc, value)
	case "subject":
		d.Subject = value
	case "in-reply-to", "references", "keywords", "comments":
		d.Headers = append(d.Headers, Field{name, value})
	default:
		return usage("mailto: the field " + quote(name) + " is not taken from a URL")
	}
	return nil
}
