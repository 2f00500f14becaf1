package imapstore

import (
	"bytes"
	"strings"
	"testing"
)

func TestCRLF(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n": "a\r\nb\r\n", "a\r\nb": "a\r\nb", "a\rb": "a\r\nb", "a\r": "a\r\n", "": "", "\n\n": "\r\n\r\n", "a\r\r\nb": "a\r\n\r\nb", "a\r\n\r\n": "a\r\n\r\n",
	} {
		for size := 1; size <= 3; size++ {
			var out bytes.Buffer
			if _, err := out.ReadFrom(&crlfReader{src: &chopped{s: in, n: size}}); err != nil || out.String() != want {
				t.Errorf("%q by %d: %q, want %q (%v)", in, size, out.String(), want, err)
			}
		}
	}
}

// chopped returns n bytes at a time.
type chopped struct {
	s string
	n int
}

func (c *chopped) Read(p []byte) (int, error) {
	r := strings.NewReader(c.s[:min(c.n, len(c.s))])
	n, err := r.Read(p)
	c.s = c.s[n:]
	return n, err
}
