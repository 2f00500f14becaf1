package transport

import (
	"context"
	"crypto/tls"
	"net/netip"

	"github.com/netclients/netclients/protocols"
)

// Addresses returns the addresses of a host that [Dialer.Dial] would try for host and
// port, most preferred first, by the same maps and resolver. It connects to nothing.
// direct is false where a proxy or Options.Dial resolves the name instead; there are no
// addresses then.
func (d *Dialer) Addresses(ctx context.Context, host, port string) (addresses []netip.AddrPort, direct bool, err error) {
	proxy, err := d.proxyFor(ctx, "tcp")
	if err != nil || proxy != nil || d.o.Dial != nil {
		return nil, false, err
	}
	to, err := d.redirect(target{network: "tcp", host: host, port: port})
	if err != nil {
		return nil, true, err
	}
	texts, err := d.addresses(ctx, &Conn{d: d, to: to}, "tcp", to.dialHost, to.port)
	for _, text := range texts {
		if a, err := netip.ParseAddrPort(text); err == nil {
			addresses = append(addresses, a)
		}
	}
	return addresses, true, err
}

// VerifyPeer judges the certificates of a handshake that did not verify them, as a
// handshake with these options would have done: chain, name and pins. host is that of
// the URL.
func VerifyPeer(o *protocols.Options, host string, s *tls.ConnectionState) error {
	d := NewDialer("", nil, o)
	cfg, err := d.tlsFor(host)
	if err != nil {
		return err
	}
	if !cfg.InsecureSkipVerify {
		if err := verifyChain(cfg, s.PeerCertificates); err != nil {
			return tlsError(err, host)
		}
	}
	if cfg.VerifyConnection == nil {
		return nil
	}
	return cfg.VerifyConnection(*s)
}
