//go:build !linux

package urgent

import (
	"errors"
	"syscall"
)

// Send is not supported here.
func Send(syscall.Conn, []byte) error { return errors.ErrUnsupported }

// Inline does nothing here.
func Inline(syscall.Conn) {}

// Ahead never sees anything here.
func Ahead(syscall.Conn) bool { return false }
