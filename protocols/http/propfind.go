package http

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/protocols"
)

// davBody asks for what an Entry can hold (RFC 4918 9.1).
const davBody = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/><getcontenttype/></prop></propfind>
`

func propfind(u *url.URL, depth string) *Request {
	return &Request{
		Method: "PROPFIND", URL: u, Body: bytes.NewReader([]byte(davBody)), Length: int64(len(davBody)), raw: true,
		Header: Header{"Depth": {depth}, "Content-Type": {`application/xml; charset="utf-8"`}},
	}
}

// davResponse is one response element of a multistatus (RFC 4918 14.24).
type davResponse struct {
	href, status                     string
	folder                           bool
	known                            bool // a propstat succeeded
	size, modified, etag, kind, code string
}

const mostDavText = 64 << 10 // of one element

// parseMultistatus returns the responses one by one, as they come. There are no
// document types, and nothing nests deeper than the limit.
func parseMultistatus(r io.Reader, limits protocols.Limits, each func(davResponse) error) error {
	in := &wordLimit{r: r, most: limits.Reply}
	doc, known := charset.XML(bufio.NewReader(in), "") // what Content-Type says is often a default
	d := xml.NewDecoder(doc)
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		if known {
			return r, nil
		}
		plain, err := charset.Reader(name, r)
		if err != nil {
			return nil, protocolError("the answer to PROPFIND is in the encoding " + strconv.Quote(name) + ", which is not known")
		}
		return plain, nil
	}
	p := &davParser{limits: limits, each: each}
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
		return protocolError("the answer to PROPFIND is not whole, or no XML")
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
		return 0, protocolError("an element of the answer is longer than the limit")
	}
	n, err := w.r.Read(p)
	w.n += int64(n)
	return n, err
}

// davParser follows the elements.
type davParser struct {
	limits protocols.Limits
	each   func(davResponse) error
	path   []string
	now    davResponse // the response that is open
	props  davResponse // of the propstat that is open
	text   strings.Builder
	done   bool
}

func (p *davParser) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.Directive:
		return protocolError("a document type in the answer")
	case xml.StartElement:
		if len(p.path) >= p.limits.Depth {
			return protocolError("the answer's elements nest too deep")
		}
		p.path = append(p.path, t.Name.Local)
		p.text.Reset()
		p.open(t.Name.Local)
	case xml.CharData:
		if p.text.Len()+len(t) > mostDavText {
			return protocolError("an element of the answer is longer than the limit")
		}
		p.text.Write(t)
	case xml.EndElement:
		if len(p.path) == 0 || p.path[len(p.path)-1] != t.Name.Local {
			return protocolError("the answer's elements do not end where they should")
		}
		p.path = p.path[:len(p.path)-1]
		err := p.close(t.Name.Local, strings.TrimSpace(p.text.String()))
		p.text.Reset()
		return err
	}
	return nil
}

func (p *davParser) open(name string) {
	switch name {
	case "response":
		p.now = davResponse{}
	case "propstat":
		p.props = davResponse{}
	}
}

func (p *davParser) close(name, text string) error {
	switch name {
	case "href":
		if p.parent() == "response" {
			p.now.href = text
		}
	case "status":
		p.props.code = text
		if p.parent() == "response" {
			p.now.status = text
		}
	case "collection":
		p.props.folder = true
	case "getcontentlength":
		p.props.size = text
	case "getlastmodified":
		p.props.modified = text
	case "getetag":
		p.props.etag = text
	case "getcontenttype":
		p.props.kind = text
	case "propstat":
		if davStatus(p.props.code)/100 == 2 || p.props.code == "" {
			p.now.merge(&p.props)
		} else if p.now.code == "" {
			p.now.code = p.props.code
		}
	case "response":
		return p.each(p.now)
	case "multistatus":
		p.done = true
	}
	return nil
}

// merge takes the properties of one more propstat that succeeded.
func (r *davResponse) merge(props *davResponse) {
	r.folder, r.known = r.folder || props.folder, true
	r.size, r.modified = cmp.Or(props.size, r.size), cmp.Or(props.modified, r.modified)
	r.etag, r.kind = cmp.Or(props.etag, r.etag), cmp.Or(props.kind, r.kind)
}

// refused returns the status with which the server refuses what it names, or 0: that of
// the response, or of its properties where none of them could be had.
func (r *davResponse) refused() int {
	if code := davStatus(r.status); code >= 300 {
		return code
	}
	if code := davStatus(r.code); code >= 300 && !r.known && r.status == "" {
		return code
	}
	return 0
}

func (p *davParser) parent() string {
	if len(p.path) == 0 {
		return ""
	}
	return p.path[len(p.path)-1]
}

// davStatus returns the code of "HTTP/1.1 404 Not Found".
func davStatus(line string) int {
	_, rest, _ := strings.Cut(line, " ")
	word, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(word)
	return n
}

// multiRefusal makes an error of a multistatus that answers a change: some of it
// was refused (RFC 4918 9.6.1).
func (c *Client) multiRefusal(resp *Response) error {
	defer resp.Body.Close()
	var first error
	err := parseMultistatus(resp.Body, c.limits, func(r davResponse) error {
		if code := r.refused(); code >= 300 && first == nil {
			first = davRefusal(code, r.href)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return first
}
