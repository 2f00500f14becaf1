package xmlrpc

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/protocols"
)

// Bounds of an answer where the caller names none.
const (
	DefaultMaxResponse = 64 << 20 // bytes of XML
	defaultDepth       = 100
)

// DecodeOptions bounds an answer. Nil and zero are the defaults.
type DecodeOptions struct {
	MaxBytes int64 // of XML; default 64 MiB
	MaxDepth int   // of arrays and structs in each other; default 100
	// Charset is what the Content-Type names: it stands above the document's own word
	// (RFC 7303 3.2), a byte order mark stands above both. Empty or unknown: none.
	Charset string
}

// DecodeResponse reads the answer to a call as it comes. A fault is returned as an error
// of type *Fault; a document that is not XML-RPC, or passes a limit, is an error of kind
// Protocol.
// There are no document types and no entities but XML's own five.
func DecodeResponse(r io.Reader, o *DecodeOptions) (any, error) {
	return decodeResponse(newSource(), r, o)
}

// decodeResponse reads through src, which may have been used before.
func decodeResponse(src *source, r io.Reader, o *DecodeOptions) (v any, err error) {
	defer recovered(&err)
	d := newDecoder(src, r, o)
	v, err = d.response()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, d.explain(err)
	}
	if f, ok := v.(*Fault); ok {
		return nil, f
	}
	return v, nil
}

// DecodeCall reads a call.
func DecodeCall(r io.Reader, o *DecodeOptions) (c Call, err error) {
	defer recovered(&err)
	d := newDecoder(newSource(), r, o)
	c, err = d.call()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return Call{}, d.explain(err)
	}
	return c, nil
}

// decoder reads values from the tokens of a document. Names of elements are
// compared without their prefix: "ex:nil" is "nil".
type decoder struct {
	x       *xml.Decoder
	in      *bounded
	src     *source // of in: what the parser reads
	recoded bool    // the parser reads src through a decoder of its own
	depth   int     // that is left
}

func newDecoder(src *source, r io.Reader, o *DecodeOptions) *decoder {
	if o == nil {
		o = &DecodeOptions{}
	}
	d := &decoder{in: &bounded{r: r, left: o.MaxBytes}, src: src, depth: o.MaxDepth}
	if d.in.left <= 0 {
		d.in.left = DefaultMaxResponse
	}
	d.in.limit = d.in.left
	if d.depth <= 0 {
		d.depth = defaultDepth
	}
	d.src.Reset(d.in)
	known := d.transcode(o.Charset)
	d.x = xml.NewDecoder(d.src)
	if known {
		d.x.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
		return d
	}
	d.x.CharsetReader = func(name string, r io.Reader) (io.Reader, error) { // of a document that says it is not UTF-8
		d.recoded = true
		plain, err := charset.Reader(name, r)
		if err != nil {
			return nil, err
		}
		inner := newSource()
		inner.Reset(plain)
		return inner, nil
	}
	return d
}

// bounded ends with an error where a limit is passed.
type bounded struct {
	r           io.Reader
	left, limit int64
	err         error // of r, other than its end
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		p = p[:min(len(p), 1)] // one more byte would be too many
	} else if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	if n > 0 && b.left == 0 {
		n, err = 0, fmt.Errorf("more than %d bytes", b.limit)
		b.err = syntax{err}
		return n, b.err
	}
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// syntax marks errors of the document, apart from those of the connection.
type syntax struct{ error }

func bad(format string, args ...any) error { return syntax{fmt.Errorf(format, args...)} }

// explain returns the error that leaves: the connection's own, or that of the document.
func (d *decoder) explain(err error) error {
	if d.in.err != nil {
		err = d.in.err
	}
	if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
		err = bad("line %d: %s", e.Line, e.Msg)
	}
	if err == io.EOF {
		err = bad("it ends in the middle")
	}
	if s, ok := err.(syntax); ok || d.in.err == nil {
		if ok {
			err = s.error
		}
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "the document is not XML-RPC", Err: err}
	}
	return err
}

// next returns the next start, end or text. Comments and processing instructions
// are nothing; a document type is refused: entities and files can hide in it.
func (d *decoder) next() (xml.Token, error) {
	for {
		t, err := d.x.RawToken()
		if err != nil {
			return nil, err
		}
		switch t.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, bad("a document type is not allowed")
		}
	}
}

// tag returns the next start or end; only blanks may stand before it.
func (d *decoder) tag() (xml.Token, error) {
	for {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		text, ok := t.(xml.CharData)
		if !ok {
			return t, nil
		}
		if len(strings.TrimSpace(string(text))) > 0 {
			return nil, bad("text %.40q between elements", text)
		}
	}
}

// start returns the name of the next element, or "" at the end of the one around it,
// whose name is in.
func (d *decoder) start(in string) (name string, err error) {
	t, err := d.tag()
	if err != nil {
		return "", err
	}
	switch t := t.(type) {
	case xml.StartElement:
		return t.Name.Local, nil
	case xml.EndElement:
		if t.Name.Local == in {
			return "", nil
		}
		return "", bad("</%s> ends <%s>", t.Name.Local, in)
	}
	return "", bad("no element")
}

// want takes the start of the element name.
func (d *decoder) want(name, in string) error {
	got, err := d.start(in)
	if err == nil && got != name {
		err = bad("<%s> in <%s>, want <%s>", got, in, name)
	}
	return err
}

// close takes the end of the element name.
func (d *decoder) close(name string) error {
	got, err := d.start(name)
	if err == nil && got != "" {
		err = bad("<%s> at the end of <%s>", got, name)
	}
	return err
}

// text returns the text up to the end of the element name.
func (d *decoder) text(name string) (string, error) {
	var all []byte
	for {
		t, err := d.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			all = append(all, t...)
		case xml.EndElement:
			if t.Name.Local != name {
				return "", bad("</%s> ends <%s>", t.Name.Local, name)
			}
			return string(all), nil
		default:
			return "", bad("an element in <%s>", name)
		}
	}
}

// end wants the end of the document.
func (d *decoder) end() error {
	t, err := d.tag()
	if err == io.EOF {
		return nil
	}
	if err == nil {
		err = bad("%T after the document", t)
	}
	return err
}

func (d *decoder) response() (any, error) {
	if err := d.want("methodResponse", ""); err != nil {
		return nil, err
	}
	name, err := d.start("methodResponse")
	if err != nil {
		return nil, err
	}
	var v any
	switch name {
	case "params":
		var all []any
		if all, err = d.params(); err == nil && len(all) > 1 {
			err = bad("%d values in an answer", len(all))
		}
		if len(all) == 1 {
			v = all[0]
		}
	case "fault":
		v, err = d.fault()
	default:
		err = bad("<%s> in <methodResponse>", name)
	}
	if err != nil {
		return nil, err
	}
	return v, d.close("methodResponse")
}

func (d *decoder) call() (c Call, err error) {
	if err = d.want("methodCall", ""); err != nil {
		return c, err
	}
	if err = d.want("methodName", "methodCall"); err != nil {
		return c, err
	}
	if c.Method, err = d.text("methodName"); err != nil {
		return c, err
	}
	c.Method = strings.TrimSpace(c.Method)
	name, err := d.start("methodCall")
	if err != nil || name == "" {
		return c, err
	}
	if name != "params" {
		return c, bad("<%s> in <methodCall>", name)
	}
	if c.Params, err = d.params(); err != nil {
		return c, err
	}
	return c, d.close("methodCall")
}

func (d *decoder) params() (all []any, err error) {
	for {
		name, err := d.start("params")
		if err != nil || name == "" {
			return all, err
		}
		if name != "param" {
			return nil, bad("<%s> in <params>", name)
		}
		if err := d.want("value", "param"); err != nil {
			return nil, err
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		if err := d.close("param"); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

func (d *decoder) fault() (*Fault, error) {
	if err := d.want("value", "fault"); err != nil {
		return nil, err
	}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	f, ok := faultOf(v)
	if !ok {
		return nil, bad("a fault without faultCode")
	}
	return f, d.close("fault")
}

// faultOf reads a struct with faultCode and faultString. Codes are texts on some
// servers, and some of those are no numbers.
func faultOf(v any) (*Fault, bool) {
	m, _ := v.(map[string]any)
	code, ok := m["faultCode"]
	if !ok {
		return nil, false
	}
	f := &Fault{}
	switch code := code.(type) {
	case int64:
		f.Code = code
	default:
		text := strings.TrimSpace(fmt.Sprint(code))
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			f.Word = text
		}
		f.Code = n
	}
	if s, ok := m["faultString"]; ok && s != nil {
		f.String = fmt.Sprint(s)
	}
	return f, true
}
