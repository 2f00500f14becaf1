package http

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestInterimAnswersEnd: interim answers that come again and again do not keep a request
// alive for ever, although each ends the silence.
func TestInterimAnswersEnd(t *testing.T) {
	const idle = 300 * time.Millisecond
	addr := rawConns(t, nil, func(conn net.Conn) {
		if _, err := readHead(conn); err != nil {
			return
		}
		for range 1000 {
			if _, err := io.WriteString(conn, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
			time.Sleep(idle / 10)
		}
	})
	endless := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for range 1000 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(idle / 10):
				w.WriteHeader(nethttp.StatusProcessing)
			}
		}
	})
	multiplexed := httptest.NewUnstartedServer(endless)
	multiplexed.Config.Protocols = new(nethttp.Protocols)
	multiplexed.Config.Protocols.SetUnencryptedHTTP2(true)
	multiplexed.Start()
	t.Cleanup(multiplexed.Close)
	quic, trust := serveQUIC(t, endless)
	for name, c := range map[string]struct {
		url     string
		version Version
		kind    protocols.Kind
		text    string
	}{
		"HTTP/1.1": {"http://" + addr + "/", HTTP1, protocols.KindTimeout, "interim answers"},
		"HTTP/2":   {multiplexed.URL + "/", HTTP2, protocols.KindTimeout, "interim answers"},
		"HTTP/3":   {quic, HTTP3, protocols.KindProtocol, "too many 1xx"}, // the module's own bound, by number
	} {
		for verb, do := range map[string]func(*Client) error{
			"get": func(c *Client) error { _, _, err := fetch(t, c, "x", nil); return err },
			"put": func(c *Client) error { _, err := c.Put(quick(t), "x", strings.NewReader("content"), nil); return err },
		} {
			t.Run(name+" "+verb, func(t *testing.T) {
				t.Parallel()
				client := labtest.Open(t, New, c.url, &protocols.Options{IdleTimeout: idle, TLS: protocols.TLS{Config: trust}})
				client.Settings.Version, client.Settings.HTTP3 = c.version, QUIC
				start := time.Now()
				err := do(client)
				if wantKind(t, err, c.kind); err == nil || !strings.Contains(err.Error(), c.text) || c.version != HTTP3 && time.Since(start) < interimFor*idle {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		}
	}
}

// serveQUIC serves HTTP/3 on loopback. It returns the URL of its root, and a configuration
// that trusts it.
func serveQUIC(t *testing.T, h nethttp.Handler) (url string, trust *tls.Config) {
	t.Helper()
	authority := httptest.NewTLSServer(h) // for its certificate
	authority.Close()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: h, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: authority.TLS.Certificates})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(conn) }) // ends with Close
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
		conn.Close()
	})
	trust = &tls.Config{RootCAs: x509.NewCertPool()}
	trust.RootCAs.AddCert(authority.Certificate())
	return "https://" + conn.LocalAddr().String() + "/", trust
}
