package message

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	gomessage "github.com/emersion/go-message"

	"github.com/netclients/netclients/protocols"
)

// Attachment is a part of a message that is meant to be saved.
type Attachment struct {
	Name string    // as its sender chose it, without folders; made up where there is none
	Type string    // media type, such as "application/pdf"
	Body io.Reader // decoded; valid until the next part
}

// The bounds of what Attachments reads.
const (
	maxPartDepth = 20
	maxParts     = 10_000
)

// Attachments reads a message as it streams, and calls each for every part that is an
// attachment or has a file name. Messages in it are attachments themselves. An error of
// each ends it.
func Attachments(r io.Reader, each func(a *Attachment) error) error {
	e, err := gomessage.Read(r)
	if err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "not a message", Err: err}
	}
	w := &partWalker{each: each}
	w.single = w.leaf
	return w.walk(e, 0)
}

type partWalker struct {
	walker
	each func(a *Attachment) error
}

// walker goes through the parts of a message, whose number and depth are bounded.
type walker struct {
	single func(e *gomessage.Entity) error // gets each part that has none itself
	parts  int
}

func (w *walker) walk(e *gomessage.Entity, depth int) error {
	if w.parts++; w.parts > maxParts || depth > maxPartDepth {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "the message has too many parts"}
	}
	parts := e.MultipartReader()
	if parts == nil {
		return w.single(e)
	}
	for {
		p, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err):
			return &protocols.Error{Kind: protocols.KindProtocol, Text: "a part of the message cannot be read", Err: err}
		}
		if err := w.walk(p, depth+1); err != nil {
			return err
		}
	}
}

// leaf hands on a part that is not a multipart.
func (w *partWalker) leaf(e *gomessage.Entity) error {
	kind, params, err := e.Header.ContentType()
	if err != nil {
		kind, params = "application/octet-stream", nil
	}
	disposition, more, _ := e.Header.ContentDisposition()
	name := more["filename"]
	if name == "" {
		name = params["name"]
	}
	if name == "" && disposition != "attachment" && kind != "message/rfc822" {
		return nil
	}
	return w.each(&Attachment{Name: w.nameOf(name, kind), Type: kind, Body: e.Body})
}

// nameOf returns a name without the folders that a sender wrote before it.
func (w *partWalker) nameOf(name, kind string) string {
	if words, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = words
	}
	name = strings.TrimSpace(name[strings.LastIndexAny(name, `/\`)+1:])
	if strings.Trim(name, ".") != "" {
		return name
	}
	suffix := ".bin"
	switch {
	case kind == "message/rfc822":
		suffix = ".eml"
	case strings.HasPrefix(kind, "text/"):
		suffix = ".txt"
	}
	return fmt.Sprintf("part-%d%s", w.parts, suffix)
}
