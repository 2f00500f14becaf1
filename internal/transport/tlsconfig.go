package transport

import "crypto/tls"

// TLSConfig returns the configuration for one handshake with host, for libraries
// that perform it themselves, such as QUIC. The caller owns the copy; it includes
// the name to verify and the pins.
func (d *Dialer) TLSConfig(host string) (*tls.Config, error) { return d.tlsFor(host) }
