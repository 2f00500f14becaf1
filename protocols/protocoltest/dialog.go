package protocoltest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Script is a dialogue between a client and a server, line by line. Its text
// form has one step a line; an empty line is nothing.
//
//	# key: value             header: server, version, what for; elsewhere a comment
//	C: USER alice            the client must write this line; {*} stands for any text,
//	                         {port} or {p1},{p2} for digits that D! dial uses
//	S: 230 Welcome           the server writes this line
//	S! close                 the server is gone: all connections end
//	S! reset                 likewise, with a reset
//	S! hang                  the server says no more, and reads on
//	S! starttls              the server's side of a TLS handshake
//	S! flood TEXT            TEXT for ever, until the client hangs up
//	D! accept 24001          the client must connect to this port: a data connection;
//	                         * is any port
//	D! refuse 24001          a connection to this port is refused
//	D! dial                  the server connects to the port that the client has sent
//	D! starttls              TLS on the data connection
//	D> text                  the server writes this line to the data connection
//	D< text                  the client must write this line to it
//	D! flood TEXT            as S! flood, on the data connection
//	D! eof                   the client must end the data
//	D! close                 the server closes the data connection
//	D! reset                 the server resets it
//	R: {...}                 result of the call, one JSON value a line
//	E: refused text          or the kind of its error, and the message
//
// Lines end in CRLF on the wire. In their text \r \n \t \\ and \xNN stand for
// bytes, and \c at the end for no line end.
type Script struct {
	Name   string
	Header map[string]string
	Steps  []Step
	Result []string // of R: lines
	Error  string   // of the E: line; empty when the call succeeds
}

// Step is one line of a [Script].
type Step struct {
	Line int    // in the file, from 1; 0 when made by a law
	Mark string // "C:", "S:", "D>", "D<", "S!", "D!"
	Text string // with its escapes, as written
}

// marks are what a line may start with.
var marks = []string{"C:", "S:", "D>", "D<", "S!", "D!", "R:", "E:"}

// words are the directives after "S!" and "D!", and whether they take a text.
var words = map[string]bool{
	"S! close": false, "S! reset": false, "S! hang": false, "S! starttls": false, "S! flood": true, "S! cancel": false,
	"D! accept": true, "D! refuse": true, "D! dial": false, "D! starttls": false, "D! flood": true, "D! eof": false,
	"D! close": false, "D! reset": false,
}

// LoadScript reads a dialogue from a file.
func LoadScript(file string) (*Script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseScript(file, string(text))
}

// ParseScript reads a dialogue from its text form. The error names the line.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{Name: name, Header: map[string]string{}}
	for i, line := range strings.Split(text, "\n") {
		if err := s.parseLine(i+1, strings.TrimSuffix(line, "\r")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return s, nil
}

func (s *Script) parseLine(n int, line string) error {
	if comment, ok := strings.CutPrefix(line, "#"); ok {
		if key, value, ok := strings.Cut(comment, ": "); ok && len(s.Steps) == 0 {
			s.Header[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		return nil
	}
	if line == "" {
		return nil
	}
	mark := line[:min(2, len(line))]
	if !slices.Contains(marks, mark) {
		return fmt.Errorf("line starts with none of %s", strings.Join(marks, " "))
	}
	text := strings.TrimPrefix(line[2:], " ")
	switch mark {
	case "R:":
		s.Result = append(s.Result, text)
		return nil
	case "E:":
		s.Error = text
		return nil
	}
	st := Step{Line: n, Mark: mark, Text: text}
	s.Steps = append(s.Steps, st)
	return st.check()
}

func (st Step) check() error {
	if st.Mark[1] == '!' {
		word, arg, _ := strings.Cut(st.Text, " ")
		takes, known := words[st.Mark+" "+word]
		if !known || takes != (arg != "") {
			return fmt.Errorf("%q is not a directive", st.Mark+" "+st.Text)
		}
	}
	_, err := unescape(st.Text)
	return err
}

// String returns the step as it is written in a file.
func (st Step) String() string { return st.Mark + " " + st.Text }

// Format returns the text form.
func (s *Script) Format() string {
	var b strings.Builder
	for _, key := range slices.Sorted(mapKeys(s.Header)) {
		fmt.Fprintf(&b, "# %s: %s\n", key, s.Header[key])
	}
	b.WriteByte('\n')
	for _, st := range s.Steps {
		fmt.Fprintln(&b, st)
	}
	for _, r := range s.Result {
		fmt.Fprintln(&b, "R:", r)
	}
	if s.Error != "" {
		fmt.Fprintln(&b, "E:", s.Error)
	}
	return b.String()
}

// serverSteps returns the indexes of the steps in which a server says something:
// the points at which it may fail.
func (s *Script) serverSteps() []int {
	var at []int
	for i, st := range s.Steps {
		if st.Mark == "S:" || st.Mark == "D>" || st.Text == "close" && st.Mark == "D!" {
			at = append(at, i)
		}
	}
	return at
}

// with returns a script of its first n steps, and more after them.
func (s *Script) with(n int, more ...Step) *Script {
	c := *s
	c.Steps = append(slices.Clone(s.Steps[:n]), more...)
	return &c
}

// splice returns a script whose step n is replaced.
func (s *Script) splice(n int, by ...Step) *Script {
	return s.with(n, append(slices.Clone(by), s.Steps[n+1:]...)...)
}

// has reports whether a step of that form is there.
func (s *Script) has(mark, text string) bool {
	return slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Mark == mark && st.Text == text })
}

// bytes returns what the step puts on the wire.
func (st Step) bytes() []byte {
	text, _ := unescape(st.Text) // was checked by the parser
	return []byte(text)
}

// unescape returns the bytes of a text, with CRLF after them unless \c says no.
func unescape(text string) (string, error) {
	end := "\r\n"
	if t, ok := strings.CutSuffix(text, `\c`); ok && (len(t)-len(strings.TrimRight(t, `\`)))%2 == 0 {
		text, end = t, "" // the backslash is not itself the end of an escape
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		n, err := unescapeOne(&b, text[i+1:])
		if err != nil {
			return "", err
		}
		i += n
	}
	return b.String() + end, nil
}

var escapes = map[byte]byte{'r': '\r', 'n': '\n', 't': '\t', '\\': '\\'}

// unescapeOne reads what follows a backslash and returns its length.
func unescapeOne(b *strings.Builder, rest string) (int, error) {
	if rest != "" && escapes[rest[0]] != 0 {
		b.WriteByte(escapes[rest[0]])
		return 1, nil
	}
	if len(rest) >= 3 && rest[0] == 'x' {
		if v, err := strconv.ParseUint(rest[1:3], 16, 8); err == nil {
			b.WriteByte(byte(v))
			return 3, nil
		}
	}
	return 0, fmt.Errorf(`escape \%.3s is none of \r \n \t \\ \xNN`, rest)
}

// escape writes bytes as the text of a step. The line end is taken off, or its
// absence marked.
func escape(p string) string {
	line, whole := strings.CutSuffix(p, "\r\n")
	var b strings.Builder
	for i := range len(line) {
		switch c := line[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if !whole {
		b.WriteString(`\c`)
	}
	return b.String()
}
