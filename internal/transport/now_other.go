//go:build !unix

package transport

import "net"

// readSocketNow always returns 0 and nil: this system does not support such
// reads.
func readSocketNow(net.Conn, []byte) (int, error) { return 0, nil }
