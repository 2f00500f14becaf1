package transport

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/netclients/netclients/protocols"
)

// sessions is the capacity of the TLS session cache: a client uses few names of
// one server.
const sessions = 64

// makeTLS builds the configuration that all handshakes of the dialer share.
func (d *Dialer) makeTLS() *tls.Config {
	cfg := &tls.Config{}
	if d.o.TLS.Config != nil {
		cfg = d.o.TLS.Config.Clone()
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	// Clients mostly send bulk data; small first records only cost system calls.
	cfg.DynamicRecordSizingDisabled = true
	cfg.VerifyConnection = d.verifyPins(cfg.VerifyConnection)
	return cfg
}

// tlsFor returns the configuration for one handshake. The server name is always
// set: it is the name to verify and the key of the session cache, so that
// connections to other ports of the server resume.
func (d *Dialer) tlsFor(host string) (*tls.Config, error) {
	cfg := d.tlsBase().Clone()
	name := d.o.TLS.ServerName
	if name == "" {
		name = cfg.ServerName
	}
	if name == "" {
		name = host
	}
	ascii, err := serverName(name)
	cfg.ServerName = ascii
	return cfg, err
}

// serverName returns the name to verify, in ASCII and without a zone.
func serverName(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.WithZone("").String(), nil
	}
	return Host(host)
}

// verifyPins checks the pins of the options, even if the chain is not verified.
func (d *Dialer) verifyPins(then func(tls.ConnectionState) error) func(tls.ConnectionState) error {
	if len(d.o.TLS.Pins) == 0 {
		return then
	}
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 || !pinned(d.o.TLS.Pins, s.PeerCertificates[0].Raw, s.PeerCertificates[0].RawSubjectPublicKeyInfo) {
			return &protocols.Error{
				Kind: protocols.KindTLS, Text: "certificate does not match the pin",
				Hint: "the server may have a new certificate; check its SHA-256 before changing --pin",
			}
		}
		if then != nil {
			return then(s)
		}
		return nil
	}
}

func pinned(pins [][]byte, forms ...[]byte) bool {
	for _, form := range forms {
		sum := sha256.Sum256(form)
		for _, pin := range pins {
			if bytes.Equal(pin, sum[:]) {
				return true
			}
		}
	}
	return false
}

// StartTLS performs the client's handshake within the connect timeout, and
// switches the connection to TLS. The certificate is verified for
// Options.TLS.ServerName or the requested host. The caller must discard, or
// better reject, bytes that it read from the connection before and still has
// buffered.
func (c *Conn) StartTLS(ctx context.Context) error {
	if c.tls != nil {
		return protocols.UsageError(c.d.proto, "", "TLS is already active")
	}
	cfg, err := c.d.tlsFor(c.to.host)
	if err != nil {
		return err
	}
	checked := !cfg.InsecureSkipVerify || len(c.d.o.TLS.Pins) > 0
	if c.lax {
		c.lenient(cfg)
	}
	ctx, cancel := c.d.within(ctx, "TLS handshake with "+c.to.address())
	defer cancel()
	defer c.Use(ctx)()
	start := time.Now()
	c.sock.records = newRecords()
	conn := tls.Client(c.sock, cfg)
	if err := conn.Handshake(); err != nil {
		err = cmp.Or(c.sock.err(), tlsError(err, c.to.host))
		c.Event(protocols.EventError, err.Error(), 0)
		c.sock.abort(err)
		return err
	}
	c.tls, c.top, c.verified = conn, conn, checked && c.doubt == nil
	c.timings.TLS += time.Since(start)
	text := tlsText(conn.ConnectionState())
	if c.doubt != nil {
		text += ", unverified"
	}
	c.emit(protocols.Event{Kind: protocols.EventTLS, Text: text, Took: time.Since(start)})
	return nil
}

// tlsText describes a TLS session for a trace.
func tlsText(s tls.ConnectionState) string {
	text := tls.VersionName(s.Version) + " " + tls.CipherSuiteName(s.CipherSuite)
	if s.DidResume {
		text += ", resumed"
	}
	if s.NegotiatedProtocol != "" {
		text += ", ALPN " + s.NegotiatedProtocol
	}
	if len(s.PeerCertificates) > 0 {
		text += ", " + s.PeerCertificates[0].Subject.String()
	}
	return text
}

// EndTLS ends TLS in good order and continues unencrypted, for FTP's CCC, RFC
// 4217 section 12.3. It sends close_notify and waits for the peer's, at most for
// the connect timeout.
func (c *Conn) EndTLS(ctx context.Context) error {
	if c.tls == nil {
		return protocols.UsageError(c.d.proto, "", "TLS is not active")
	}
	ctx, cancel := c.d.within(ctx, "TLS shutdown by "+c.to.address())
	defer cancel()
	defer c.Use(ctx)()
	if err := c.tls.CloseWrite(); err != nil {
		return c.ioError(err)
	}
	n, err := c.tls.Read(make([]byte, 1))
	switch {
	case n > 0:
		err = protocols.ProtocolError(c.d.proto, "", "got data instead of the TLS close_notify")
		c.sock.abort(err)
		return err
	case !errors.Is(err, io.EOF) || c.sock.eof:
		return c.ioError(err)
	}
	c.sock.ahead = append([]byte(nil), c.sock.records.have...)
	c.sock.records = nil
	c.tls, c.top, c.verified = nil, c.sock, false // doubt stays: it holds for the data connections
	c.sock.SetWriteDeadline(time.Time{})          // crypto/tls leaves one in the past
	c.Event(protocols.EventTLS, "ended, unencrypted from here", 0)
	return nil
}

// TLS returns the state of the TLS session, or nil if the connection is
// unencrypted.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	s := c.tls.ConnectionState()
	return &s
}
