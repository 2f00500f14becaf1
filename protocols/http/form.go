package http

import (
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Field is one field of a [Form].
type Field struct {
	Name  string
	Value string // of a field that is not a file

	// Open returns the content of a file; nil: the field is a value. It may be called
	// again for a request that is sent again. Size is -1 when it is not known.
	Open     func() (io.ReadCloser, error)
	Size     int64
	FileName string
	Type     string // media type; empty: application/octet-stream for a file
}

// Form is a form as HTML has it.
type Form struct{ Fields []Field }

// HasFiles reports whether the form needs the multipart form.
func (f *Form) HasFiles() bool {
	for _, field := range f.Fields {
		if field.Open != nil {
			return true
		}
	}
	return false
}

// Encoded returns the form as application/x-www-form-urlencoded, in order.
func (f *Form) Encoded() string {
	parts := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		parts[i] = url.QueryEscape(field.Name) + "=" + url.QueryEscape(field.Value)
	}
	return strings.Join(parts, "&")
}

// Multipart returns the form as multipart/form-data (RFC 7578): its body, which
// reads files only as they are sent, its length or -1, and its type. The body can
// be sent again. The caller closes it.
func (f *Form) Multipart() (body io.ReadSeekCloser, length int64, contentType string, err error) {
	boundary := "netclients-" + rand.Text()
	m := &multipart{}
	for _, field := range f.Fields {
		if err := wire.Check(field.Type); err != nil {
			return nil, 0, "", &protocols.Error{Kind: protocols.KindUsage, Err: err}
		}
		head := "--" + boundary + "\r\nContent-Disposition: form-data; name=" + formQuote(field.Name)
		if field.Open != nil {
			head += "; filename=" + formQuote(field.FileName) + "\r\nContent-Type: " + cmp.Or(field.Type, "application/octet-stream")
		} else if field.Type != "" {
			head += "\r\nContent-Type: " + field.Type
		}
		m.text(head + "\r\n\r\n" + field.Value)
		if field.Open != nil {
			m.parts = append(m.parts, part{open: field.Open, size: field.Size})
		}
		m.text("\r\n")
	}
	m.text("--" + boundary + "--\r\n")
	return m, m.length(), "multipart/form-data; boundary=" + boundary, nil
}

// formQuote quotes as browsers do: only what would end the string is encoded.
func formQuote(s string) string {
	return `"` + strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22", "\x00", "%00").Replace(s) + `"`
}

// part is a piece of a multipart body: text, or what open returns.
type part struct {
	text string
	open func() (io.ReadCloser, error)
	size int64
}

// multipart reads its parts one after the other.
type multipart struct {
	parts []part
	next  int
	now   io.ReadCloser // nil: the next part is to be opened
}

func (m *multipart) text(s string) {
	if n := len(m.parts); n > 0 && m.parts[n-1].open == nil {
		m.parts[n-1].text += s
		return
	}
	m.parts = append(m.parts, part{text: s})
}

// length returns the bytes of all parts, or -1.
func (m *multipart) length() int64 {
	total := int64(0)
	for _, p := range m.parts {
		if p.open != nil && p.size < 0 {
			return -1
		}
		total += int64(len(p.text)) + p.size
	}
	return total
}

// Read reads on, opening the files as they come.
func (m *multipart) Read(b []byte) (int, error) {
	for {
		if m.now == nil {
			if m.next == len(m.parts) {
				return 0, io.EOF
			}
			p := m.parts[m.next]
			m.next++
			m.now = io.NopCloser(strings.NewReader(p.text))
			if p.open != nil {
				f, err := p.open()
				if err != nil {
					m.now = nil
					return 0, err
				}
				m.now = f
			}
		}
		n, err := m.now.Read(b)
		if err == io.EOF {
			m.now.Close()
			m.now, err = nil, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// Seek goes back to the start, or reports that it is there; it can do no more.
func (m *multipart) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence == io.SeekEnd || whence == io.SeekCurrent && (m.next > 0 || m.now != nil) {
		return 0, errors.ErrUnsupported
	}
	m.Close()
	m.next = 0
	return 0, nil
}

// Close frees the file that is being read.
func (m *multipart) Close() error {
	if m.now == nil {
		return nil
	}
	err := m.now.Close()
	m.now = nil
	return err
}
