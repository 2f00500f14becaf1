package message

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	gomessage "github.com/emersion/go-message"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"github.com/netclients/netclients/protocols"
)

// Part is a text or file in a message.
type Part struct {
	Name      string // file name; empty means none
	Type      string // media type; empty means guess by name, then by content
	ContentID string // without angle brackets; for inline parts, empty means the name
	Size      int64  // in bytes; 0 if unknown
	// Open returns the content from its beginning on each call. The caller
	// closes it.
	Open func() (io.ReadCloser, error)
}

// Text returns a part with the given text.
func Text(s string) *Part {
	return &Part{Size: int64(len(s)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }}
}

// File returns a part with the content of a local file. Its errors are of kind
// local.
func File(path string) (*Part, error) {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		err = errors.New(path + " is a folder")
	}
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return &Part{Name: filepath.Base(path), Size: st.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// headSize is how much of a part is examined before its header is written.
const headSize = 64 << 10

// head reads the beginning of a part; whole reports whether that is all of it.
func (p *Part) head() (b []byte, whole bool, err error) {
	r, err := p.Open()
	if err != nil {
		return nil, false, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	defer r.Close()
	b = make([]byte, headSize)
	n, err := io.ReadFull(r, b)
	whole = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !whole {
		return nil, false, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return b[:n], whole, nil
}

// textNode builds the node of a text: type text/subtype, with the charset and
// encoding that its bytes need. The 7-bit encodings pass every server.
func (p *Part) textNode(subtype string) (*node, error) {
	b, whole, err := p.head()
	if err != nil {
		return nil, err
	}
	n := &node{part: p, text: true}
	checked := b
	if !whole { // the last character may be incomplete
		for len(checked) > 0 && !utf8.RuneStart(checked[len(checked)-1]) {
			checked = checked[:len(checked)-1]
		}
		checked = checked[:max(0, len(checked)-1)]
	}
	n.latin = !utf8.Valid(checked)
	n.encoding = textEncoding(b, whole)
	charset := "utf-8"
	if n.encoding == "7bit" || whole && isASCII(b) {
		charset = "us-ascii"
	}
	n.header.Set("Content-Transfer-Encoding", n.encoding)
	n.header.SetContentType("text/"+subtype, map[string]string{"charset": charset})
	return n, nil
}

// textEncoding returns the encoding for a text: 7bit where it is safe,
// quoted-printable where most bytes are ASCII, else base64. A text not read to
// its end is quoted-printable, which is always safe.
func textEncoding(b []byte, whole bool) string {
	if !whole {
		return "quoted-printable"
	}
	odd, longest, line := 0, 0, 0
	for i, c := range b {
		line++
		if c == '\n' {
			longest, line = max(longest, line), 0
		}
		if c >= utf8.RuneSelf || c < ' ' && !bytes.ContainsRune([]byte("\t\r\n"), rune(c)) || c == 0x7f || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			odd++
		}
	}
	longest = max(longest, line)
	switch {
	case odd == 0 && longest <= 900: // RFC 5322 2.1.1: 998
		return "7bit"
	case odd > len(b)/4:
		return "base64"
	}
	return "quoted-printable"
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fileNode builds the node of an attachment or inline part, in base64, so that
// its bytes are preserved.
func (p *Part) fileNode(disposition string) (*node, error) {
	if strings.ContainsAny(p.Name+p.ContentID+p.Type, "\r\n\x00") {
		return nil, usage("file name, type or content id contains a line break")
	}
	b, _, err := p.head()
	if err != nil {
		return nil, err
	}
	n := &node{part: p, encoding: "base64"}
	n.header.Set("Content-Transfer-Encoding", "base64")
	params := map[string]string{}
	if p.Name != "" {
		params["filename"] = p.Name
	}
	n.header.Set("Content-Disposition", mime.FormatMediaType(disposition, params)) // RFC 2231
	if disposition == "inline" {
		id := p.ContentID
		if id == "" {
			id = p.Name
		}
		if !isToken(strings.ReplaceAll(id, ":", "")) {
			return nil, usage("content id " + quote(id) + " contains invalid characters")
		}
		n.header.Set("Content-Id", "<"+id+">")
	}
	typ, typeParams := p.mediaType(b)
	if p.Name != "" {
		typeParams["name"] = p.Name // for readers that ignore Content-Disposition
	}
	n.header.SetContentType(typ, typeParams)
	return n, nil
}

// mediaType returns the media type of a file. An attached message must not be
// encoded (RFC 2046 5.2), so it is sent as an ordinary file.
func (p *Part) mediaType(head []byte) (string, map[string]string) {
	text := p.Type
	if text == "" {
		text = mime.TypeByExtension(filepath.Ext(p.Name))
	}
	if text == "" {
		text = http.DetectContentType(head[:min(len(head), 512)])
	}
	typ, params, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(typ, "/") || strings.HasPrefix(typ, "message/") || strings.HasPrefix(typ, "multipart/") {
		return "application/octet-stream", map[string]string{}
	}
	delete(params, "charset") // only a guess for a file
	return typ, params
}

// node is a node in the tree of a message: a text or file, or a multipart.
type node struct {
	header   gomessage.Header
	part     *Part // nil for a multipart
	children []*node
	encoding string
	text     bool // line ends become CRLF
	latin    bool // not UTF-8: treated as Windows-1252 and converted
}

// size estimates the size on the wire.
func (n *node) size() int64 {
	total := headerSize(&n.header)
	for _, c := range n.children {
		total += c.size() + 80
	}
	if n.part == nil {
		return total
	}
	switch n.encoding {
	case "base64":
		return total + (n.part.Size+56)/57*78
	case "7bit":
		return total + n.part.Size
	}
	return total + n.part.Size*3/2
}

// content writes the content of a node.
func (n *node) content(w *gomessage.Writer) error {
	for _, c := range n.children {
		cw, err := w.CreatePart(c.header)
		if err != nil {
			return err
		}
		if err := c.content(cw); err != nil {
			return err
		}
	}
	if n.part != nil {
		if err := n.copyPart(w); err != nil {
			return err
		}
	}
	return w.Close()
}

func (n *node) copyPart(w io.Writer) error {
	r, err := n.part.Open()
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	defer r.Close()
	var src io.Reader = r
	if n.latin {
		src = transform.NewReader(src, charmap.Windows1252.NewDecoder())
	}
	if n.text && n.encoding != "quoted-printable" { // the quoted-printable writer converts line ends itself
		src = &crlfReader{src: src}
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, make([]byte, 48<<10))
	return err
}
