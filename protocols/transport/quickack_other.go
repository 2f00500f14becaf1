//go:build !linux

package transport

// QuickAck does nothing on this system: it has no such option.
func (c *Conn) QuickAck() {}
