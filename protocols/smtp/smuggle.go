package smtp

import (
	"bytes"
	"strings"
)

// A server that refuses BDAT has to read the chunk all the same and throw it away (RFC
// 3030 2). One that does not takes the lines of the message for commands. Content with
// lines that could be some therefore goes by DATA, or in further chunks only when the
// server has accepted those before.

// verbs are the commands that do something.
var verbs = []string{"MAIL", "RCPT", "DATA", "BDAT", "EHLO", "HELO", "LHLO", "RSET", "AUTH", "STARTTLS", "XCLIENT", "XFORWARD", "SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "QUIT"}

// longestVerb is what there must be of a line to know whether it is a command.
const longestVerb = len("STARTTLS")

// hasCommand reports whether a line of a text could be taken for a command.
func hasCommand(text []byte) bool {
	for len(text) > 0 {
		line := bytes.TrimLeft(text, " \t\r\n\x00")
		word := line[:min(len(line), longestVerb)]
		for _, verb := range verbs {
			if len(word) >= len(verb) && strings.EqualFold(string(word[:len(verb)]), verb) && endsWord(line[len(verb):]) {
				return true
			}
		}
		next := bytes.IndexAny(line, "\r\n")
		if next < 0 {
			return false
		}
		text = line[next+1:]
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
func (k *courier) chunked(f *flight) bool { return k.s.chunked(f.m) && (f.m.Binary || !f.commands) }
