package transport

import "time"

// Direct reports whether nothing stands between this machine and the peer, so
// that the peer could connect to us: no proxy.
func (c *Conn) Direct() bool { return !c.to.proxied }

// farewellWithin bounds the last words.
const farewellWithin = 500 * time.Millisecond

// Farewell writes last words to the peer of a connection that a context has cut
// off already, and does not wait for an answer. It is a courtesy: errors are not
// told, and under TLS, whose state may be broken by the cut, it says nothing.
// The caller closes the connection afterwards.
func (c *Conn) Farewell(p []byte) {
	if c.tls != nil {
		return
	}
	c.sock.Conn.SetWriteDeadline(time.Now().Add(farewellWithin))
	c.sock.Conn.Write(p)
}
