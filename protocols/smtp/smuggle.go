package smtp

import (
	"bytes"
	"strings"
)

// A server that refuses BDAT has to read the chunk all the same and throw it away (RFC
// 3030 2). One that does not takes the lines of the message for commands. Content with
// lines that could be some therefore goes by DATA, or in chunks that are sent only when the
// server has accepted the one before. Where DATA cannot carry it, that is an empty one.

// verbs are the commands that do something.
var verbs = []string{"MAIL", "RCPT", "DATA", "BDAT", "EHLO", "HELO", "LHLO", "RSET", "AUTH", "STARTTLS", "XCLIENT", "XFORWARD", "SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "QUIT"}

// byLetter are the verbs by their first letter, in either case.
var byLetter = func() (table [256][]string) {
	for _, v := range verbs {
		table[v[0]] = append(table[v[0]], v)
		table[v[0]+'a'-'A'] = append(table[v[0]+'a'-'A'], v)
	}
	return table
}()

// hasCommand reports whether a line of a text could be taken for a command. LF and CR
// end lines.
func hasCommand(text []byte) bool {
	for line := range bytes.Lines(text) {
		for rest, more := line, true; more; {
			line, rest, more = bytes.Cut(rest, cr)
			if isCommand(line) {
				return true
			}
		}
	}
	return false
}

var cr = []byte{'\r'}

// isCommand is hasCommand for one line.
func isCommand(line []byte) bool {
	for len(line) > 0 && line[0] <= ' ' {
		line = line[1:]
	}
	if len(line) == 0 {
		return false
	}
	for _, verb := range byLetter[line[0]] {
		if len(line) >= len(verb) && strings.EqualFold(string(line[:len(verb)]), verb) && endsWord(line[len(verb):]) {
			return true
		}
	}
	return false
}

// endsWord reports whether what follows a verb can follow one.
func endsWord(rest []byte) bool {
	return len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0
}

// chunked: content goes by BDAT.
func (s *session) chunked(m *Mail) bool {
	return m.Binary || s.has("CHUNKING") && s.pipelined() && s.c.Settings.Chunking == ChunkAuto
}

// chunked is that of the session for a message under way.
func (k *courier) chunked(f *flight) bool {
	return k.s.chunked(f.m) && (f.m.Binary || !f.commands && !f.prdr)
}
