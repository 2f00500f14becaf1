package show

import (
	"strings"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/pattern"
)

// secondColumn is the start of the text after the first column of a line.
var secondColumn = pattern.Lazy{Text: `^\s*\S.*?\s{2,}`}

// Wrap breaks lines that are longer than a terminal is wide, at spaces: what follows stands
// below the text of the second column, if there is one, and lines without an indent are
// joined to paragraphs first. Zero means no width.
func Wrap(text string, width int) string {
	if width < 40 {
		return text
	}
	var out []string
	for _, line := range paragraphs(text) {
		out = append(out, wrapLine(line, width)...)
	}
	return strings.Join(out, "\n")
}

// paragraphs joins the lines of running text.
func paragraphs(text string) []string {
	var out []string
	running := func(line string) bool {
		return line != "" && line[0] != ' ' && !strings.HasSuffix(line, ":") && !secondColumn.Re().MatchString(line)
	}
	before := false
	for line := range strings.SplitSeq(text, "\n") {
		now := running(line)
		if before && now && len(out[len(out)-1]) > 60 {
			out[len(out)-1] = strings.TrimRight(out[len(out)-1], " ") + " " + strings.TrimLeft(line, " ")
			continue
		}
		out, before = append(out, line), now
	}
	return out
}

func wrapLine(line string, width int) []string {
	if utf8.RuneCountInString(line) <= width {
		return []string{line}
	}
	hang := len(line) - len(strings.TrimLeft(line, " "))
	if head := secondColumn.Re().FindString(line); head != "" {
		hang = utf8.RuneCountInString(head)
		if hang > width/2 {
			rest := wrapLine(strings.Repeat(" ", 8)+line[len(head):], width)
			return append([]string{strings.TrimRight(head, " ")}, rest...)
		}
	}
	var out []string
	for utf8.RuneCountInString(line) > width {
		cut := cutAt(line, width, hang)
		if cut < 0 {
			break
		}
		out = append(out, strings.TrimRight(line[:cut], " "))
		line = strings.Repeat(" ", hang) + strings.TrimLeft(line[cut:], " ")
	}
	return append(out, line)
}

// cutAt returns the index of the last space that fits; -1 for none.
func cutAt(line string, width, hang int) int {
	last, column := -1, 0
	for i, r := range line {
		if r == ' ' && column >= hang+1 {
			last = i
		}
		if column++; column > width && last >= 0 {
			return last
		}
	}
	return -1
}
