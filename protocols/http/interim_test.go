package http

import (
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
	multiplexed := httptest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for range 1000 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(idle / 10):
				w.WriteHeader(nethttp.StatusProcessing)
			}
		}
	}))
	multiplexed.Config.Protocols = new(nethttp.Protocols)
	multiplexed.Config.Protocols.SetUnencryptedHTTP2(true)
	multiplexed.Start()
	t.Cleanup(multiplexed.Close)
	for name, c := range map[string]struct {
		url     string
		version Version
	}{"HTTP/1.1": {"http://" + addr + "/", HTTP1}, "HTTP/2": {multiplexed.URL + "/", HTTP2}} {
		for verb, do := range map[string]func(*Client) error{
			"get": func(c *Client) error { _, _, err := fetch(t, c, "x", nil); return err },
			"put": func(c *Client) error { _, err := c.Put(quick(t), "x", strings.NewReader("content"), nil); return err },
		} {
			t.Run(name+" "+verb, func(t *testing.T) {
				t.Parallel()
				client := labtest.Open(t, New, c.url, &protocols.Options{IdleTimeout: idle})
				client.Settings.Version, client.Settings.HTTP3 = c.version, QUIC
				start := time.Now()
				err := do(client)
				if wantKind(t, err, protocols.KindTimeout); err == nil || !strings.Contains(err.Error(), "interim answers") || time.Since(start) < interimFor*idle {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		}
	}
}
