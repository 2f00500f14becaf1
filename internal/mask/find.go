package mask

import (
	"slices"
	"strings"
)

// span is a part of a text that is to be hidden.
type span struct{ begin, end int }

// marks stand where a text was cut.
var marks = []string{"…", "..."}

// Text returns a text with all secrets hidden. It takes time in proportion to the
// length of the text, whatever that holds.
func (m *Mask) Text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.arguments) > 0 {
		s = strings.NewReplacer(m.arguments...).Replace(s)
	}
	if len(m.forms) == 0 {
		return s
	}
	f := finder{text: s, folded: fold(s)}
	for _, form := range m.forms {
		f.form(form)
	}
	for _, core := range m.cores {
		f.run64(core)
	}
	for _, mark := range marks {
		f.clipped(mark, m.forms, m.cores)
	}
	return f.hidden()
}

// fold returns s with ASCII letters in lower case, of the same length: servers say
// commands back in capitals, and the digits of escapes and digests in either case.
func fold(s string) string {
	if strings.IndexFunc(s, isUpper) < 0 {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if isUpper(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }

// finder looks for secrets in a text.
type finder struct {
	text, folded string
	spans        []span
	fail         []int // room for overlap
}

// form finds a folded form.
func (f *finder) form(form string) {
	for at := 0; ; {
		i := strings.Index(f.folded[at:], form)
		if i < 0 {
			return
		}
		f.spans = append(f.spans, span{at + i, at + i + len(form)})
		at += i + len(form)
	}
}

// is64 reports whether a byte may stand in base64, of either alphabet.
func is64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

// run64 finds the runs of base64 that hold core.
func (f *finder) run64(core string) {
	for at := 0; ; {
		i := strings.Index(f.text[at:], core)
		if i < 0 {
			return
		}
		begin, end := at+i, at+i+len(core)
		for begin > at && is64(f.text[begin-1]) {
			begin--
		}
		for end < len(f.text) && is64(f.text[end]) {
			end++
		}
		f.spans = append(f.spans, span{begin, end})
		at = end
	}
}

// clipped finds the beginnings of secrets before marks, where a text was cut in the
// middle of one.
func (f *finder) clipped(mark string, forms, cores []string) {
	for at := 0; ; {
		i := strings.Index(f.text[at:], mark)
		if i < 0 {
			return
		}
		end := at + i
		if end > at && f.text[end-1] == '"' {
			end--
		}
		most := 0
		for _, form := range forms {
			most = max(most, f.overlap(f.folded[at:end], form))
		}
		for _, core := range cores {
			most = max(most, f.overlap(f.text[at:end], core))
		}
		if most >= minSecret {
			f.spans = append(f.spans, span{end - most, end})
		}
		at += i + len(mark)
	}
}

// overlap returns the length of the longest beginning of form that text ends with, by
// the failure function of Knuth, Morris and Pratt: one step a byte.
func (f *finder) overlap(text, form string) int {
	form = form[:min(len(form), len(text))]
	text = text[len(text)-len(form):]
	f.fail = append(f.fail[:0], 0)
	n := 0
	follow := func(c byte) {
		for n > 0 && (n == len(form) || form[n] != c) {
			n = f.fail[n-1]
		}
		if n < len(form) && form[n] == c {
			n++
		}
	}
	for i := 1; i < len(form); i++ {
		follow(form[i])
		f.fail = append(f.fail, n)
	}
	n = 0
	for i := range len(text) {
		follow(text[i])
	}
	return n
}

// hidden returns the text without what was found.
func (f *finder) hidden() string {
	if len(f.spans) == 0 {
		return f.text
	}
	slices.SortFunc(f.spans, func(a, b span) int { return a.begin - b.begin })
	var out strings.Builder
	done := 0 // bytes of the text that were dealt with
	for _, s := range f.spans {
		if s.begin >= done {
			out.WriteString(f.text[done:s.begin])
			out.WriteString(Hidden)
		}
		done = max(done, s.end)
	}
	out.WriteString(f.text[done:])
	return out.String()
}
