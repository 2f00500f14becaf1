package talk

import (
	"bytes"
	"io"
	"strings"
)

// masked stands for a secret in what is shown.
const masked = "****"

// Mask hides secrets in text. It is for one goroutine at a time.
type Mask struct{ secrets []string }

// NewMask makes a mask that knows no secret yet.
func NewMask() *Mask { return &Mask{} }

// Add makes a secret known. An empty one is none.
func (m *Mask) Add(secret string) {
	if secret != "" {
		m.secrets = append(m.secrets, secret)
	}
}

// In reports whether a secret is in text.
func (m *Mask) In(text string) bool {
	for _, s := range m.secrets {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// Text gives text with each secret hidden.
func (m *Mask) Text(text string) string {
	for _, s := range m.secrets {
		text = strings.ReplaceAll(text, s, masked)
	}
	return text
}

// Writer gives a writer that hides secrets in a stream, also such as come in
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
	w.held = append(w.held, p...)
	for _, s := range w.m.secrets {
		w.held = bytes.ReplaceAll(w.held, []byte(s), []byte(masked))
	}
	return len(p), w.release(w.open())
}

// open gives the length of the tail that may be the start of a secret.
func (w *MaskWriter) open() (longest int) {
	for _, s := range w.m.secrets {
		for n := min(len(s)-1, len(w.held)); n > longest; n-- {
			if bytes.HasSuffix(w.held, []byte(s[:n])) {
				longest = n
				break
			}
		}
	}
	return longest
}

// release writes all but the last keep bytes.
func (w *MaskWriter) release(keep int) error {
	out := w.held[:len(w.held)-keep]
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	w.held = append(w.held[:0], w.held[len(out):]...)
	return err
}

// Flush writes what is held back.
func (w *MaskWriter) Flush() error { return w.release(0) }
