package nntp

import (
	"bufio"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
		if named().MatchString(word) {
			name = word
		}
	}
	return name
}

var (
	named = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[^\s()\[\]<>@/]+\.[A-Za-z][A-Za-z0-9]{0,4}$`)
	})
	counter = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`[(\[](\d{1,6})(?:/| of )(\d{1,6})[)\]]`)
	})
)

// SubjectPart returns the place of an article among those of a file by the last "(2/3)"
// or "[2/3]" of its subject, and the subject without the number of the part, which the
// articles of one file have in common. part is 0 if there is no such count.
func SubjectPart(subject string) (key string, part, total int) {
	all := counter().FindAllStringSubmatchIndex(subject, -1)
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

// Heading is what the header of an article says about a posted file.
type Heading struct {
	Subject string // decoded
	ID      string // message-id, with its angle brackets
}

// mostHeading is the number of bytes of a header that ReadHeading reads.
const mostHeading = 256 << 10

// ReadHeading reads the header of an article up to the empty line. The body follows in r.
func ReadHeading(r *bufio.Reader) (h Heading, err error) {
	name, size := "", 0
	for {
		line, err := r.ReadSlice('\n')
		for size += len(line); err == bufio.ErrBufferFull && size <= mostHeading; size += len(line) {
			line, err = r.ReadSlice('\n') // the rest of a long line says nothing here
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case err == io.EOF, text == "" && err == nil:
			h.Subject = decodeHeader(h.Subject)
			return h, nil
		case err != nil:
			return h, err
		case size > mostHeading:
			return h, damaged("the header of the article is longer than "+strconv.Itoa(mostHeading)+" bytes", nil)
		}
		value := text
		if folded := text[0] == ' ' || text[0] == '\t'; !folded {
			name, value, _ = strings.Cut(text, ":")
		}
		switch strings.ToLower(name) {
		case "subject":
			h.Subject = strings.TrimSpace(h.Subject + " " + strings.TrimSpace(value))
		case "message-id":
			h.ID = strings.TrimSpace(h.ID + value)
		}
	}
}
