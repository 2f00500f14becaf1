package nntp

import (
	"regexp"
	"strconv"
	"strings"
)

// SubjectName returns the name of the posted file that a subject states: in quotes, or
// the last word with an extension before the count of the parts. It returns an empty
// string if there is none. The name is not a safe file name.
func SubjectName(subject string) string {
	if _, rest, ok := strings.Cut(subject, `"`); ok {
		if name, _, closed := strings.Cut(rest, `"`); closed {
			return strings.TrimSpace(name)
		}
	}
	name := ""
	for word := range strings.FieldsSeq(subject) {
		if named.MatchString(word) {
			name = word
		}
	}
	return name
}

var (
	named   = regexp.MustCompile(`^[^\s()\[\]<>@/]+\.[A-Za-z][A-Za-z0-9]{0,4}$`)
	counter = regexp.MustCompile(`[(\[](\d{1,6})(?:/| of )(\d{1,6})[)\]]`)
)

// SubjectPart returns the place of an article among those of a file by the last "(2/3)"
// or "[2/3]" of its subject, and the subject without the number of the part, which the
// articles of one file have in common. part is 0 if there is no such count.
func SubjectPart(subject string) (key string, part, total int) {
	all := counter.FindAllStringSubmatchIndex(subject, -1)
	if len(all) == 0 {
		return "", 0, 0
	}
	at := all[len(all)-1]
	part, _ = strconv.Atoi(subject[at[2]:at[3]])
	total, _ = strconv.Atoi(subject[at[4]:at[5]])
	if part < 1 || part > total {
		return "", 0, 0
	}
	return subject[:at[2]] + "#" + subject[at[3]:], part, total
}
