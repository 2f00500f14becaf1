package ftp

import (
	"context"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

func checkName(name string) error {
	if err := wire.Check(name); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

// Pwd returns the login folder (PWD).
func (c *Client) Pwd(ctx context.Context) (string, error) {
	var dir string
	err := c.line.Do(ctx, "pwd", "", nil, func(_ context.Context, s *session) error {
		err := s.learnHome()
		dir = s.home
		return err
	})
	return dir, err
}

// path returns a name as a command takes it now: names are relative to the login
// folder, which may not be the working folder any more.
func (s *session) path(ctx context.Context, name string) (string, error) {
	if err := (telnet{s}).learn(ctx, name); err != nil {
		return "", err
	}
	name = strings.TrimSuffix(name, "/")
	if !s.away || strings.HasPrefix(name, "/") {
		return name, nil
	}
	if strings.HasPrefix(s.home, "/") {
		return join(s.home, name), nil
	}
	return name, s.goHome()
}

// goHome makes the login folder the working folder again.
func (s *session) goHome() error {
	if !s.away {
		return nil
	}
	if _, err := s.need(2, "CWD", s.home); err != nil {
		return err
	}
	s.away = false
	return nil
}

// learnHome asks once where the login has led, before the first CWD.
func (s *session) learnHome() error {
	if s.home != "" {
		return nil
	}
	r, err := s.need(2, "PWD")
	if err == nil {
		s.home, err = workingFolder(r)
	}
	return err
}

// workingFolder reads a reply to PWD: a quoted name in which quotes are doubled (RFC
// 959 appendix II), or from some servers a bare one.
func workingFolder(r *protocols.Reply) (string, error) {
	if r.Code/100 != 2 {
		return "", protocols.ProtocolError(proto, "", "reply to PWD without a folder: "+wire.Clip(r.Text()))
	}
	return anyLine(r, quotedFolder)
}

// quotedFolder reads one line. Of several quoted words the first that is an absolute
// path counts: other text may stand before it.
func quotedFolder(text string) (string, error) {
	first, rest, err := quotedName(text)
	for name := first; err == nil; name, rest, err = quotedName(rest) {
		if strings.HasPrefix(name, "/") {
			return name, nil
		}
	}
	if first != "" {
		return first, nil
	}
	if name, _, _ := strings.Cut(text, " "); strings.HasPrefix(name, "/") {
		return name, nil
	}
	return "", err
}

// quotedName returns the first quoted name of a text, and what follows it.
func quotedName(text string) (name, rest string, err error) {
	_, quoted, ok := strings.Cut(text, `"`)
	if !ok {
		return "", "", protocols.ProtocolError(proto, "", "reply to PWD without a folder: "+wire.Clip(text))
	}
	var b strings.Builder
	for {
		part, rest, ok := strings.Cut(quoted, `"`)
		if !ok {
			return "", "", protocols.ProtocolError(proto, "", "reply to PWD without a closing quote: "+wire.Clip(text))
		}
		b.WriteString(part)
		if quoted, ok = strings.CutPrefix(rest, `"`); !ok {
			return b.String(), rest, nil
		}
		b.WriteByte('"')
	}
}
