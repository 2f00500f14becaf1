package ftp

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp/internal/listing"
)

// Stat describes a file or folder: by MLST (RFC 3659 7), else by SIZE and MDTM,
// else by finding it in its folder's listing.
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.line.Do(ctx, "stat", name, []string{name}, func(ctx context.Context, s *session) (err error) {
		e, err = s.stat(ctx, name)
		return err
	})
	return e, err
}

func (s *session) stat(ctx context.Context, name string) (protocols.Entry, error) {
	if s.mlsd() {
		e, err := s.statMLST(ctx, name)
		if s.noMLSD = lacking(err) || isCode(err, 501); !s.noMLSD {
			return e, err
		}
	}
	return s.statFacts(ctx, name)
}

// statMLST reads the one line of facts in the reply: " facts name". Facts that it
// lacks are requested by SIZE and MDTM.
func (s *session) statMLST(ctx context.Context, name string) (protocols.Entry, error) {
	e := s.c.entry(name)
	path, err := s.path(ctx, name)
	if err != nil {
		return e, err
	}
	r, err := s.need(2, "MLST", arguments(path)...)
	if err != nil {
		return e, err
	}
	for _, line := range r.Lines[min(1, len(r.Lines)):] {
		if line = strings.TrimLeft(line, " "); !strings.Contains(line, "=") {
			continue
		}
		got, _ := listing.ParseFacts(line)
		if got.Raw != "" {
			break
		}
		got.Name, got.Path = base(name), name
		got.URL = s.c.urlOf(name, got.Type == protocols.TypeDir)
		err := s.complete(ctx, path, &got)
		return got, err
	}
	return e, protocols.ProtocolError(proto, "", "reply to MLST without facts: "+wire.Clip(r.Text()))
}

// statFacts asks for size and time in one flight. No size means a
// folder, or a name that does not exist.
func (s *session) statFacts(ctx context.Context, name string) (protocols.Entry, error) {
	e := s.c.entry(name)
	path, err := s.path(ctx, name)
	if err != nil {
		return e, err
	}
	if err := s.fly(ctx, s.factSteps(path, &e, false), nil); err != nil {
		return e, err
	}
	if e.Size >= 0 {
		return e, nil
	}
	if s.isFolder(path) || path == "" {
		e.Type, e.URL = protocols.TypeDir, s.c.urlOf(name, true)
		return e, nil
	}
	if s.Failed() != nil {
		return e, s.Failed()
	}
	found := false
	err = lister{s}.listLIST(ctx, parent(name), func(got protocols.Entry) bool {
		if got.Name == base(name) && got.Raw == "" {
			e, found = got, true
		}
		return !found
	})
	switch {
	case found:
		return e, nil
	case err != nil && err != line.ErrStop:
		return e, err
	}
	return e, &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "no such file or folder"}
}

// complete asks for the facts of a file that MLST did not report.
func (s *session) complete(ctx context.Context, path string, e *protocols.Entry) error {
	if e.Type != protocols.TypeFile {
		return nil
	}
	asked := s.c.entry(e.Path)
	steps := slices.DeleteFunc(s.factSteps(path, &asked, false), func(st step) bool {
		return st.verb == "SIZE" && e.Size >= 0 || st.verb == "MDTM" && !e.Modified.IsZero()
	})
	if err := s.fly(ctx, steps, nil); err != nil {
		return err
	}
	if e.Size < 0 {
		e.Size = asked.Size
	}
	if e.Modified.IsZero() {
		e.Modified = asked.Modified
	}
	return nil
}
