package base

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a certificate authority made in memory with one server
// certificate for localhost, 127.0.0.1 and ::1 (ECDSA P-256, valid from an
// hour ago for 30 days). It is safe for concurrent use.
type Authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	server tls.Certificate
}

// NewAuthority makes the authority and its server certificate.
func NewAuthority() (*Authority, error) { return NewAuthorityFor() }

// NewAuthorityFor is NewAuthority for a server certificate that has further names.
func NewAuthorityFor(names ...string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("lab: authority key: %w", err)
	}
	t := template("netclients lab authority", time.Now())
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("lab: authority certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("lab: authority certificate: %w", err)
	}
	a := &Authority{cert: cert, key: key}
	server := localhost(time.Now())
	server.DNSNames = append(server.DNSNames, names...)
	a.server, err = a.issue(server)
	return a, err
}

// template is a certificate valid for 30 days around now.
func template(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour),
		NotAfter:  now.Add(30 * 24 * time.Hour),
	}
}

// localhost is a server certificate template for the loopback names.
func localhost(now time.Time) *x509.Certificate {
	t := template("localhost", now)
	t.DNSNames = []string{"localhost"}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return t
}

// issue signs t with a new key.
func (a *Authority) issue(t *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("lab: certificate key: %w", err)
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return tls.Certificate{}, fmt.Errorf("lab: serial number: %w", err)
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("lab: certificate for %s: %w", t.Subject.CommonName, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("lab: certificate for %s: %w", t.Subject.CommonName, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// CAPEM is the authority's certificate in PEM, for a --ca-file.
func (a *Authority) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Pool holds the authority's certificate and nothing else.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// ServerConfig is a new configuration showing the server certificate; TLS 1.2
// and later. The caller may change it.
func (a *Authority) ServerConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.server}, MinVersion: tls.VersionTLS12}
}

// ClientConfig is a new configuration that trusts only this authority and
// expects the name localhost. The caller may change it.
func (a *Authority) ClientConfig() *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// ServerCertificate is the certificate ServerConfig shows.
func (a *Authority) ServerCertificate() tls.Certificate { return a.server }

// ClientCertificate makes a certificate with which a client called name can
// log in where [Options].ClientCertificates or the like is set.
func (a *Authority) ClientCertificate(name string) (tls.Certificate, error) {
	t := template(name, time.Now())
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(t)
}

// Expired makes a server certificate for the right names that ended a year ago.
func (a *Authority) Expired() (tls.Certificate, error) {
	return a.issue(localhost(time.Now().AddDate(-1, 0, -31)))
}

// WrongName makes a valid server certificate for wrong.example only.
func (a *Authority) WrongName() (tls.Certificate, error) {
	t := template("wrong.example", time.Now())
	t.DNSNames = []string{"wrong.example"}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.issue(t)
}

// PEM returns a certificate and its private key in PEM, for the files that
// command line tools want.
func PEM(c tls.Certificate) (cert, key []byte, err error) {
	for _, der := range c.Certificate {
		cert = append(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("lab: private key: %w", err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
