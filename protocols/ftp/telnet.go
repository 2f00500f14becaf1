package ftp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// The control connection is a Telnet stream, in which the byte 255 is doubled (RFC
// 959 2.3, RFC 2640 3.1). Some servers undo that in names; others, which are more
// common, do not.
const (
	factTelnet = "255 is doubled"
	factPlain  = "255 is not doubled"
)

// The values of [Settings].Byte255.
const (
	Byte255Doubled = "doubled"
	Byte255Plain   = "plain"
)

// telnetServers and plainServers are known, by their greeting, to take commands for a
// Telnet stream (ProFTPD and the BSD family), or not to.
var (
	telnetServers = []string{"ProFTPD", "FTP server ("}
	plainServers  = []string{"vsFTPd", "Pure-FTPd"}
)

// telnet is a session whose names may have the byte 255.
type telnet struct{ *session }

// known reports whether a byte 255 is doubled for this server, if that is known.
func (s telnet) known() (doubled, known bool) {
	is := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(s.greeting.Text(), name) })
	}
	m, server := s.c.memory(), s.c.server()
	switch choice := s.c.Settings.Byte255; {
	case choice != "":
		return choice == Byte255Doubled, true
	case m.Knows(server, factTelnet) || is(telnetServers):
		return true, true
	}
	return false, m.Knows(server, factPlain) || is(plainServers)
}

// learn asks a server that is not known, before the first name with a byte 255
// goes to it, whether it takes commands for a Telnet stream: such a server reads NOOP
// with IAC NOP (RFC 854) in it as NOOP. To try with a name would not do: written the
// wrong way it may be another one that exists.
func (s telnet) learn(ctx context.Context, names ...string) error {
	if _, known := s.known(); known || !slices.ContainsFunc(names, s.has255) {
		return nil
	}
	if err := s.Out.Cmd("NO\xff\xf1OP"); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	fact := factPlain
	r, err := flight{s.session}.replyWithin(ctx, max(maxSecondReply, 4*s.pace))
	switch {
	case err == nil && r.Code/100 == 2:
		fact = factTelnet
	case err != nil && (ctx.Err() != nil || protocols.KindOf(err) != protocols.KindTimeout):
		return err
	}
	s.c.memory().Note(s.c.server(), fact)
	if err != nil { // it has swallowed the command
		return &protocols.Error{Kind: protocols.KindTimeout, Sentinel: errAgain, Retryable: true, Text: "no reply to NOOP with a Telnet command in it"}
	}
	return nil
}

// has255 reports whether a name has a byte 255 in the charset of the server.
func (s telnet) has255(name string) bool {
	coded, err := s.inCharset(name)
	return err == nil && strings.IndexByte(coded, 0xff) >= 0
}

// escape writes a name as the server reads it.
func (s *session) escape(name string) string {
	if strings.IndexByte(name, 0xff) < 0 {
		return name
	}
	if doubled, _ := (telnet{s}).known(); !doubled {
		return name
	}
	return strings.ReplaceAll(name, "\xff", "\xff\xff")
}

// errAgain is the sentinel of an operation to repeat on a new session, for which
// something about the server is known now. Nothing has been transferred when it occurs.
var errAgain = errors.New("the server is known better now")

// repeat runs an operation, and again on a new session when something was learned of
// the server that changes how it is asked: at most once for each such thing.
func (c *Client) repeat(operation func() error) error {
	err := operation()
	for range 2 {
		if !errors.Is(err, errAgain) {
			return err
		}
		err = operation()
	}
	return err
}
