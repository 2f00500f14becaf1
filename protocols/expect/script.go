package expect

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Limits of a script.
const (
	maxScriptLine = 64 << 10
	maxStatements = 10_000
	maxPlayed     = 100_000 // statements that one run does
)

// Script is a parsed script. It may be run many times, also at once.
type Script struct {
	steps  []step
	labels map[string]int
}

// step is one statement.
type step struct {
	line int
	do   string
	text string
	name string
	wait time.Duration
	code int
	alts []alternative
}

// alternative is one pattern of an expect, with what happens then.
type alternative struct {
	source  string         // as written
	literal string         // of a text
	re      *regexp.Regexp // of an expression without variables
	names   []string       // of its groups
	timeout bool
	eof     bool
	action  string
	arg     string
	again   bool // after send
}

// Parse reads a script. Errors are of kind Usage and name the line.
func Parse(r io.Reader) (*Script, error) {
	p := &parser{lines: bufio.NewScanner(r), s: &Script{labels: map[string]int{}}}
	p.lines.Buffer(make([]byte, 0, 4<<10), maxScriptLine)
	for p.next() {
		if err := p.statement(); err != nil {
			return nil, p.bad(err)
		}
	}
	if err := p.lines.Err(); err != nil {
		return nil, p.bad(err)
	}
	for _, st := range p.s.steps {
		if err := p.s.check(st); err != nil {
			p.at = st.line
			return nil, p.bad(err)
		}
	}
	return p.s, nil
}

// parser reads statements.
type parser struct {
	lines *bufio.Scanner
	at    int
	text  string
	s     *Script
}

// next reads the next line that is not empty and no comment.
func (p *parser) next() bool {
	for p.lines.Scan() {
		p.at++
		p.text = strings.TrimSpace(p.lines.Text())
		if p.text != "" && p.text[0] != '#' {
			return true
		}
	}
	return false
}

func (p *parser) bad(err error) error {
	return protocols.UsageError("", "", fmt.Sprintf("script, line %d: %v", p.at, err))
}

// readers are the statements, each with what reads its arguments.
var readers = map[string]func(p *parser, st *step, rest string) error{
	"expect":   (*parser).expect,
	"timeout":  duration,
	"sleep":    duration,
	"eol":      eol,
	"set":      named,
	"secret":   named,
	"send":     anyText,
	"write":    anyText,
	"urgent":   anyText,
	"print":    anyText,
	"fail":     anyText,
	"command":  word,
	"base64":   named,
	"label":    word,
	"goto":     word,
	"close":    bare,
	"starttls": bare,
	"interact": bare,
	"end":      bare,
	"code":     number,
}

func (p *parser) statement() error {
	if len(p.s.steps) >= maxStatements {
		return fmt.Errorf("more than %d statements", maxStatements)
	}
	do, rest, _ := strings.Cut(p.text, " ")
	read := readers[do]
	if read == nil {
		return fmt.Errorf("unknown statement %q", do)
	}
	st := step{line: p.at, do: do}
	if err := read(p, &st, strings.TrimSpace(rest)); err != nil {
		return fmt.Errorf("%s: %w", do, err)
	}
	if do == "label" {
		if _, double := p.s.labels[st.name]; double {
			return fmt.Errorf("label %s is there twice", st.name)
		}
		p.s.labels[st.name] = len(p.s.steps)
	}
	p.s.steps = append(p.s.steps, st)
	return nil
}

// check looks at what can only be known at the end: labels.
func (s *Script) check(st step) error {
	targets := []string{}
	if st.do == "goto" {
		targets = append(targets, st.name)
	}
	for _, a := range st.alts {
		if a.action == "goto" {
			targets = append(targets, a.arg)
		}
	}
	for _, t := range targets {
		if _, ok := s.labels[t]; !ok {
			return fmt.Errorf("no label %q", t)
		}
	}
	return nil
}

func duration(_ *parser, st *step, rest string) (err error) {
	if sec, ferr := strconv.ParseFloat(rest, 64); ferr == nil && sec >= 0 && sec < 1e9 {
		st.wait = time.Duration(sec * float64(time.Second))
		return nil
	}
	st.wait, err = time.ParseDuration(rest)
	if err == nil && st.wait < 0 {
		err = fmt.Errorf("a time is not negative")
	}
	return err
}

// ends are the line ends that send can add.
var ends = map[string]string{"crlf": "\r\n", "lf": "\n", "cr": "\r", "none": ""}

func eol(_ *parser, st *step, rest string) error {
	if _, ok := ends[rest]; !ok {
		return fmt.Errorf("want crlf, lf, cr or none")
	}
	st.name = rest
	return nil
}

func named(_ *parser, st *step, rest string) (err error) {
	name, value, _ := strings.Cut(rest, " ")
	if !isName(name) {
		return fmt.Errorf("want a name of letters, digits and _")
	}
	st.name = name
	st.text, err = unquote(strings.TrimSpace(value))
	return err
}

func isName(s string) bool {
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != ""
}

func anyText(_ *parser, st *step, rest string) (err error) {
	st.text, err = unquote(rest)
	return err
}

// unquote reads a TEXT.
func unquote(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	t, err := strconv.Unquote(s)
	if err != nil {
		return "", fmt.Errorf("bad quoted text %s", s)
	}
	return t, nil
}

func word(_ *parser, st *step, rest string) error {
	if !isName(rest) {
		return fmt.Errorf("want one word")
	}
	st.name = rest
	return nil
}

func bare(_ *parser, _ *step, rest string) error {
	if rest != "" {
		return fmt.Errorf("has no argument")
	}
	return nil
}

func number(_ *parser, st *step, rest string) (err error) {
	st.code, err = strconv.Atoi(rest)
	if err == nil && (st.code < 0 || st.code > 125) {
		err = fmt.Errorf("want 0 to 125")
	}
	return err
}

// expect reads the alternatives, on this line or on those up to "}".
func (p *parser) expect(st *step, rest string) error {
	if rest != "{" {
		return st.alternatives(rest)
	}
	for p.next() {
		if p.text == "}" {
			if len(st.alts) == 0 {
				return fmt.Errorf("no pattern")
			}
			return nil
		}
		if err := st.alternatives(p.text); err != nil {
			return err
		}
	}
	return fmt.Errorf("no } before the end of the script")
}

// alternatives reads PATTERN [-> ACTION] [| ...].
func (st *step) alternatives(s string) error {
	for {
		a, rest, err := readPattern(strings.TrimSpace(s))
		if err != nil {
			return err
		}
		rest = strings.TrimSpace(rest)
		if body, ok := strings.CutPrefix(rest, "->"); ok {
			action, more := cutAction(strings.TrimSpace(body))
			if err := a.then(action); err != nil {
				return err
			}
			rest = more
		}
		st.alts = append(st.alts, a)
		if rest == "" {
			return nil
		}
		var ok bool
		if s, ok = strings.CutPrefix(rest, "|"); !ok {
			return fmt.Errorf("want -> or | before %q", rest)
		}
	}
}

// cutAction cuts at a | that stands outside of quotes.
func cutAction(s string) (action, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '|' && !quoted:
			return strings.TrimSpace(s[:i]), s[i:]
		}
	}
	return s, ""
}

// readPattern reads one pattern and returns what follows it.
func readPattern(s string) (a alternative, rest string, err error) {
	switch {
	case s == "":
		return a, "", fmt.Errorf("no pattern")
	case s[0] == '"':
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return a, "", fmt.Errorf("bad quoted text %s", s)
		}
		a.source = q
		a.literal, err = strconv.Unquote(q)
		return a, s[len(q):], err
	case s[0] == '/':
		return readExpression(s)
	}
	end := strings.IndexAny(s, " \t|")
	if end < 0 {
		end = len(s)
	}
	a.source, a.literal = s[:end], s[:end]
	a.timeout, a.eof = a.source == "timeout", a.source == "eof"
	return a, s[end:], nil
}

// readExpression reads /RE/flags; a slash in it is written \/.
func readExpression(s string) (a alternative, rest string, err error) {
	end := 1
	for ; end < len(s) && s[end] != '/'; end++ {
		if s[end] == '\\' {
			end++
		}
	}
	if end >= len(s) {
		return a, "", fmt.Errorf("no / at the end of %s", s)
	}
	expr := strings.ReplaceAll(s[1:end], `\/`, "/")
	rest = s[end+1:]
	flags := rest[:len(rest)-len(strings.TrimLeft(rest, "imsU"))]
	rest = rest[len(flags):]
	if flags != "" {
		expr = "(?" + flags + ")" + expr
	}
	a.source = s[:end+1] + flags
	a.literal = expr
	a.re, err = regexp.Compile(variable().ReplaceAllString(expr, "x"))
	if err == nil {
		a.names = a.re.SubexpNames()
	}
	if err == nil && variable().MatchString(expr) {
		return a, rest, nil // compiled again when the variables are known
	}
	a.literal = ""
	return a, rest, err
}

// then reads an ACTION.
func (a *alternative) then(s string) (err error) {
	a.action, a.arg, _ = strings.Cut(s, " ")
	a.arg = strings.TrimSpace(a.arg)
	switch a.action {
	case "next", "again", "end":
		if a.arg != "" {
			return fmt.Errorf("%s has no argument", a.action)
		}
	case "goto":
		if !isName(a.arg) {
			return fmt.Errorf("goto wants a label")
		}
	case "send", "write":
		for _, tail := range []string{"again", "next"} {
			if t, ok := strings.CutSuffix(a.arg, ", "+tail); ok {
				a.arg, a.again = t, tail == "again"
				break
			}
		}
		a.arg, err = unquote(a.arg)
	case "fail":
		a.arg, err = unquote(a.arg)
	default:
		return fmt.Errorf("unknown action %q", a.action)
	}
	return err
}
