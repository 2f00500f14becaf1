package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// lenient makes a handshake with cfg accept a certificate that does not verify,
// and stores the reason in c.doubt. Pins and the caller's own checks still apply.
// Sessions of such handshakes have a separate cache: a verifying connection never
// resumes one of them.
func (c *Conn) lenient(cfg *tls.Config) {
	then := cfg.VerifyConnection
	if cfg.InsecureSkipVerify { // the caller disabled verification: there is nothing to doubt
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			c.certified = true
			if then != nil {
				return then(s)
			}
			return nil
		}
		return
	}
	cfg.InsecureSkipVerify = true
	cfg.ClientSessionCache = c.d.laxSessions()
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		c.certified = true
		err := verifyChain(cfg, s.PeerCertificates)
		if err != nil && c.insist {
			return err
		}
		if err != nil {
			c.doubt = tlsError(err, c.to.host)
		}
		if then != nil {
			return then(s)
		}
		return nil
	}
}

// verifyChain performs the checks of crypto/tls without InsecureSkipVerify.
func verifyChain(cfg *tls.Config, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("the server sent no certificate")
	}
	o := x509.VerifyOptions{Roots: cfg.RootCAs, DNSName: cfg.ServerName, Intermediates: x509.NewCertPool()}
	if cfg.Time != nil {
		o.CurrentTime = cfg.Time()
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// Unverified returns why the server's certificate did not verify in a handshake
// that [Conn.Lenient] let continue. It returns nil if the certificate verified,
// if verification was disabled, and without TLS.
func (c *Conn) Unverified() error { return c.doubt }

// Lenient lets the next handshake, and those of data connections that belong to
// this one, continue with a certificate that does not verify: opportunistic
// security, RFC 7435. It is for connections that might as well stay unencrypted.
// [Conn.AllowSecret] does not accept such TLS.
func (c *Conn) Lenient() { c.lax = true }

// Certified reports whether the server sent a certificate in a lenient handshake,
// even one that failed.
func (c *Conn) Certified() bool { return c.certified }

// Trusted reports whether the peer is authenticated: by TLS with a verified
// certificate, or because it is on this machine.
func (c *Conn) Trusted() bool { return c.verified || c.local() }
