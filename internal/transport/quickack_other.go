//go:build !linux

package transport

// QuickAck does nothing: this system does not have the option.
func (c *Conn) QuickAck() {}
