package ftp

import (
	"context"
	"strings"

	ftplib "github.com/jlaffaye/ftp"
)

// file runs a file command of the library on one or two names.
func (c *Client) file(ctx context.Context, op string, names []string, f func(lib *ftplib.ServerConn) error) error {
	return c.line.Do(ctx, op, names[0], names, func(ctx context.Context, s *session) error { return s.call(ctx, names, f) })
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
	return c.line.Do(ctx, "mkdir", name, []string{name}, func(ctx context.Context, s *session) error {
		return making(s.call(ctx, []string{name}, func(lib *ftplib.ServerConn) error { return lib.MakeDir(name) }))
	})
}

// Unmake removes an empty folder (RMD). A 550 without further words may as well
// mean that it is not empty.
func (c *Client) Unmake(ctx context.Context, name string) error {
	name = strings.TrimSuffix(name, "/")
	return c.line.Do(ctx, "rmdir", name, []string{name}, func(ctx context.Context, s *session) error {
		return making(s.call(ctx, []string{name}, func(lib *ftplib.ServerConn) error { return lib.RemoveDir(name) }))
	})
}
