package verbs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/netclients/netclients/internal/cli/show"
)

// certJSON is what a probe reports about the TLS session and the server's certificate.
type certJSON struct {
	Cipher  string   `json:"cipher,omitempty"`
	ALPN    string   `json:"alpn,omitempty"`
	Subject string   `json:"cert_subject,omitempty"`
	Issuer  string   `json:"cert_issuer,omitempty"`
	Names   []string `json:"cert_names,omitempty"`
	SHA256  string   `json:"cert_sha256,omitempty"`
	Pin     string   `json:"pin,omitempty"` // of the public key, as --pin takes it
}

func certOf(s *tls.ConnectionState) *certJSON {
	if s == nil {
		return nil
	}
	j := &certJSON{Cipher: tls.CipherSuiteName(s.CipherSuite), ALPN: s.NegotiatedProtocol}
	if len(s.PeerCertificates) == 0 {
		return j
	}
	c := s.PeerCertificates[0]
	whole, key := sha256.Sum256(c.Raw), sha256.Sum256(c.RawSubjectPublicKeyInfo)
	j.Subject, j.Issuer, j.Names = c.Subject.String(), c.Issuer.String(), c.DNSNames
	for _, ip := range c.IPAddresses {
		j.Names = append(j.Names, ip.String())
	}
	j.SHA256, j.Pin = hex.EncodeToString(whole[:]), "sha256//"+base64.StdEncoding.EncodeToString(key[:])
	return j
}

// details are the lines that --verbose adds to a probe's.
func (r *result) details(verbose bool) string {
	c := certOf(r.Session)
	if !verbose || c == nil {
		return ""
	}
	var b strings.Builder
	for _, line := range []struct{ name, text string }{
		{"cipher", c.Cipher}, {"alpn", c.ALPN}, {"subject", c.Subject}, {"issuer", c.Issuer}, {"names", strings.Join(c.Names, " ")},
		{"sha256", c.SHA256}, {"pin", c.Pin},
	} {
		if line.text != "" {
			fmt.Fprintf(&b, "\n  %-8s %s", line.name, show.Safe(line.text))
		}
	}
	return b.String()
}

// writeChain writes the certificates that the server has shown.
func (p *prober) writeChain(o *show.Output, r *result) error {
	if p.chain == "" || r.Session == nil {
		return nil
	}
	var b bytes.Buffer
	for _, c := range r.Session.PeerCertificates {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return err
		}
	}
	if p.chain == "-" {
		return o.Write(b.Bytes())
	}
	return os.WriteFile(p.chain, b.Bytes(), 0o644)
}
