package labapi

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/mail"
	"strings"

	"github.com/emersion/go-message"
	"golang.org/x/net/html"

	"github.com/netclients/netclients/internal/charset"
)

// Limits on what is taken out of a message.
const (
	maxParts = 10_000
	maxDepth = 20
	maxText  = 8 << 20 // bytes of the text, and of the HTML
)

var errFound = errors.New("found")

// part is one part of a message.
type part struct {
	id, kind, charset, disposition, name, cid string
	body                                      io.Reader // decoded
}

// attached reports whether the part is not for reading.
func (p *part) attached() bool {
	return p.disposition == "attachment" || p.name != "" && p.disposition != "inline" ||
		!strings.HasPrefix(p.kind, "text/") && !strings.HasPrefix(p.kind, "multipart/")
}

// walkParts calls visit for the parts of a message that have no parts themselves, and
// returns the header.
func walkParts(r io.Reader, visit func(*part) error) (message.Header, error) {
	e, err := message.Read(r)
	if e == nil {
		return message.Header{}, err
	}
	w := &partWalk{visit: visit}
	return e.Header, w.entity(e, "", 0)
}

// partWalk counts what it has seen.
type partWalk struct {
	visit func(*part) error
	parts int
}

func (w *partWalk) entity(e *message.Entity, id string, depth int) error {
	if multi := e.MultipartReader(); multi != nil && depth < maxDepth {
		for n := 1; w.parts < maxParts; n++ {
			child, err := multi.NextPart()
			if child == nil {
				if err == io.EOF {
					err = nil
				}
				return ignoreMalformed(err)
			}
			below := fmt.Sprint(n)
			if id != "" {
				below = id + "." + below
			}
			if err := w.entity(child, below, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	w.parts++
	if id == "" {
		id = "0"
	}
	return w.visit(newPart(e, id))
}

// ignoreMalformed: what could be read of a broken message is shown.
func ignoreMalformed(err error) error {
	if errors.Is(err, errFound) {
		return err
	}
	return nil
}

func newPart(e *message.Entity, id string) *part {
	kind, params, err := e.Header.ContentType()
	if err != nil || kind == "" {
		kind = "text/plain"
	}
	disposition, more, _ := e.Header.ContentDisposition()
	name := more["filename"]
	if name == "" {
		name = params["name"]
	}
	cid := strings.Trim(strings.TrimSpace(e.Header.Get("Content-Id")), "<>")
	return &part{id: id, kind: strings.ToLower(kind), charset: params["charset"], disposition: strings.ToLower(disposition), name: words(name), cid: cid, body: e.Body}
}

// Words returns the text of a header field with encoded words.
func Words(field string) string { return words(field) }

// words decodes the encoded words of a header field.
func words(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if plain, err := d.DecodeHeader(s); err == nil {
		return plain
	}
	return s
}

// decoded converts a text to UTF-8 as far as its charset is known.
func decoded(text []byte, name string) string {
	if r, err := charset.Reader(name, bytes.NewReader(text)); err == nil && name != "" {
		if plain, err := io.ReadAll(io.LimitReader(r, 2*maxText)); err == nil {
			text = plain
		}
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}

// opened is what is shown of a message.
type opened struct {
	header              message.Header
	text, html          string
	inline, attachments []Attachment
}

// openMail reads a message.
func openMail(r io.Reader) (*opened, error) {
	o := &opened{inline: []Attachment{}, attachments: []Attachment{}}
	var err error
	o.header, err = walkParts(r, o.add)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return o, ignoreMalformed(err)
	}
	if o.text == "" && o.html != "" {
		o.text = htmlText(o.html)
	}
	return o, nil
}

// add puts a part where it belongs.
func (o *opened) add(p *part) error {
	into := map[string]*string{"text/plain": &o.text, "text/html": &o.html}[p.kind]
	if into != nil && !p.attached() {
		text, _ := io.ReadAll(io.LimitReader(p.body, maxText))
		if *into != "" {
			*into += "\n"
		}
		*into += strings.ReplaceAll(decoded(text, p.charset), "\r\n", "\n")
		return nil
	}
	a := describe(p)
	if p.disposition == "inline" || p.cid != "" && p.disposition != "attachment" {
		o.inline = append(o.inline, a)
	} else {
		o.attachments = append(o.attachments, a)
	}
	return nil
}

// describe reads an attachment to its end.
func describe(p *part) Attachment {
	sums := []hash.Hash{md5.New(), sha1.New(), sha256.New()}
	n, _ := io.Copy(io.MultiWriter(sums[0], sums[1], sums[2]), p.body)
	a := Attachment{PartID: p.id, FileName: p.name, ContentType: p.kind, ContentID: p.cid, Size: n}
	hexed := func(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
	a.Checksums.MD5, a.Checksums.SHA1, a.Checksums.SHA256 = hexed(sums[0]), hexed(sums[1]), hexed(sums[2])
	return a
}

// htmlText returns the words of a page.
func htmlText(page string) string {
	var b strings.Builder
	z, skip := html.NewTokenizer(strings.NewReader(page)), false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if text := strings.Join(strings.Fields(string(z.Text())), " "); text != "" && !skip {
				b.WriteString(text + " ")
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "style", "script", "title":
				skip = t.Type == html.StartTagToken
			case "br", "p", "div", "tr", "li", "h1", "h2", "h3":
				b.WriteString("\n")
			}
		}
	}
}

// addresses reads a field with addresses; what cannot be read is an address by itself.
func addresses(h message.Header, field string) []*mail.Address {
	list := []*mail.Address{}
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}
	for f := h.FieldsByKey(field); f.Next(); {
		some, err := parser.ParseList(f.Value())
		if err != nil && strings.TrimSpace(f.Value()) != "" {
			some = []*mail.Address{{Address: words(f.Value())}}
		}
		list = append(list, some...)
	}
	return list
}
