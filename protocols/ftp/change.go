package ftp

import (
	"context"
	"strings"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/protocols"
)

// file runs a file command of the library on one or two names.
func (c *Client) file(ctx context.Context, op string, names []string, f func(lib *ftplib.ServerConn) error) error {
	return c.do(ctx, op, names[0], names, func(_ context.Context, s *session) error { return s.call(names, f) })
}

// Remove deletes a file (DELE).
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.file(ctx, "rm", []string{name}, func(lib *ftplib.ServerConn) error { return lib.Delete(name) })
}

// Move renames a file or folder (RNFR, RNTO).
func (c *Client) Move(ctx context.Context, from, to string) error {
	return c.file(ctx, "mv", []string{from, to}, func(lib *ftplib.ServerConn) error { return lib.Rename(from, to) })
}

// Make makes a folder (MKD).
func (c *Client) Make(ctx context.Context, name string) error {
	name = strings.TrimSuffix(name, "/")
	return c.do(ctx, "mkdir", name, []string{name}, func(_ context.Context, s *session) error {
		return making(s.call([]string{name}, func(lib *ftplib.ServerConn) error { return lib.MakeDir(name) }))
	})
}

// Unmake removes an empty folder (RMD). A 550 without further words may as well
// mean that it is not empty.
func (c *Client) Unmake(ctx context.Context, name string) error {
	name = strings.TrimSuffix(name, "/")
	return c.do(ctx, "rmdir", name, []string{name}, func(_ context.Context, s *session) error {
		return making(s.call([]string{name}, func(lib *ftplib.ServerConn) error { return lib.RemoveDir(name) }))
	})
}

// Pwd tells the login folder (PWD).
func (c *Client) Pwd(ctx context.Context) (string, error) {
	var dir string
	err := c.do(ctx, "pwd", "", nil, func(_ context.Context, s *session) error {
		err := s.learnHome()
		dir = s.home
		return err
	})
	return dir, err
}

// Do sends one command line as it is and returns the reply, whatever it says.
// Commands that need a data connection are answered by the server's own refusal.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var r *protocols.Reply
	err := c.do(ctx, "raw", "", []string{command}, func(_ context.Context, s *session) (err error) {
		r, err = s.raw(command)
		return err
	})
	return r, err
}

// maxPreliminary bounds the 1xx replies to one raw command.
const maxPreliminary = 10

// raw sends a command line, and forgets what the session knew and the command may
// have changed.
func (s *session) raw(text string) (*protocols.Reply, error) {
	verb, arg, _ := strings.Cut(text, " ")
	var r *protocols.Reply
	var err error
	if strings.EqualFold(verb, "PASS") || strings.EqualFold(verb, "ACCT") {
		s.Mask.Add(arg)
		r, err = s.CmdSecret(verb, "****", arg)
	} else {
		r, err = s.Cmd(verb, arguments(arg)...)
	}
	if err != nil {
		return nil, err
	}
	s.typ = 0
	for range maxPreliminary { // a transfer was begun on a data connection that is not there: its end follows
		if r.Code >= 200 {
			return r, nil
		}
		if r, err = s.Reply(); err != nil {
			return nil, err
		}
	}
	return nil, s.Fail(protocols.ProtocolError(proto, "", "no end of 1xx replies"))
}
