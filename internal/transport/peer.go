package transport

import "time"

// Direct reports whether there is no proxy in between, so that the peer could
// connect back.
func (c *Conn) Direct() bool { return !c.to.proxied }

// farewellWithin is the write timeout of Farewell.
const farewellWithin = 500 * time.Millisecond

// Farewell writes final bytes to the peer of a connection that a context has
// already cut off, and does not wait for an answer. It is a courtesy: errors are
// ignored, and under TLS, whose state the cut may have corrupted, nothing is
// written. The caller closes the connection afterwards.
func (c *Conn) Farewell(p []byte) {
	if c.tls != nil {
		return
	}
	c.sock.Conn.SetWriteDeadline(time.Now().Add(farewellWithin))
	_, _ = c.sock.Conn.Write(p)
}
