// Package multistatus reads the answers of WebDAV servers that describe many things (RFC
// 4918 13).
package multistatus

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/protocols"
)

// Response is one response element of a multistatus (RFC 4918 14.24).
type Response struct {
	Href                       string
	Nameless                   bool // there was no href
	Folder                     bool
	Size, Modified, ETag, Kind string // as they were sent; Kind is the media type

	status, code string
	known        bool // a propstat succeeded
}

const maxText = 64 << 10 // of one element

// Parse returns the responses one by one, as they come. There are no
// document types, and nothing nests deeper than the limit.
func Parse(r io.Reader, limits protocols.Limits, each func(Response) error) error {
	in := &wordLimit{r: r, most: limits.Reply}
	doc, known := charset.XML(bufio.NewReader(in), "") // what Content-Type says is often a default
	d := xml.NewDecoder(doc)
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		if known {
			return r, nil
		}
		plain, err := charset.Reader(name, r)
		if err != nil {
			return nil, malformed("the answer to PROPFIND is in the encoding " + strconv.Quote(name) + ", which is not known")
		}
		return plain, nil
	}
	p := &parser{limits: limits, each: each}
	for {
		in.n = 0
		token, err := d.RawToken()
		if err == io.EOF && p.done {
			return nil
		}
		if err != nil {
			return badXML(err)
		}
		if err := p.token(token); err != nil {
			return err
		}
	}
}

func badXML(err error) error {
	if e, ours := errors.AsType[*protocols.Error](err); ours { // the decoder wraps that of the encoding
		return e
	}
	if _, syntax := err.(*xml.SyntaxError); syntax || err == io.EOF {
		return malformed("the answer to PROPFIND is not whole, or no XML")
	}
	return err
}

// wordLimit stops a token that does not end: between two of them the decoder
// reads at most most bytes.
type wordLimit struct {
	r    io.Reader
	n    int64
	most int64
}

func (w *wordLimit) Read(p []byte) (int, error) {
	if w.n > w.most {
		return 0, malformed("an element of the answer is longer than the limit")
	}
	n, err := w.r.Read(p)
	w.n += int64(n)
	return n, err
}

// parser follows the elements.
type parser struct {
	limits protocols.Limits
	each   func(Response) error
	path   []string
	now    Response // the response that is open
	hrefs  []string // of it: a status may be that of several things
	long   int64    // bytes of them
	props  Response // of the propstat that is open
	text   strings.Builder
	done   bool
}

func (p *parser) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.Directive:
		return malformed("a document type in the answer")
	case xml.StartElement:
		if len(p.path) >= p.limits.Depth {
			return malformed("the answer's elements nest too deep")
		}
		p.path = append(p.path, t.Name.Local)
		p.text.Reset()
		p.open(t.Name.Local)
	case xml.CharData:
		if p.text.Len()+len(t) > maxText {
			return malformed("an element of the answer is longer than the limit")
		}
		p.text.Write(t)
	case xml.EndElement:
		if len(p.path) == 0 || p.path[len(p.path)-1] != t.Name.Local {
			return malformed("the answer's elements do not end where they should")
		}
		p.path = p.path[:len(p.path)-1]
		err := p.close(t.Name.Local, strings.TrimSpace(p.text.String()))
		p.text.Reset()
		return err
	}
	return nil
}

func (p *parser) open(name string) {
	switch name {
	case "response":
		p.now, p.hrefs, p.long = Response{}, p.hrefs[:0], 0
	case "propstat":
		p.props = Response{}
	}
}

func (p *parser) close(name, text string) error {
	switch name {
	case "href":
		if p.parent() == "response" {
			return p.href(text)
		}
	case "status":
		p.props.code = text
		if p.parent() == "response" {
			p.now.status = text
		}
	case "collection":
		p.props.Folder = true
	case "getcontentlength":
		p.props.Size = text
	case "getlastmodified":
		p.props.Modified = text
	case "getetag":
		p.props.ETag = text
	case "getcontenttype":
		p.props.Kind = text
	case "propstat":
		if statusCode(p.props.code)/100 == 2 || p.props.code == "" {
			p.now.merge(&p.props)
		} else if p.now.code == "" {
			p.now.code = p.props.code
		}
	case "response":
		return p.finish()
	case "multistatus":
		p.done = true
	}
	return nil
}

func (p *parser) href(text string) error {
	p.hrefs = append(p.hrefs, text)
	if p.long += int64(len(text)) + 1; p.long > p.limits.Reply {
		return malformed("an element of the answer is longer than the limit")
	}
	return nil
}

// finish returns the response that has ended, once for each of its hrefs. Without one
// nobody knows what it describes.
func (p *parser) finish() error {
	if len(p.hrefs) == 0 {
		p.now.Nameless = true
		return p.each(p.now)
	}
	for _, p.now.Href = range p.hrefs {
		if err := p.each(p.now); err != nil {
			return err
		}
	}
	return nil
}

// merge takes the properties of one more propstat that succeeded.
func (r *Response) merge(props *Response) {
	r.Folder, r.known = r.Folder || props.Folder, true
	r.Size, r.Modified = cmp.Or(props.Size, r.Size), cmp.Or(props.Modified, r.Modified)
	r.ETag, r.Kind = cmp.Or(props.ETag, r.ETag), cmp.Or(props.Kind, r.Kind)
}

// Refused returns the status with which the server refuses what it names, or 0: that of
// the response, or of its properties where none of them could be had.
func (r *Response) Refused() int {
	if code := statusCode(r.status); code >= 300 {
		return code
	}
	if code := statusCode(r.code); code >= 300 && !r.known && r.status == "" {
		return code
	}
	return 0
}

func (p *parser) parent() string {
	if len(p.path) == 0 {
		return ""
	}
	return p.path[len(p.path)-1]
}

// statusCode returns the code of "HTTP/1.1 404 Not Found".
func statusCode(line string) int {
	_, rest, _ := strings.Cut(line, " ")
	word, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(word)
	return n
}

func malformed(text string) error {
	return &protocols.Error{Kind: protocols.KindProtocol, Text: text}
}
