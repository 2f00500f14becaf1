package transport

import "time"

// SetIdle changes the longest silence, from the next read or write on; 0 is no
// bound. It is for protocols that say how long a server may take for some answers,
// and is called only where the caller's options leave the time to them.
func (c *Conn) SetIdle(d time.Duration) {
	c.sock.mu.Lock()
	defer c.sock.mu.Unlock()
	c.sock.idle = max(d, 0)
}
