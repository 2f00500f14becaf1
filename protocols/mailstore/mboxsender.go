package mailstore

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// Flags are kept in an mbox where mail programs look for them: in the header, as
// fields Status and X-Status. So that a message comes out as it went in all the
// same, the fields that we add stand before its first line, and the line "From "
// says how many they are: "From netclients-KEY.2@localhost DATE". A reader takes
// off so many, as long as they are such fields; a mail program that changes flags
// moves them to the end of the header, where they stay.
const (
	ourSender  = "netclients"
	senderMark = ourSender + "-" // the key follows
	senderHost = "localhost"
)

// statuses are the letters of the fields Status and X-Status in an mbox.
var statuses = []struct{ field, letter, flag string }{
	{"Status", "R", `\Seen`},
	{"X-Status", "A", `\Answered`}, {"X-Status", "F", `\Flagged`}, {"X-Status", "T", `\Draft`}, {"X-Status", "D", `\Deleted`},
}

// statusFlags returns the flags in the header of a message in an mbox.
func statusFlags(field func(string) string) (flags []string) {
	for _, s := range statuses {
		if strings.Contains(field(strings.ToLower(s.field)), s.letter) {
			flags = append(flags, s.flag)
		}
	}
	return flags
}

// statusLines returns the fields for flags.
func statusLines(flags []string) (lines []string) {
	letters := map[string]string{}
	for _, s := range statuses {
		if slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, s.flag) }) {
			letters[s.field] += s.letter
		}
	}
	for _, field := range []string{"Status", "X-Status"} {
		if l := letters[field]; l != "" {
			lines = append(lines, field+": "+strings.Replace(l, "R", "RO", 1)+"\n") // read, so it is old too
		}
	}
	return lines
}

// isOurs reports whether we have written a message with this line "From ".
func isOurs(line string) bool {
	rest, ours := strings.CutPrefix(line, fromMark+ourSender)
	return ours && (rest == "" || strings.IndexByte("-.@ ", rest[0]) >= 0)
}

// fromHead returns the line "From " of a message, up to the date, and the fields
// after it.
func fromHead(key string, flags []string) (head string, fields string) {
	lines := statusLines(flags)
	sender := ourSender
	if key != "" {
		sender = senderMark + key
	}
	if len(lines) > 0 {
		sender += "." + strconv.Itoa(len(lines))
	}
	return fromMark + sender + "@" + senderHost, strings.Join(lines, "")
}

// parseFrom returns the contents of a line "From " of ours: the key, and how many fields
// were added. Those of others tell nothing.
func parseFrom(line string) (key string, fields int) {
	sender, _, _ := strings.Cut(strings.TrimPrefix(line, fromMark), " ")
	name, host, _ := strings.Cut(sender, "@")
	name, count, _ := strings.Cut(name, ".")
	key, keyed := strings.CutPrefix(name, senderMark)
	if host != senderHost || keyed && !isKey(key) || !keyed && name != ourSender {
		return "", 0
	}
	if !keyed {
		key = ""
	}
	if i := slices.Index([]string{"", "1", "2"}, count); i > 0 {
		fields = i
	}
	return key, fields
}

func keyOfFrom(line string) string {
	key, _ := parseFrom(line)
	return key
}

// longestField is more than a field of ours has.
const longestField = 20

// content returns where the content of a message begins: after the fields of ours.
func content(r io.ReaderAt, s span) (int64, error) {
	at := s.body
	for _, fields := parseFrom(s.from); fields > 0; fields-- {
		buf := make([]byte, min(longestField, max(s.end-at, 0)))
		if _, err := r.ReadAt(buf, at); err != nil && err != io.EOF {
			return at, err
		}
		line, _, found := strings.Cut(string(buf), "\n")
		letters, ours := strings.CutPrefix(strings.TrimPrefix(line, "X-"), "Status: ")
		if !found || !ours || strings.Trim(letters, "ROAFTD") != "" {
			return at, nil
		}
		at += int64(len(line) + 1)
	}
	return at, nil
}
