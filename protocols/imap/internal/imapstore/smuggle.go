package imapstore

import (
	"bytes"
	"strings"
)

// A server with LITERAL+ has to read the literal of a command that it refuses (RFC 7888
// 4). Some do not where they refuse it while they parse it, and take the lines of the
// message for commands. So a message with lines that could be some waits for the server's
// consent, as one that is too large to look at does.

// harmful are the commands that change something, and the number of their arguments;
// some: at least one.
var harmful = map[string]int{
	"CREATE": 1, "DELETE": 1, "RENAME": 2, "SUBSCRIBE": 1, "UNSUBSCRIBE": 1, "EXPUNGE": 0, "CLOSE": 0, "LOGOUT": 0,
	"STORE": some, "COPY": 2, "MOVE": 2, "APPEND": some, "UID": some, "REPLACE": some,
	"SETACL": 3, "DELETEACL": 2, "SETQUOTA": some, "SETMETADATA": some, "SETANNOTATION": some, "AUTHENTICATE": some,
}

const some = -1

// numbered are the commands whose first argument is a set of messages, and UID, whose
// first one is such a command.
var numbered = map[string]bool{"STORE": true, "COPY": true, "MOVE": true, "REPLACE": true}

// hasCommand reports whether a line of a text could be taken for a command that changes
// something. Arguments are counted so that prose is not: "please delete it all".
func hasCommand(text []byte) bool {
	for line := range bytes.Lines(text) {
		if isCommand(line) {
			return true
		}
	}
	return false
}

func isCommand(line []byte) bool {
	_, rest, ok := bytes.Cut(line, []byte(" ")) // the tag
	if !ok || len(rest) < len("UID") {
		return false
	}
	end := bytes.IndexAny(rest, " \r\n")
	if end < 0 {
		end = len(rest)
	}
	if end < len("UID") || end > len("SETANNOTATION") {
		return false
	}
	verb := strings.ToUpper(string(rest[:end]))
	want, ok := harmful[verb]
	if !ok {
		return false
	}
	args := strings.Fields(string(rest[end:]))
	switch {
	case verb == "UID":
		return len(args) > 1 && (numbered[strings.ToUpper(args[0])] || strings.EqualFold(args[0], "EXPUNGE")) && isSet(args[1])
	case numbered[verb]:
		return len(args) > 1 && isSet(args[0])
	case want == some:
		return len(args) > 0
	}
	return len(args) == want || len(args) > 0 && strings.ContainsAny(args[0], `"{`)
}

// isSet reports whether a word may be a set of messages.
func isSet(word string) bool { return strings.Trim(word, "0123456789:,*$") == "" }
