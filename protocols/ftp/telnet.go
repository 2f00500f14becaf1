package ftp

import (
	"errors"
	"slices"
	"strings"
)

// The control connection is a Telnet stream, in which the byte 255 is doubled (RFC
// 959 2.3, RFC 2640 3.1). Some servers undo that in names; others, which are more
// common, do not.
const (
	factTelnet = "255 is doubled"
	factPlain  = "255 is not doubled"
)

// telnetServers are known, by their greeting, to take commands for a Telnet stream:
// ProFTPD and the BSD family.
var telnetServers = []string{"ProFTPD", "FTP server ("}

// doubles reports whether a byte 255 in a name is doubled for this server.
func (s *session) doubles() bool {
	switch m, server := s.c.memory(), s.c.server(); {
	case s.c.trial != nil:
		return *s.c.trial
	case m.Knows(server, factTelnet):
		return true
	case m.Knows(server, factPlain):
		return false
	}
	greeting := s.greeting.Text()
	return slices.ContainsFunc(telnetServers, func(name string) bool { return strings.Contains(greeting, name) })
}

// escape writes a name as the server reads it.
func (s *session) escape(name string) string {
	if strings.IndexByte(name, 0xff) < 0 {
		return name
	}
	doubled := s.doubles()
	s.c.doubled = &doubled
	if !doubled {
		return name
	}
	return strings.ReplaceAll(name, "\xff", "\xff\xff")
}

// repeat runs an operation, and again where that may change its result: on a new
// session when the server turns out to take one command at a time, and with the
// other way to write a byte 255 when a name with one is not found. Nothing is
// transferred before that is found out.
func (c *Client) repeat(operation func() error) error {
	c.doubled = nil
	err := operation()
	if errors.Is(err, errStalled) {
		err = operation()
	}
	m, server := c.memory(), c.server()
	if !isCode(err, 550) || c.doubled == nil || m.Knows(server, factTelnet) || m.Knows(server, factPlain) {
		return err
	}
	other := !*c.doubled
	c.trial = &other
	defer func() { c.trial = nil }()
	if operation() != nil {
		return err
	}
	fact := factPlain
	if other {
		fact = factTelnet
	}
	m.Note(server, fact)
	return nil
}
