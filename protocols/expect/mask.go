package expect

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// masked stands for a secret in what is shown.
const masked = "****"

// Mask hides secrets in text. It is for one goroutine at a time.
type Mask struct{ secrets [][]byte } // the longest first

// NewMask makes a mask that knows no secret yet.
func NewMask() *Mask { return &Mask{} }

// Add makes a secret known. An empty one is none.
func (m *Mask) Add(secret string) {
	if secret != "" {
		m.secrets = append(m.secrets, []byte(secret))
		slices.SortStableFunc(m.secrets, func(a, b []byte) int { return len(b) - len(a) })
	}
}

// In reports whether a secret is in text.
func (m *Mask) In(text string) bool {
	return slices.ContainsFunc(m.secrets, func(s []byte) bool { return strings.Contains(text, string(s)) })
}

// Text returns text with each secret hidden.
func (m *Mask) Text(text string) string {
	out, _ := m.hide([]byte(text), true)
	return string(out)
}

// hide returns p with each secret hidden, of several at one place the longest. Unless
// p is whole, what may be the start of a secret is left over, with all after it.
func (m *Mask) hide(p []byte, whole bool) (out, rest []byte) {
	for len(p) > 0 {
		shown, n := p[:1], 1
		for _, s := range m.secrets {
			if bytes.HasPrefix(p, s) {
				shown, n = []byte(masked), len(s)
				break
			}
			if !whole && bytes.HasPrefix(s, p) {
				return out, p
			}
		}
		out, p = append(out, shown...), p[n:]
	}
	return out, nil
}

// Writer returns a writer that hides secrets in a stream, also such as come in
// pieces: what may be the start of one is held back until Flush or more bytes.
func (m *Mask) Writer(w io.Writer) *MaskWriter { return &MaskWriter{m: m, w: w} }

// MaskWriter is made by [Mask.Writer].
type MaskWriter struct {
	m    *Mask
	w    io.Writer
	held []byte
}

// Write writes p with secrets hidden.
func (w *MaskWriter) Write(p []byte) (int, error) {
	if len(w.m.secrets) == 0 && len(w.held) == 0 {
		return w.w.Write(p)
	}
	return len(p), w.write(append(w.held, p...), false)
}

// Flush writes what is held back.
func (w *MaskWriter) Flush() error { return w.write(w.held, true) }

func (w *MaskWriter) write(p []byte, whole bool) error {
	out, rest := w.m.hide(p, whole)
	w.held = append(w.held[:0], rest...)
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	return err
}
