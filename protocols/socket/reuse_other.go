//go:build !unix

package socket

// reuseAddr leaves the port to one listener here.
func reuseAddr(uintptr) error { return nil }
