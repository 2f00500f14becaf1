package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
)

// TestProbeTellsTheCertificate: names, fingerprints that --pin takes, and the chain.
func TestProbeTellsTheCertificate(t *testing.T) {
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(a.ServerConfig().Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chain.pem")
	s := &fakeServer{report: &protocols.Report{Up: true, Session: &tls.ConnectionState{CipherSuite: tls.TLS_AES_128_GCM_SHA256, PeerCertificates: []*x509.Certificate{leaf}}}}
	got := s.cli(t, "probe", "--jq", "[.cipher, .pin, .cert_sha256, (.cert_names | index(\"localhost\") != null)]", "--chain", file, "fake://h/")
	words := strings.Split(strings.Trim(got.out, "[]\n"), ",")
	if got.code != 0 || len(words) != 4 || words[0] != `"TLS_AES_128_GCM_SHA256"` || words[3] != "true" {
		t.Fatalf("%+v", got)
	}
	for _, pin := range words[1:3] {
		if got := s.cli(t, "probe", "--pin", strings.Trim(pin, `"`), "fake://h/"); got.code != 0 || len(s.options.TLS.Pins) != 1 {
			t.Errorf("--pin %s: %+v", pin, got)
		}
	}
	text, err := os.ReadFile(file)
	block, rest := pem.Decode(text)
	if err != nil || block == nil || len(rest) != 0 || !slices.Equal(block.Bytes, leaf.Raw) {
		t.Errorf("%s, %v", text, err)
	}
	if got := s.cli(t, "probe", "-v", "fake://h/"); !strings.Contains(got.out, "\n  names    ") {
		t.Errorf("%+v", got)
	}
}
