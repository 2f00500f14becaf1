package transport

import "time"

// SetIdle changes the idle timeout, from the next read or write on; 0 disables
// it. It is for protocols that specify how long a server may take for certain
// replies. Call it only if the caller's options do not set an idle timeout.
func (c *Conn) SetIdle(d time.Duration) {
	c.sock.mu.Lock()
	defer c.sock.mu.Unlock()
	c.sock.idle = max(d, 0)
}
