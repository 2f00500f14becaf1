package ftp

import (
	"strings"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

func checkName(name string) error {
	if err := wire.Check(name); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

// path returns a name as a command takes it now: names are relative to the login
// folder, which may not be the working folder any more.
func (s *session) path(name string) (string, error) {
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
	return s.call(nil, func(lib *ftplib.ServerConn) (err error) {
		s.home, err = lib.CurrentDir()
		s.home = strings.ReplaceAll(s.home, `""`, `"`) // RFC 959 appendix II
		return err
	})
}
