package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// tlsError explains in plain words why a handshake failed, with a hint.
func tlsError(err error, host string) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	for _, explain := range tlsReasons {
		if text, hint := explain(err, host); text != "" {
			return &protocols.Error{Kind: protocols.KindTLS, Hint: hint, Err: &brief{text, err}}
		}
	}
	return &protocols.Error{Kind: protocols.KindTLS, Err: &brief{"TLS failed: " + strings.TrimPrefix(err.Error(), "tls: "), err}}
}

// tlsReasons each recognise one reason; they return no text for any other.
var tlsReasons = []func(err error, host string) (text, hint string){
	wrongName, unknownAuthority, invalidCertificate, notTLS, closedEarly, remoteAlert, oldVersion,
}

func wrongName(err error, host string) (string, string) {
	e, ok := errors.AsType[x509.HostnameError](err)
	if !ok {
		return "", ""
	}
	return fmt.Sprintf("certificate is for %s, not for %s", certificateNames(e.Certificate), e.Host),
		"--servername NAME verifies another name; --insecure skips verification"
}

// certificateNames lists the names of a certificate, at most a few.
func certificateNames(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host"
	}
	if len(names) > 5 {
		names = append(names[:5], fmt.Sprintf("and %d more", len(names)-5))
	}
	return strings.Join(names, ", ")
}

func unknownAuthority(err error, _ string) (string, string) {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		text := "certificate is signed by an unknown authority"
		if e.Cert != nil {
			text += " (" + e.Cert.Issuer.String() + ")"
		}
		return text, "use --ca-file FILE, or --insecure to skip verification"
	}
	return "", ""
}

func invalidCertificate(err error, _ string) (string, string) {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok {
		return "", ""
	}
	const hint = "--insecure skips verification"
	if e.Reason != x509.Expired || e.Cert == nil {
		return "certificate is not valid: " + strings.TrimPrefix(e.Error(), "x509: "), hint
	}
	if e.Cert.NotBefore.After(time.Now()) {
		return "certificate is not valid before " + e.Cert.NotBefore.UTC().Format(time.DateTime) + " UTC", "check this machine's clock"
	}
	return "certificate expired on " + e.Cert.NotAfter.UTC().Format(time.DateTime) + " UTC", hint
}

func notTLS(err error, _ string) (string, string) {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "server does not speak TLS on this port", "try the scheme without implicit TLS; the server may offer an upgrade"
	}
	return "", ""
}

func closedEarly(err error, _ string) (string, string) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "server closed the connection during the TLS handshake", ""
	}
	return "", ""
}

// remoteAlert recognises the peer's alert, whose type the standard library does
// not export.
func remoteAlert(err error, _ string) (string, string) {
	e, ok := errors.AsType[*net.OpError](err)
	if !ok || e.Op != "remote error" {
		return "", ""
	}
	word := strings.TrimPrefix(e.Err.Error(), "tls: ")
	hint := ""
	switch {
	case strings.Contains(word, "certificate"):
		hint = "the server may want a client certificate: --cert FILE --key FILE"
	case strings.Contains(word, "version"):
		hint = "the server does not support TLS 1.2 or later"
	}
	return "server refused TLS: " + word, hint
}

func oldVersion(err error, _ string) (string, string) {
	if strings.Contains(err.Error(), "unsupported protocol version") {
		return "server does not support an allowed TLS version", "TLS 1.2 or later is required, or the version set by --tls-min"
	}
	return "", ""
}

// tlsIOError returns the error for a Read or Write on TLS. A stream that ends
// without close_notify is truncated: crypto/tls accepts that between two records.
func tlsIOError(err error, c *Conn) error {
	switch {
	case err == io.EOF && c.sock.eof:
		return io.ErrUnexpectedEOF
	case err == io.EOF || err == io.ErrUnexpectedEOF || isDeadline(err):
		return err
	case errors.Is(err, net.ErrClosed):
		return ioError(err)
	}
	return tlsError(err, c.to.host)
}
