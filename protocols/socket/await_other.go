//go:build !linux

package socket

// await does nothing here: the read that follows waits, with a buffer.
func (p *Peer) await() error { return nil }

// Gone is for systems on which the end of a connection can be awaited.
func (p *Peer) Gone() error { return nil }
