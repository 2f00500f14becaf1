package ftp

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// errStop says that the reader of a listing has had enough.
var errStop = errors.New("stopped")

// List lists a folder, or the one file of that name: by MLSD where the server
// has it (RFC 3659 7), else by LIST, whose many dialects are parsed. Entries are
// streamed. A line that cannot be parsed is an entry with Raw set. Times of LIST
// are exact to the minute or the day; the server's time zone is found out by
// comparing one of them with MDTM.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, name, func(s *session, yield func(protocols.Entry) bool) error {
		if s.mlsd() {
			return s.listMLSD(ctx, name, yield)
		}
		return s.listLIST(ctx, name, yield)
	})
}

// Names lists the names of a folder only (NLST): the cheapest listing.
func (c *Client) Names(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, name, func(s *session, yield func(protocols.Entry) bool) error {
		path, err := s.path(name)
		if err != nil {
			return err
		}
		err = s.lines(ctx, transfer{verb: "NLST", arg: path, ascii: true}, func(line string) bool {
			line = strings.TrimSuffix(line, "/")
			if line == "" || line == "." || line == ".." {
				return true
			}
			// Some servers put the folder before each name.
			return yield(c.placed(protocols.Entry{Protocol: proto, Name: base(line), Type: protocols.TypeOther, Size: -1}, name))
		})
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code == 550 && e.Sentinel != nil && s.isFolder(path) {
			return nil // many servers say "no files found" of an empty folder
		}
		if s.failed != nil {
			return s.failed
		}
		return err
	})
}

// listing runs a listing as an iterator: the client is busy until the loop ends.
func (c *Client) listing(ctx context.Context, name string, run func(s *session, yield func(protocols.Entry) bool) error) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		err := c.do(ctx, "ls", name, []string{name}, func(s *session) error {
			return run(s, func(e protocols.Entry) bool { return yield(e, nil) })
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// lines runs a transfer whose content is lines, and returns each of them. It
// returns errStop when each had enough.
func (s *session) lines(ctx context.Context, t transfer, each func(line string) bool) error {
	st, err := s.open(ctx, t)
	if err != nil {
		return err
	}
	done := st.conn.Use(ctx)
	defer done()
	in := wire.NewLineReader(st.conn, int(s.c.limits.Line))
	in.What = "line of the listing"
	for {
		line, err := in.ReadLine()
		switch {
		case err == io.EOF:
			return st.end()
		case protocols.KindOf(err) == protocols.KindConnect:
			return st.broken(ctx, err)
		case err != nil:
			st.conn.Close()
			return s.fail(err)
		case !each(s.decode(string(line))):
			st.abort()
			return errStop
		}
	}
}

// mlsd: RFC 3659 7.8 announces MLSD as MLST.
func (s *session) mlsd() bool {
	return s.has("MLST") && !s.c.Settings.NoMLSD && s.c.Settings.ListOptions == ""
}

func (s *session) listMLSD(ctx context.Context, name string, yield func(protocols.Entry) bool) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	err = s.lines(ctx, transfer{verb: "MLSD", arg: path}, func(line string) bool {
		if line == "" {
			return true
		}
		e, self := parseMLSx(line)
		return self || yield(s.c.placed(e, name))
	})
	if refused(err) && s.failed == nil {
		// MLSD wants a folder (RFC 3659 7.2.1): a file is listed by itself.
		if e, ferr := s.stat(ctx, name); ferr == nil && e.Type != protocols.TypeDir {
			if !yield(e) {
				return errStop
			}
			return nil
		}
		if s.failed != nil {
			return s.failed
		}
	}
	return err
}

// placed returns an entry of a folder its path and URL.
func (c *Client) placed(e protocols.Entry, dir string) protocols.Entry {
	if e.Raw != "" {
		return e
	}
	e.Path = join(dir, e.Name)
	e.URL = c.urlOf(e.Path, e.Type == protocols.TypeDir)
	return e
}

// listLIST goes to the folder and lists it without a name: names with blanks,
// wildcards or a leading "-" are safe in CWD only. What is no folder is listed by
// its name.
func (s *session) listLIST(ctx context.Context, name string, yield func(protocols.Entry) bool) error {
	t := transfer{verb: "LIST", arg: s.listOptions(), ascii: true}
	if name != "" {
		cwdErr, err := s.enterFolder(name)
		if err != nil {
			return err
		}
		if cwdErr != nil {
			return s.listFile(ctx, name, cwdErr, yield)
		}
	}
	return s.parseList(ctx, t, name, yield)
}

// enterFolder makes a folder the working folder. refusal is the server's no.
func (s *session) enterFolder(name string) (refusal, err error) {
	if err := s.learnHome(); err != nil {
		return nil, err
	}
	path, err := s.path(name)
	if err != nil {
		return nil, err
	}
	if path == "" {
		path = "/"
	}
	r, err := s.cmd("CWD", path)
	if err != nil {
		return nil, err
	}
	if refusal = want(r, 2); refusal == nil {
		s.away = true
	}
	return refusal, nil
}

// listOptions: vsftpd leaves names with a leading dot out unless it is asked.
func (s *session) listOptions() string {
	if o := s.c.Settings.ListOptions; o != "" {
		return o
	}
	if strings.Contains(s.greeting.Text(), "vsFTPd") {
		return "-a"
	}
	return ""
}

// listFile lists what CWD did not take: one file. An answer without entries
// means that there is none.
func (s *session) listFile(ctx context.Context, name string, cwdErr error, yield func(protocols.Entry) bool) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	found := false
	err = s.parseList(ctx, transfer{verb: "LIST", arg: path, ascii: true}, parent(name), func(e protocols.Entry) bool {
		if e.Raw == "" && base(e.Name) != base(name) {
			return true
		}
		e.Name = base(name)
		found = true
		return yield(s.c.placed(e, parent(name)))
	})
	if err == nil && !found || refused(err) {
		return cwdErr
	}
	return err
}

// parseList runs LIST and parses its lines.
func (s *session) parseList(ctx context.Context, t transfer, dir string, yield func(protocols.Entry) bool) error {
	p := newListParser(time.Now(), s.zone)
	z := &zoneFinder{s: s, ctx: ctx, dir: dir, parser: p, yield: yield}
	err := s.lines(ctx, t, func(line string) bool {
		e, ok := p.feed(line)
		return !ok || z.entry(e)
	})
	if err != nil {
		return err
	}
	for e, ok := p.flush(); ok; e, ok = p.flush() {
		if !z.entry(e) {
			return errStop
		}
	}
	return z.end()
}

func (s *session) isFolder(path string) bool {
	if s.learnHome() != nil {
		return false
	}
	r, err := s.cmd("CWD", path)
	if err != nil || r.Code/100 != 2 {
		return false
	}
	s.away = true
	return true
}
