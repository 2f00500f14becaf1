package message

import (
	"net/url"
	"strings"
)

// Mailto is the content of a mailto: URL.
type Mailto struct {
	To, Cc, Bcc   []string
	Subject, Body string
	Headers       []Field
}

// ParseMailto parses a mailto: URL (RFC 6068): recipients, and the fields that are safe to accept from an untrusted
// source: to, cc, bcc, subject, body, in-reply-to, references, keywords and comments. It rejects any other field, and a
// line break anywhere but in the body. A URL can never attach a file.
func ParseMailto(text string) (*Mailto, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !strings.EqualFold(scheme, "mailto") {
		return nil, usage(quote(text) + " is not a mailto: URL")
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

// field adds one field, still percent-encoded.
func (d *Mailto) field(name, coded string) error {
	// A plus sign stays a plus sign: only percent-encoding is decoded.
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
		return usage("mailto: the field " + quote(name) + " contains a line break")
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
		return usage("mailto: the field " + quote(name) + " is not allowed in a URL")
	}
	return nil
}
