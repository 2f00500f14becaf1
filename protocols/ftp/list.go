package ftp

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp/internal/listing"
)

// List lists a folder, or the one file of that name: by MLSD where the server
// has it (RFC 3659 7), else by LIST, whose many dialects are parsed. Entries are
// streamed. A line that cannot be parsed is an entry with Raw set. Times of LIST
// are exact to the minute or the day; the server's time zone is found out by
// comparing one of them with MDTM.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		if s.mlsd() {
			return lister{s}.listMLSD(ctx, name, yield)
		}
		return lister{s}.listLIST(ctx, name, yield)
	})
}

// Names lists the names of a folder only (NLST): the cheapest listing.
func (c *Client) Names(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		path, err := s.path(ctx, name)
		if err != nil {
			return err
		}
		err = lister{s}.lines(ctx, transfer{verb: "NLST", arg: path, ascii: true}, func(line string) bool {
			line = strings.TrimSuffix(line, "/")
			if line == "" || line == "." || line == ".." {
				return true
			}
			// Some servers put the folder before each name.
			return yield(lister{s}.placed(protocols.Entry{Protocol: proto, Name: base(line), Type: protocols.TypeOther, Size: -1}, name))
		})
		return lister{s}.unlessEmpty(err, path)
	})
}

// lister is a session that lists a folder.
type lister struct{ *session }

// emptyWords are what servers say in refusing to list a folder without entries.
var emptyWords = []string{"no file", "no such file", "nothing", "empty", "not found", "no entries", "no match", "0 files"}

// unlessEmpty drops the error of a listing that was refused because the folder has no
// entries, as many servers do with 450 or 550. Only their words distinguish it from a
// folder that is busy or may not be read; CWD shows that there is a folder.
func (s lister) unlessEmpty(err error, path string) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || s.Failed() != nil || e.Code != 450 && e.Code != 550 || errors.Is(e, fs.ErrPermission) {
		return err
	}
	if !mentions(strings.ToLower(e.Text), emptyWords) {
		return err
	}
	if path == "" || s.isFolder(path) {
		return nil
	}
	return cmp.Or(s.Failed(), err)
}

// listing runs a listing as an iterator: the client is busy until the loop ends.
func (c *Client) listing(ctx context.Context, name string, run func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		err := c.line.Do(ctx, "ls", name, []string{name}, func(ctx context.Context, s *session) error {
			return run(ctx, s, func(e protocols.Entry) bool { return yield(e, nil) })
		})
		if err != nil && !errors.Is(err, line.ErrStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// lines runs a transfer whose content is lines, and returns each of them. It
// returns line.ErrStop when each had enough.
func (s lister) lines(ctx context.Context, t transfer, each func(line string) bool) error {
	st, err := s.open(ctx, t)
	if err != nil {
		return err
	}
	done := st.conn.Use(ctx)
	defer done()
	in := wire.NewLineReader(st.conn, int(s.c.line.Limits.Line))
	in.What = "line of the listing"
	for {
		text, err := in.ReadLine()
		switch {
		case err == io.EOF:
			return st.whole()
		case protocols.KindOf(err) == protocols.KindConnect:
			return st.broken(ctx, err)
		case err != nil:
			st.conn.Close()
			return s.Fail(err)
		case !each(decode(s.c.charset, string(text))):
			st.abort()
			return line.ErrStop
		}
	}
}

// cutWords is how servers say that a listing has not all entries: "Output truncated to
// 2000 matches", "listing limited to 1000 files", "too many files, only first 500 shown".
// In each pair the second comes after the first in one sentence; words may go on where
// no space ends them. (Package regexp would be the largest part of small programs.)
func cutWords() [][2][]string {
	return [][2][]string{
		{{""}, {"truncated", "incomplete", " aborted ", " timed out ", " i o error", " partial list", " partial director"}},
		{{" error", " timeout "}, {" reading", " listing", " while ", " during "}},
		{{" could not ", " cannot ", " unable to ", " failed to ", " denied "}, {" read ", " list", " entr", " file", " folder", " director"}},
		{
			{" list", " file", " entr", " match", " output", " result"},
			{" limited to", " limit reached", " limit was reached", " limit is reached", " limit exceeded", " limit was exceeded", " limit is exceeded", " cut off", " too many"},
		},
		{
			{" too many ", " maximum number of ", " only first ", " only the first ", " showing first ", " not all ", " limit of "},
			{" file", " entr", " match", " item", " name", " result"},
		},
	}
}

// saysCut reports whether a reply says that a listing has not all entries.
func saysCut(text string) bool {
	for sentence := range strings.SplitSeq(strings.ToLower(text), ".") {
		list := strings.FieldsFunc(sentence, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if fewer(list) {
			return true
		}
		words := " " + strings.Join(list, " ") + " "
		for _, pair := range cutWords() {
			for _, first := range pair[0] {
				i := strings.Index(words, first)
				if i >= 0 && slices.ContainsFunc(pair[1], func(then string) bool { return strings.Contains(words[i+len(strings.TrimRight(first, " ")):], then) }) {
					return true
				}
			}
		}
	}
	return false
}

// fewer reports whether the words have "3 of 5 entries" among them.
func fewer(words []string) bool {
	for i := 1; i+2 < len(words); i++ {
		if words[i] != "of" {
			continue
		}
		n, err := strconv.ParseUint(words[i-1], 10, 64)
		all, allErr := strconv.ParseUint(words[i+1], 10, 64)
		if err == nil && allErr == nil && n < all && slices.ContainsFunc([]string{"file", "entr", "match", "item", "name", "result"}, func(s string) bool { return strings.HasPrefix(words[i+2], s) }) {
			return true
		}
	}
	return false
}

// whole ends the transfer of a listing. Servers that limit the number of entries say
// in the final reply that there are more.
func (t *stream) whole() error {
	err := t.end()
	if text := strings.Join(t.s.Last.Lines, " "); err == nil && saysCut(text) {
		return &protocols.Error{Kind: protocols.KindProtocol, Code: t.s.Last.Code, Text: "the server's listing is incomplete: " + wire.Clip(text)}
	}
	return err
}

// mlsd: RFC 3659 7.8 announces MLSD as MLST.
func (s *session) mlsd() bool {
	return s.has("MLST") && !s.noMLSD && !s.c.Settings.NoMLSD && s.c.Settings.ListOptions == ""
}

// listMLSD lists by MLSD. A refusal may mean that the name is that of a file, which
// is then listed by itself (RFC 3659 7.2.1), or that the server announces what it
// does not have.
func (s lister) listMLSD(ctx context.Context, name string, yield func(protocols.Entry) bool) error {
	path, err := s.path(ctx, name)
	if err != nil {
		return err
	}
	err = s.lines(ctx, transfer{verb: "MLSD", arg: path}, func(line string) bool {
		if line == "" {
			return true
		}
		e, self := listing.ParseFacts(line)
		return self || yield(s.placed(e, name))
	})
	if !refused(err) || s.Failed() != nil {
		return s.unlessEmpty(err, path)
	}
	if s.noMLSD = lacking(err); s.noMLSD {
		return s.listLIST(ctx, name, yield)
	}
	switch e, ferr := s.stat(ctx, name); {
	case s.Failed() != nil:
		return s.Failed()
	case ferr == nil && e.Type != protocols.TypeDir:
		if !yield(e) {
			return line.ErrStop
		}
		return nil
	case s.noMLSD || isCode(err, 501):
		s.noMLSD = true
		return s.listLIST(ctx, name, yield)
	case ferr != nil:
		return err
	}
	return s.unlessEmpty(err, path)
}

// lacking reports whether a refusal says that the server does not have a command.
// 501 may also be about the argument.
func lacking(err error) bool {
	return isCode(err, 500) || isCode(err, 502) || isCode(err, 504)
}

func isCode(err error, code int) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && e.Code == code
}

// placed sets the path and URL of an entry of a folder. Some servers put the folder
// before each name; a name with another folder in it is not one of this listing, and
// counts as not understood.
func (s lister) placed(e protocols.Entry, dir string) protocols.Entry {
	if e.Raw != "" {
		return e
	}
	if i := strings.LastIndexByte(e.Name, '/'); i >= 0 {
		if !sameFolder(e.Name[:i], dir, s.home) || i == len(e.Name)-1 {
			return listing.Raw(e.Name)
		}
		e.Name = e.Name[i+1:]
	}
	e.Path = join(dir, e.Name)
	e.URL = s.c.urlOf(e.Path, e.Type == protocols.TypeDir)
	return e
}

// sameFolder reports whether the prefix of a name is the folder that is listed. dir is
// relative to the login folder, home.
func sameFolder(prefix, dir, home string) bool {
	whole := strings.Trim(join(home, dir), "/")
	prefix, dir = strings.Trim(prefix, "/"), strings.Trim(dir, "/")
	return prefix == dir || prefix == whole || prefix == "." || dir != "" && strings.HasSuffix(prefix, "/"+dir)
}

// listLIST goes to the folder and lists it without a name: names with blanks,
// wildcards or a leading "-" are safe in CWD only. A file is listed by its name.
func (s lister) listLIST(ctx context.Context, name string, yield func(protocols.Entry) bool) error {
	t := transfer{verb: "LIST", arg: s.listOptions(), ascii: true}
	if name != "" {
		cwdErr, err := s.enterFolder(ctx, name)
		if err != nil {
			return err
		}
		if cwdErr != nil {
			return s.listFile(ctx, name, cwdErr, yield)
		}
	}
	return s.unlessEmpty(s.parseList(ctx, t, name, yield), "")
}

// enterFolder makes a folder the working folder. refusal is the server's no.
func (s *session) enterFolder(ctx context.Context, name string) (refusal, err error) {
	if err := s.learnHome(); err != nil {
		return nil, err
	}
	path, err := s.path(ctx, name)
	if err != nil {
		return nil, err
	}
	if path == "" {
		path = "/"
	}
	r, err := s.Cmd("CWD", path)
	if err != nil {
		return nil, err
	}
	if refusal = want(r, 2); refusal == nil {
		s.away = true
	}
	return refusal, nil
}

// listOptions: vsftpd leaves names with a leading dot out unless it is asked.
func (s lister) listOptions() string {
	if o := s.c.Settings.ListOptions; o != "" {
		return o
	}
	if strings.Contains(s.greeting.Text(), "vsFTPd") {
		return "-a"
	}
	return ""
}

// listFile lists what CWD did not take: one file. Only a line that names it shows
// that there is one; servers that run ls send its complaint as a listing, and a
// refusal of any kind after that of CWD means the same.
func (s lister) listFile(ctx context.Context, name string, cwdErr error, yield func(protocols.Entry) bool) error {
	path, err := s.path(ctx, name)
	if err != nil {
		return err
	}
	found := false
	err = s.parseList(ctx, transfer{verb: "LIST", arg: path, ascii: true}, parent(name), func(e protocols.Entry) bool {
		if e.Raw != "" || base(e.Name) != base(name) {
			return true
		}
		e.Name, found = base(name), true
		return yield(s.placed(e, parent(name)))
	})
	e, ok := errors.AsType[*protocols.Error](err)
	if err == nil && !found || ok && e.Code >= 400 && s.Failed() == nil {
		return cwdErr
	}
	return err
}

// parseList runs LIST and parses its lines.
func (s lister) parseList(ctx context.Context, t transfer, dir string, yield func(protocols.Entry) bool) error {
	p := listing.NewParser(time.Now(), s.zone)
	z := &zoneFinder{s: s.session, ctx: ctx, dir: dir, parser: p, yield: yield}
	err := s.lines(ctx, t, func(line string) bool {
		e, ok := p.Feed(line)
		return !ok || z.entry(e)
	})
	if err != nil {
		return err
	}
	for e, ok := p.Flush(); ok; e, ok = p.Flush() {
		if !z.entry(e) {
			return line.ErrStop
		}
	}
	return z.end()
}

func (s *session) isFolder(path string) bool {
	if s.learnHome() != nil {
		return false
	}
	r, err := s.Cmd("CWD", path)
	if err != nil || r.Code/100 != 2 {
		return false
	}
	s.away = true
	return true
}
