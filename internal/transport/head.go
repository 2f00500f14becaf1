package transport

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/pattern"
)

// maxSample is how much of a content a trace shows.
const maxSample = 4 << 10

// heads are the beginnings of the content that moves in both directions. A reader, a
// writer and who closes the connection use them at the same time.
type heads struct {
	mu      sync.Mutex
	in, out []byte
}

func (h *heads) add(to *[]byte, p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*to = append(*to, p[:min(len(p), maxSample-len(*to))]...)
}

// take returns the beginning of a content of n bytes, if it is text, and forgets it.
func (h *heads) take(from *[]byte, n int64) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := *from
	*from = nil
	return headText(p, n > int64(len(p)))
}

// headText returns content as a text without what may be a secret; nothing where it is no
// text. A text that was cut may end inside of a character.
func headText(p []byte, cut bool) string {
	for i := 1; cut && i < utf8.UTFMax && i <= len(p); i++ {
		if utf8.RuneStart(p[len(p)-i]) {
			if !utf8.FullRune(p[len(p)-i:]) {
				p = p[:len(p)-i]
			}
			break
		}
	}
	if !utf8.Valid(p) || bytes.ContainsFunc(p, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\r\n\f\x1b", r) }) {
		return ""
	}
	return secretFields.Re().ReplaceAllString(string(p), "${1}****")
}

// secretFields are the fields of forms and of JSON that hold secrets, with their values.
var secretFields = pattern.Lazy{Text: `(?i)([\w-]*(?:token|secret|passw(?:or)?d|passwd|pwd|api_?key|assertion|device_code|authorization|code_verifier|session_?id)"?\s*[=:]\s*)("(?:[^"\\]|\\.)*"?|[^&\s,;}<]+)`}
