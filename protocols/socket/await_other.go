//go:build !linux

package socket

// await does nothing here: the read that follows waits, with a buffer.
func (p *Peer) await() error { return nil }
