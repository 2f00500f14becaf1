//go:build !unix

package lab

import "net"

// inlineUrgent does nothing here.
func inlineUrgent(net.Conn) {}

// sendUrgent sends p as plain data here.
func sendUrgent(conn net.Conn, p []byte) error {
	_, err := conn.Write(p)
	return err
}
