//go:build !linux

package telnet

import "github.com/netclients/netclients/protocols/transport"

func inlineUrgent(*transport.Conn) {}

func urgentAhead(*transport.Conn) bool { return false }

// sendUrgent sends the data mark in the stream only.
func sendUrgent(c *transport.Conn) error {
	_, err := c.Write([]byte{IAC, DM})
	return err
}
