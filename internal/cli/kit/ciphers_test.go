package kit

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCipherSuites: both ways to name them; what cannot be chosen is an error.
func TestCipherSuites(t *testing.T) {
	ids, err := cipherSuites("ECDHE-RSA-AES128-GCM-SHA256:TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, aes128-sha")
	want := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	if err != nil || fmt.Sprint(ids) != fmt.Sprint(want) {
		t.Errorf("%v, %v", ids, err)
	}
	for list, says := range map[string]string{"TLS_AES_128_GCM_SHA256": "of TLS 1.3", "HIGH": "unknown cipher suite", " ": "no cipher suite is named"} {
		if _, err := cipherSuites(list); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// TestALPNNames: as RFC 7301 lets them be.
func TestALPNNames(t *testing.T) {
	if names, err := alpnNames("h2, http/1.1"); err != nil || strings.Join(names, " ") != "h2 http/1.1" {
		t.Errorf("%q, %v", names, err)
	}
	for _, list := range []string{"h2,", ",", strings.Repeat("x", 256)} {
		if _, err := alpnNames(list); err == nil {
			t.Errorf("%q is taken", list)
		}
	}
}

// TestTrustFolder: the certificates of all files count, together with --ca-file.
func TestTrustFolder(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	dir := t.TempDir()
	g := NewGlobals()
	g.caPath = dir
	if _, err := g.tlsConfig(t.Context()); err == nil || !strings.Contains(err.Error(), "no file in it holds a certificate") {
		t.Errorf("%v", err)
	}
	for name, text := range map[string]string{
		"README": "not a certificate", "5ed36f99.0": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := g.tlsConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conf.ServerName = "example.com"
	c, err := tls.Dial("tcp", s.Listener.Addr().String(), conf)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	g.caPath = filepath.Join(dir, "missing")
	if _, err := g.tlsConfig(t.Context()); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

// TestResolveSeveral: addresses with commas between, of both families.
func TestResolveSeveral(t *testing.T) {
	for _, c := range []struct{ in, key, value string }{
		{"h.test:443:192.0.2.1,2001:db8::1", "h.test:443", "192.0.2.1,2001:db8::1"},
		{"h.test:443:[2001:db8::1],192.0.2.1", "h.test:443", "2001:db8::1,192.0.2.1"},
		{"h.test:443:[::1]", "h.test:443", "::1"}, {"h.test:443:2001:db8::1", "h.test:443", "2001:db8::1"},
	} {
		if key, value, ok := resolveFields(colonFields(c.in)); !ok || key != c.key || value != c.value {
			t.Errorf("%s: %q, %q, %v", c.in, key, value, ok)
		}
	}
	for _, bad := range []string{"h:1:", "h:1:192.0.2.1,", "h:1:192.0.2.1,name", "h:1:[::1", "h:x:192.0.2.1"} {
		if _, _, ok := resolveFields(colonFields(bad)); ok {
			t.Errorf("%s is taken", bad)
		}
	}
}
