package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// serve runs handle for each connection to a new loopback port until the test ends.
func serve(t testing.TB, handle func(net.Conn)) (host, port string) {
	t.Helper()
	host, port, _ = net.SplitHostPort(labtest.Serve(t, handle))
	return host, port
}

func dialer(o *protocols.Options) *Dialer {
	return NewDialer("test", &url.URL{Scheme: "test", Host: "server.test"}, o)
}

// connect dials and closes the connection at the end of the test.
func connect(t testing.TB, d *Dialer, host, port string) *Conn {
	t.Helper()
	c, err := d.Dial(context.Background(), "control", "tcp", host, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pipe returns options whose connections are one end of a pipe, and the other
// end.
func pipe(o protocols.Options) (*protocols.Options, net.Conn) {
	near, far := net.Pipe()
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	return &o, far
}

func wantKind(t testing.TB, err error, kind protocols.Kind) *protocols.Error {
	t.Helper()
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("error %v (%T), want kind %v", err, err, kind)
	}
	return e
}

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, cert := sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour),
	}, nil)
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func sign(t testing.TB, c *x509.Certificate, by *authority) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	parent, parentKey := c, key
	if by != nil {
		parent, parentKey = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// issue makes a certificate for names that expires at until.
func (a *authority) issue(t testing.TB, until time.Time, names ...string) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	key, cert := sign(t, c, a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}
