package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// lenient makes a handshake with cfg accept a certificate that does not verify,
// and keeps in c.doubt why it does not. Pins, and what the caller's own
// configuration checks, still hold. Sessions of such handshakes have a cache of
// their own: a connection that verifies never resumes one of them.
func (c *Conn) lenient(cfg *tls.Config) {
	if cfg.InsecureSkipVerify {
		return // as the caller wants it: nothing to doubt
	}
	then := cfg.VerifyConnection
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

// verifyChain does what crypto/tls does without InsecureSkipVerify.
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

// Unverified returns why the certificate of the server did not verify, in a
// handshake that [Conn.Lenient] allowed to go on; nil when it did verify, when
// nobody wanted it to, and without TLS.
func (c *Conn) Unverified() error { return c.doubt }

// Lenient lets the next handshake, and those of data connections that belong to
// this one, go on with a certificate that does not verify: opportunistic security,
// RFC 7435. It is for connections that could as well stay unencrypted.
// [Conn.AllowSecret] takes no such TLS for TLS.
func (c *Conn) Lenient() { c.lax = true }

// Certified reports whether a certificate came in a lenient handshake, also in one
// that failed.
func (c *Conn) Certified() bool { return c.certified }

// Trusted reports whether it is known who is at the other end: by TLS with a
// verified certificate, or because it is this very machine.
func (c *Conn) Trusted() bool { return c.verified || c.local() }
