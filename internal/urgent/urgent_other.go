//go:build !linux

package urgent

import (
	"errors"
	"syscall"
)

// Send returns errors.ErrUnsupported on this system.
func Send(syscall.Conn, []byte) error { return errors.ErrUnsupported }

// Inline does nothing on this system.
func Inline(syscall.Conn) {}

// Ahead returns false on this system.
func Ahead(syscall.Conn) bool { return false }
