package transport

import "crypto/tls"

// TLSConfig returns the configuration for one handshake with host, for libraries
// that do it themselves, such as QUIC's. It is the caller's own copy; the name to
// verify and the pins are in it.
func (d *Dialer) TLSConfig(host string) (*tls.Config, error) { return d.tlsFor(host) }
