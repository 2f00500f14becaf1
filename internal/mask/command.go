package mask

import (
	"encoding/base64"
	"strings"
)

// Command is what is known of a command line that a user typed.
type Command struct {
	Shown   string   // the line, with what nobody may see hidden
	Secret  bool     // it carries a secret, or a proof of one
	Proof   bool     // a proof only: it may go where a secret may not
	Proving bool     // it begins an exchange in which only proofs are sent
	values  []string // what is secret
}

// commands are the commands with a secret: the words that begin them, and how many
// words after those may be shown (RFC 959, 1939, 3501, 4643, 4954, 5034).
var commands = []struct {
	words []string
	shown int
	sasl  bool // the first word shown is a mechanism
	proof bool
}{
	{words: []string{"PASS"}},
	{words: []string{"ACCT"}},
	{words: []string{"APOP"}, shown: 1, proof: true},
	{words: []string{"LOGIN"}, shown: 1},
	{words: []string{"AUTH"}, shown: 1, sasl: true},
	{words: []string{"AUTHENTICATE"}, shown: 1, sasl: true},
	{words: []string{"AUTHINFO", "PASS"}},
	{words: []string{"AUTHINFO", "SASL"}, shown: 1, sasl: true},
}

// open are the mechanisms whose initial response is a name.
var open = map[string]bool{"EXTERNAL": true, "ANONYMOUS": true}

// CommandOf finds the secret in a command line, whose blanks and case do not matter.
func CommandOf(line string) Command {
	for _, c := range commands {
		shown, rest, ok := cutCommand(line, c.words, c.shown)
		if !ok {
			continue
		}
		found := Command{Shown: line, Proof: c.proof}
		if c.sasl {
			mechanism := strings.ToUpper(lastWord(shown))
			found.Proving = strings.HasPrefix(mechanism, "SCRAM-") || strings.HasSuffix(mechanism, "-MD5")
			found.Proof = found.Proving
			if open[mechanism] {
				rest = ""
			}
		}
		if rest != "" {
			found.Secret, found.Shown, found.values = true, shown+" "+Hidden, values(rest)
		}
		return found
	}
	return Command{Shown: line}
}

// ResponseOf is CommandOf for a line that answers a challenge: all of it is secret,
// but the "*" that cancels the exchange.
func ResponseOf(line string, proving bool) Command {
	text := strings.TrimSpace(line)
	if text == "*" {
		return Command{Shown: line}
	}
	return Command{Shown: Hidden, Secret: true, Proof: proving, Proving: proving, values: values(text)}
}

// Command makes the secret of a command line known, and returns what is known of it.
func (m *Mask) Command(line string) Command {
	c := CommandOf(line)
	m.Add(c.values...)
	return c
}

// Response is Command for a line that answers a challenge.
func (m *Mask) Response(line string, proving bool) Command {
	c := ResponseOf(line, proving)
	m.Add(c.values...)
	return c
}

// cutCommand splits a line that begins with words after those and so many more.
func cutCommand(line string, words []string, more int) (head, rest string, ok bool) {
	rest = strings.TrimSpace(line)
	var all []string
	for i := range len(words) + more {
		var word string
		word, rest = cutWord(rest)
		if i < len(words) && !strings.EqualFold(word, words[i]) {
			return "", "", false
		}
		if word != "" {
			all = append(all, word)
		}
	}
	return strings.Join(all, " "), rest, true
}

// cutWord splits after the first word, which may be a quoted string (RFC 3501 4.3).
func cutWord(s string) (word, rest string) {
	end := strings.IndexAny(s, " \t")
	if strings.HasPrefix(s, `"`) {
		end = quotedEnd(s)
	}
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], " \t")
}

// quotedEnd returns the length of the quoted string that s begins with; -1 where it
// does not end.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

// values returns a secret argument and the secrets in it: without its quotes, and what
// base64 hides: the last field of PLAIN, the token of the bearer mechanisms, the proof
// of the others.
func values(arg string) []string {
	all := []string{arg}
	if n := len(arg); n > 1 && arg[0] == '"' && quotedEnd(arg) == n {
		all = append(all, strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(arg[1:n-1]))
	}
	text, err := base64.StdEncoding.DecodeString(arg)
	if err != nil {
		text, err = base64.RawStdEncoding.DecodeString(arg)
	}
	if err != nil || len(text) == 0 {
		return all
	}
	plain := string(text)
	all = append(all, plain)
	if i := strings.LastIndexByte(plain, 0); i >= 0 {
		all = append(all, plain[i+1:])
	}
	for _, mark := range []string{"auth=Bearer ", ",p="} {
		if _, token, ok := strings.Cut(plain, mark); ok {
			token, _, _ = strings.Cut(token, "\x01")
			all = append(all, token)
		}
	}
	return all
}
