package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols/file"
)

// Bounds of a .netrc file, those of curl.
const (
	netrcMaxFile  = 128 << 10
	netrcMaxToken = 4096
)

// netrcEntry is one machine of a .netrc file, or its default.
type netrcEntry struct {
	machine     string // empty for the default entry
	isDefault   bool
	login       string
	password    string
	account     string
	hasPassword bool
}

// netrcPath says which file is meant, and whether it must exist: the one that
// was named by flag or NETRC, else .netrc or _netrc of the home folder.
func netrcPath(flag string, getenv func(string) string) (path string, must bool) {
	for _, named := range []string{flag, getenv("NETRC")} {
		if named != "" {
			return named, true
		}
	}
	home := getenv("HOME")
	if home == "" {
		return "", false
	}
	path = filepath.Join(home, ".netrc")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(home, "_netrc")
	}
	return path, false
}

// readNetrc reads a .netrc file. exposed reports that other users can read it.
func readNetrc(ctx context.Context, path string) (entries []netrcEntry, exposed bool, err error) {
	f, err := file.Open(ctx, path, file.RuleNamed, os.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	defer file.EndWith(ctx, f)()
	entries, err = parseNetrc(f, path)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return entries, isExposed(info), err
}

// isExposed: a regular file that others than its owner can read. Pipes and
// devices have permissions that say nothing about the secret.
func isExposed(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0
}

// findNetrc returns the entry for host, and for user when there is one: never that
// of another user, and none without a login for a user who was named. An entry
// without a password does not hide a later one that has it.
func findNetrc(entries []netrcEntry, host, user string) (found netrcEntry, ok bool) {
	for _, wantDefault := range []bool{false, true} {
		for _, e := range entries {
			hit := e.isDefault == wantDefault && (e.isDefault || strings.EqualFold(e.machine, host))
			if !hit || user != "" && e.login != user {
				continue
			}
			if e.hasPassword {
				return e, true
			}
			if !ok {
				found, ok = e, true
			}
		}
	}
	return found, ok
}

// parseNetrc reads entries by curl's rules: words in any layout, a word that
// starts with a double quote ends at the next one and may hold \n \r \t and
// escaped characters, # where a keyword may stand begins a comment, and macdef
// goes on to the next empty line. Errors name the file and line and quote
// nothing, for what stands there may be part of a password.
func parseNetrc(r io.Reader, name string) ([]netrcEntry, error) {
	text, err := io.ReadAll(io.LimitReader(r, netrcMaxFile+1))
	if err != nil {
		return nil, err
	}
	p := &netrcParser{text: string(text), line: 1}
	if len(text) > netrcMaxFile {
		err = fmt.Errorf("longer than %d bytes", netrcMaxFile)
	} else {
		err = p.run()
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, p.line, err)
	}
	return p.entries, nil
}

type netrcParser struct {
	text    string // what is still to be read
	line    int    // where text starts
	entries []netrcEntry
}

func (p *netrcParser) run() error {
	for {
		word, ok, err := p.word(true)
		if err != nil || !ok {
			return err
		}
		do, known := netrcKeywords[strings.ToLower(word)]
		if !known {
			return errors.New("a word that is not a netrc keyword; put quotes around a value with spaces")
		}
		if err := do(p); err != nil {
			return err
		}
	}
}

// netrcKeywords is the grammar: what each keyword does.
var netrcKeywords = map[string]func(*netrcParser) error{
	"machine":  (*netrcParser).machine,
	"default":  (*netrcParser).fallback,
	"macdef":   (*netrcParser).macro,
	"login":    field("login", func(e *netrcEntry, v string) { e.login = v }),
	"account":  field("account", func(e *netrcEntry, v string) { e.account = v }),
	"password": field("password", func(e *netrcEntry, v string) { e.password, e.hasPassword = v, true }),
}

func (p *netrcParser) machine() error {
	name, err := p.value("machine")
	p.entries = append(p.entries, netrcEntry{machine: name})
	return err
}

func (p *netrcParser) fallback() error {
	p.entries = append(p.entries, netrcEntry{isDefault: true})
	return nil
}

func field(name string, set func(*netrcEntry, string)) func(*netrcParser) error {
	return func(p *netrcParser) error {
		if len(p.entries) == 0 {
			return fmt.Errorf("%s before the first machine", name)
		}
		v, err := p.value(name)
		set(&p.entries[len(p.entries)-1], v)
		return err
	}
}

// macro skips a macro definition: its name, and all up to an empty line.
func (p *netrcParser) macro() error {
	if _, err := p.value("macdef"); err != nil {
		return err
	}
	p.restOfLine()
	for p.text != "" && strings.Trim(p.restOfLine(), "\r") != "" {
	}
	return nil
}

func (p *netrcParser) value(keyword string) (string, error) {
	v, ok, err := p.word(false)
	if err == nil && !ok {
		err = fmt.Errorf("%s without a value", keyword)
	}
	return v, err
}

// word returns the next word; comments says that # may begin a comment here.
func (p *netrcParser) word(comments bool) (w string, ok bool, err error) {
	for p.text != "" {
		switch c := p.text[0]; {
		case c == '\n':
			p.line++
			p.text = p.text[1:]
		case isBlank(c):
			p.text = p.text[1:]
		case c == '#' && comments:
			p.restOfLine()
		case c == '"':
			w, err = p.quoted()
			return w, true, err
		default:
			w, err = p.bare()
			return w, true, err
		}
	}
	return "", false, nil
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (p *netrcParser) bare() (string, error) {
	end := strings.IndexAny(p.text, " \t\n\v\f\r")
	if end < 0 {
		end = len(p.text)
	}
	w := p.text[:end]
	p.text = p.text[end:]
	return w, checkToken(len(w))
}

// netrcEscapes are the escapes that do not stand for themselves.
var netrcEscapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t'}

func (p *netrcParser) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.text) && p.text[i] != '\n'; i++ {
		c := p.text[i]
		switch {
		case c == '"':
			p.text = p.text[i+1:]
			return b.String(), checkToken(b.Len())
		case c == '\\' && i+1 < len(p.text) && p.text[i+1] != '\n':
			i++
			c = p.text[i]
			if e, ok := netrcEscapes[c]; ok {
				c = e
			}
		}
		b.WriteByte(c)
	}
	return "", errors.New("quote without its end on the same line")
}

func checkToken(n int) error {
	if n > netrcMaxToken {
		return fmt.Errorf("word longer than %d bytes", netrcMaxToken)
	}
	return nil
}

// restOfLine takes the rest of the line and its end.
func (p *netrcParser) restOfLine() string {
	line, rest, found := strings.Cut(p.text, "\n")
	if found {
		p.line++
	}
	p.text = rest
	return line
}
