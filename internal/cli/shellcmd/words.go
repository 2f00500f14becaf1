package shellcmd

import (
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
)

// word is one word of a line. Quoted signs of patterns stand for themselves.
type word struct {
	text string
	glob bool // it has signs of patterns that are not quoted
	from int  // where it begins in the line
}

const globSigns = "*?["

// split takes a line apart as a shell does: blanks separate words, quotes and backslashes
// take their meaning away, # begins a comment. open reports a quote that does not end.
func split(line string) (words []word, open bool, err error) {
	var b strings.Builder
	in, quote := false, byte(0)
	now := word{}
	end := func() {
		if in {
			now.text = b.String()
			words = append(words, now)
			b.Reset()
			in, now = false, word{}
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		blank := c == ' ' || c == '\t'
		if !in && (quote == 0 && !blank) {
			if c == '#' {
				break
			}
			in, now.from = true, i
		}
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\':
			b.WriteByte(c)
		case quote == c && c != 0:
			quote = 0
		case c == '\\':
			if i+1 == len(line) {
				end()
				return words, true, kit.Usage("the line ends with a backslash")
			}
			i++
			b.WriteByte(line[i])
		case c == '\'' || c == '"':
			quote = c
		case blank:
			end()
		default:
			now.glob = now.glob || strings.IndexByte(globSigns, c) >= 0
			b.WriteByte(c)
		}
	}
	if end(); quote != 0 {
		return words, true, kit.Usage("a %c without its end", quote)
	}
	return words, false, nil
}

// quoted returns a name as a word of a line.
func quoted(name string) string {
	var b strings.Builder
	for _, r := range name {
		if strings.ContainsRune(" \t'\"\\*?[#", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
