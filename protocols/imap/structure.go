package imap

import (
	"context"
	"fmt"
	"iter"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Part is a part of a message as the server describes it, without its content
// (BODYSTRUCTURE, RFC 9051 section 7.5.2).
type Part struct {
	Section     string            // "1.2", for MessageRef; empty: a multipart that is the whole message
	Type        string            // "text/plain", in lower case
	Params      map[string]string // of the type, keys in lower case: charset, name
	ID          string
	Description string
	Encoding    string // of the transfer, in lower case: "base64"
	Size        int64  // bytes as they are sent; SizeUnknown for a multipart
	Lines       int64  // of text and messages

	Disposition string            // "attachment", in lower case
	Disposed    map[string]string // parameters of the disposition: filename, size
	Language    []string
	Location    string

	Envelope *Envelope // of a message/rfc822 part; nil else
	Parts    []*Part   // of a multipart, or the one of a message/rfc822 part
}

// FileName returns the name that the sender gave to a part, decoded; empty: none. It may
// be anything: who saves the part makes it safe.
func (p *Part) FileName() string {
	for _, v := range []string{p.Disposed["filename"], p.Params["name"]} {
		if v != "" {
			return v
		}
	}
	return ""
}

// IsMultipart reports whether the part only holds others.
func (p *Part) IsMultipart() bool { return strings.HasPrefix(p.Type, "multipart/") }

// All returns the part and those in it, in their order.
func (p *Part) All() iter.Seq[*Part] {
	return func(yield func(*Part) bool) { p.walk(yield) }
}

func (p *Part) walk(yield func(*Part) bool) bool {
	if !yield(p) {
		return false
	}
	return !slices.ContainsFunc(p.Parts, func(below *Part) bool { return !below.walk(yield) })
}

// Structure returns the parts of a message, which the server finds out; nothing of its
// content comes.
func (c *Client) Structure(ctx context.Context, name string) (*Part, error) {
	var p *Part
	err := factsOf(ctx, c, "structure", name, "BODYSTRUCTURE", func(m *imapwire.Message) {
		if m.Structure.Kind == imapwire.ListNode {
			p = partOf(m.Structure, "")
		}
	})
	if err == nil && p == nil {
		err = c.wrap(protocols.ProtocolError(proto, "", "an answer without BODYSTRUCTURE"), "structure", name)
	}
	return p, err
}

// factsOf asks for facts of one message.
func factsOf(ctx context.Context, c *Client, op, name, items string, take func(*imapwire.Message)) error {
	return c.on(ctx, op, name, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if n.UID == 0 {
			return protocols.UsageError(proto, op, "the name is not that of one message")
		}
		box, err := s.Open(n, false)
		if err != nil {
			return err
		}
		found := false
		uid := strconv.FormatUint(uint64(n.UID), 10)
		err = box.Fetch(ctx, "UID FETCH", slices.Values([]string{uid}), "(UID RFC822.SIZE "+items+")", func(m *imapwire.Message) error {
			if m.UID == n.UID {
				found = true
				take(m)
			}
			return nil
		})
		if err == nil && !found {
			err = imapwire.NotFound("no message with UID " + uid)
		}
		return err
	})
}

// partOf reads a body structure. path is the section of what it is the body of.
func partOf(v imapwire.Node, path string) *Part {
	if len(v.List) > 0 && v.List[0].Kind == imapwire.ListNode {
		return multipartOf(v, path)
	}
	p := &Part{Section: path, Size: protocols.SizeUnknown}
	if path == "" {
		p.Section = "1"
	}
	f := fields(v.List)
	p.Type = strings.ToLower(f.text(0) + "/" + f.text(1))
	p.Params, p.ID, p.Description, p.Encoding = f.params(2), f.text(3), human(f.text(4)), strings.ToLower(f.text(5))
	p.Size = f.number(6)
	rest := 7
	switch {
	case p.Type == "message/rfc822" || p.Type == "message/global":
		if f.at(7).Kind == imapwire.ListNode && f.at(8).Kind == imapwire.ListNode { // some servers have it as any other part
			p.Envelope = envelopeOf(f.at(7))
			p.Parts = []*Part{messageBody(f.at(8), p.Section)}
			p.Lines, rest = max(f.number(9), 0), 10
		}
	case strings.HasPrefix(p.Type, "text/"):
		p.Lines, rest = max(f.number(7), 0), 8
	}
	p.extend(f, rest+1) // after MD5
	return p
}

// messageBody reads the body of a message inside of a message: its parts are numbered
// below it, also when there is one only.
func messageBody(v imapwire.Node, section string) *Part {
	p := partOf(v, section)
	if !p.IsMultipart() {
		return partOf(v, section+".1")
	}
	return p
}

func multipartOf(v imapwire.Node, path string) *Part {
	p := &Part{Section: path, Size: protocols.SizeUnknown}
	i := 0
	for ; i < len(v.List) && v.List[i].Kind == imapwire.ListNode; i++ {
		section := strconv.Itoa(i + 1)
		if path != "" {
			section = path + "." + section
		}
		p.Parts = append(p.Parts, partOf(v.List[i], section))
	}
	f := fields(v.List[i:])
	p.Type, p.Params = "multipart/"+strings.ToLower(f.text(0)), f.params(1)
	p.extend(f, 2)
	return p
}

// extend reads what servers may leave out: disposition, language, location.
func (p *Part) extend(f fields, i int) {
	if d := fields(f.at(i).List); len(d) > 0 {
		p.Disposition, p.Disposed = strings.ToLower(d.text(0)), d.params(1)
	}
	if l := f.at(i + 1); l.Kind == imapwire.ListNode {
		for _, one := range l.List {
			p.Language = append(p.Language, one.Text)
		}
	} else if l.Text != "" {
		p.Language = []string{l.Text}
	}
	p.Location = f.text(i + 2)
}

// fields are values of a list. What is not there is NIL.
type fields []imapwire.Node

func (f fields) at(i int) imapwire.Node {
	if i < len(f) {
		return f[i]
	}
	return imapwire.Node{Kind: imapwire.NilNode}
}

func (f fields) text(i int) string { return f.at(i).Text }

// number returns a size that is not known as SizeUnknown.
func (f fields) number(i int) int64 {
	if n, ok := f.at(i).Int64(); ok {
		return n
	}
	return protocols.SizeUnknown
}

// params reads a list of names and values. Continued and encoded values (RFC 2231) are
// put together; words of RFC 2047, which should not be there and are, are decoded.
func (f fields) params(i int) map[string]string {
	list := f.at(i).List
	if len(list) < 2 {
		return nil
	}
	raw := make(map[string]string, len(list)/2)
	coded := false
	for k := 0; k+1 < len(list); k += 2 {
		key := strings.ToLower(list[k].Text)
		raw[key], coded = list[k+1].Text, coded || strings.Contains(key, "*")
	}
	if coded {
		if _, joined, err := mime.ParseMediaType(mediaType(raw)); err == nil {
			raw = joined
		}
	}
	for k, v := range raw {
		raw[k] = human(v)
	}
	return raw
}

// mediaType writes parameters as in a header, so that package mime puts them together.
func mediaType(params map[string]string) string {
	var b strings.Builder
	b.WriteString("x/x")
	for k, v := range params {
		if strings.HasSuffix(k, "*") {
			fmt.Fprintf(&b, "; %s=%s", k, v)
		} else {
			fmt.Fprintf(&b, "; %s=\"%s\"", k, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v))
		}
	}
	return b.String()
}

// human returns a text as a person reads it.
func human(text string) string { return mailhead.Text(text, charset.Reader) }
