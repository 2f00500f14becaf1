package message

import (
	"io"

	gomessage "github.com/emersion/go-message"
)

// tree arranges the parts as mixed(alternative(text, related(html, inline...)),
// attachments...), with each level only where it is needed.
func (d *Draft) tree() (*node, error) {
	content, err := d.content()
	if err != nil {
		return nil, err
	}
	all := []*node{content}
	for i := range d.Attach {
		n, err := d.Attach[i].fileNode("attachment")
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return group("mixed", all), nil
}

// content returns the node of the readable content: text, HTML or both.
func (d *Draft) content() (*node, error) {
	var forms []*node
	if d.Text != nil || d.HTML == nil {
		text := d.Text
		if text == nil {
			text = Text("")
		}
		n, err := text.textNode("plain")
		if err != nil {
			return nil, err
		}
		forms = append(forms, n)
	}
	if d.HTML != nil {
		n, err := d.HTML.textNode("html")
		if err != nil {
			return nil, err
		}
		forms = append(forms, n)
	}
	// Inline parts belong to the last alternative, the one that can show them.
	related := forms[len(forms)-1:]
	for i := range d.Inline {
		n, err := d.Inline[i].fileNode("inline")
		if err != nil {
			return nil, err
		}
		related = append(related, n)
	}
	return group("alternative", append(forms[:len(forms)-1:len(forms)-1], group("related", related))), nil
}

// group makes a multipart of several nodes; a single node is returned unchanged.
// The boundary is fixed here, so that each writing produces the same bytes.
func group(subtype string, nodes []*node) *node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	n := &node{children: nodes}
	n.header.SetContentType("multipart/"+subtype, map[string]string{"boundary": "=_" + randomText()})
	return n
}

// writeRoot writes the message: h is its own header, followed by the header of
// the root node.
func (n *node) writeRoot(w io.Writer, h gomessage.Header) error {
	h = h.Copy()
	for f := n.header.Fields(); f.Next(); {
		h.Set(f.Key(), f.Value())
	}
	mw, err := gomessage.CreateWriter(w, h)
	if err != nil {
		return err
	}
	return n.content(mw)
}

// crlfReader converts all line ends to CRLF.
type crlfReader struct {
	src  io.Reader
	buf  []byte // raw
	out  []byte // converted, not returned yet
	cr   bool   // the last raw byte was a CR, returned as CRLF
	err  error
	room []byte
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.more()
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// more converts another block.
func (c *crlfReader) more() {
	if c.buf == nil {
		c.buf = make([]byte, 32<<10)
		c.room = make([]byte, 0, 2*len(c.buf))
	}
	n, err := c.src.Read(c.buf)
	c.err = err
	c.out = c.room[:0]
	for _, b := range c.buf[:n] {
		switch {
		case b == '\r', b == '\n' && !c.cr:
			c.out = append(c.out, '\r', '\n')
		case b != '\n':
			c.out = append(c.out, b)
		}
		c.cr = b == '\r'
	}
}
