package ftplab

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// secureFTP connects with AUTH TLS, or implicitly, and logs in with PROT P.
func secureFTP(t *testing.T, s *Server, config *tls.Config) *ftpClient {
	t.Helper()
	c := dialFTP(t, s.Addr())
	if s.opt.TLS != base.TLSImplicit {
		c.expect(220)
		c.cmd(234, "AUTH TLS")
	}
	conn := tls.Client(c.raw, config)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	c = clientOn(t, conn)
	c.data = config
	if s.opt.TLS == base.TLSImplicit {
		c.expect(220)
	}
	c.login()
	c.cmd(503, "PROT P")
	c.cmd(200, "PBSZ 0")
	c.cmd(200, "PROT P")
	return c
}

// cached is a client configuration that can resume.
func cached(s *Server, version uint16) *tls.Config {
	config := s.Authority().ClientConfig()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	config.MaxVersion = version
	return config
}

func TestFTPTLSSessionReuse(t *testing.T) {
	for _, mode := range []base.TLSMode{base.TLSExplicit, base.TLSRequired, base.TLSImplicit} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: mode}, RequireSessionReuse: true})
			c := secureFTP(t, s, cached(s, version))
			labtest.Equal(t, "RETR", c.get("RETR README.txt"), file(t, s, "/README.txt"))
			labtest.Equal(t, "again", c.get("RETR README.txt"), file(t, s, "/README.txt"))
		}
	}
}

func TestFTPTLSReuseRefused(t *testing.T) {
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSRequired}, RequireSessionReuse: true})
	c := secureFTP(t, s, s.Authority().ClientConfig())
	if text, err := c.fetch("RETR README.txt"); text != "" {
		t.Errorf("without a session: %q, %v", text, err)
	}
	c.expect(522)
	// A ticket of another control session does not count either.
	shared := cached(s, 0)
	other := secureFTP(t, s, shared)
	other.get("RETR README.txt")
	c.data = shared
	if text, err := c.fetch("RETR README.txt"); text != "" {
		t.Errorf("with a foreign session: %q, %v", text, err)
	}
	c.expect(522)
}

func TestFTPTLSStore(t *testing.T) {
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}})
	c := secureFTP(t, s, cached(s, tls.VersionTLS12))
	data := labtest.Pattern(5, 1<<20)
	labtest.Equal(t, "STOR", c.put(data, "STOR /incoming/x"), 226)
	labtest.Equal(t, "stored", file(t, s, "/incoming/x") == data, true)
	c.cmd(200, "PROT C")
	c.data = nil
	labtest.Equal(t, "clear", c.get("RETR README.txt"), file(t, s, "/README.txt"))
}

func TestFTPTLSRequired(t *testing.T) {
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSRequired}})
	c := dialFTP(t, s.Addr())
	c.expect(220)
	c.cmd(530, "USER alice")
	c.cmd(503, "PBSZ 0")
	c.cmd(504, "AUTH GSSAPI")
	d := secureFTP(t, s, s.Authority().ClientConfig())
	d.cmd(200, "PROT C")
	d.cmd(229, "EPSV")
	d.cmd(522, "RETR README.txt")
	d.cmd(536, "PROT E")
	d.cmd(503, "AUTH TLS")
}

// TestFTPTLSClear leaves TLS with CCC, with and without a close_notify of the
// client, which may come in one packet with the next command.
func TestFTPTLSClear(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, polite := range []bool{true, false} {
			s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}})
			c := dialFTP(t, s.Addr())
			c.expect(220)
			c.cmd(234, "AUTH TLS")
			below := c.raw
			config := s.Authority().ClientConfig()
			config.MaxVersion = version
			conn := tls.Client(below, config)
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			secure := clientOn(t, conn)
			secure.login()
			secure.cmd(200, "CCC")
			if polite {
				conn.CloseWrite()
				below.SetWriteDeadline(time.Time{}) // CloseWrite sets one
			}
			io.WriteString(below, "PWD\r\nNOOP\r\n")
			text, err := readClear(below)
			if err != nil || !strings.HasSuffix(text, "200 NOOP ok.\r\n") {
				t.Errorf("unencrypted: %q, %v", text, err)
			}
		}
	}
}

// readClear skips the TLS records before the first clear byte and reads two
// lines.
func readClear(conn net.Conn) (string, error) {
	r := &recordConn{Conn: conn, r: bufio.NewReader(conn)}
	if err := r.skipTLS(); err != nil {
		return "", err
	}
	first, err := r.r.ReadString('\n')
	if err != nil {
		return first, err
	}
	second, err := r.r.ReadString('\n')
	return first + second, err
}

func TestFTPTLSBadCertificates(t *testing.T) {
	a, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		name string
		make func() (tls.Certificate, error)
		is   func(error) bool
	}{
		{"expired", a.Expired, func(err error) bool {
			e, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && e.Reason == x509.Expired
		}},
		{"wrong name", a.WrongName, func(err error) bool {
			_, ok := errors.AsType[x509.HostnameError](err)
			return ok
		}},
	} {
		cert, err := bad.make()
		if err != nil {
			t.Fatal(err)
		}
		s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSImplicit, Authority: a, Certificate: &cert}})
		err = tls.Client(dialFTP(t, s.Addr()).raw, a.ClientConfig()).Handshake()
		if !bad.is(err) {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
}

func TestFTPTLSClientCertificate(t *testing.T) {
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSImplicit}, ClientCertificates: true, MaxTLS: tls.VersionTLS12})
	config := s.Authority().ClientConfig()
	if err := tls.Client(dialFTP(t, s.Addr()).raw, config).Handshake(); err == nil {
		t.Error("a handshake without a certificate worked")
	}
	cert, err := s.Authority().ClientCertificate("alice")
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{cert}
	c := secureFTP(t, s, config)
	c.cmd(257, "PWD")
}

func TestPEM(t *testing.T) {
	a, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := base.PEM(a.ServerCertificate())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		t.Error(err)
	}
	pool := x509.NewCertPool()
	labtest.Equal(t, "CA in PEM", pool.AppendCertsFromPEM(a.CAPEM()), true)
	labtest.Equal(t, "same pool", pool.Equal(a.Pool()), true)
}

func TestFTPTLSStripsInjected(t *testing.T) {
	s := labtest.Start(t, Start, Options{ServerOptions: base.ServerOptions{TLS: base.TLSExplicit}})
	c := dialFTP(t, s.Addr())
	c.expect(220)
	io.WriteString(c.raw, "AUTH TLS\r\nNOOP\r\n")
	c.expect(234)
	conn := tls.Client(c.raw, s.Authority().ClientConfig())
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	secure := clientOn(t, conn)
	secure.cmd(331, "USER alice")
	if got := strings.Join(s.Commands(), "|"); strings.Contains(got, "NOOP") {
		t.Errorf("clear text behind AUTH was taken: %s", got)
	}
}
