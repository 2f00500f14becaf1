package mailtls

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols"
)

// typeTLSA is the type of the records of DANE (RFC 6698 2.1).
const typeTLSA dnsmessage.Type = 52

// maxTLSA bounds the records of a host that are looked at.
const maxTLSA = 100

// The usages of RFC 7671 that mail has (RFC 7672 3.1): the others ask for public
// authorities, which mail does not have.
const (
	usageTA = 2 // an authority, in the chain that the server presents
	usageEE = 3 // the server's own certificate or key
)

// tlsa is one record.
type tlsa struct {
	usage, selector, matching byte
	data                      []byte
}

// tlsaOf returns the records in an answer that can be used. any is whether there was one
// at all: it asks for TLS even where none can be used (RFC 7672 2.2).
func tlsaOf(a *answer) (usable []tlsa, any bool) {
	for _, rr := range a.records {
		body, ok := rr.Body.(*dnsmessage.UnknownResource)
		if !ok || rr.Header.Type != typeTLSA {
			continue
		}
		any = true
		if r, ok := parseTLSA(body.Data); ok && len(usable) < maxTLSA {
			usable = append(usable, r)
		}
	}
	return usable, any
}

func parseTLSA(b []byte) (tlsa, bool) {
	if len(b) < 4 {
		return tlsa{}, false
	}
	r := tlsa{b[0], b[1], b[2], b[3:]}
	sizes := map[byte]int{1: sha256.Size, 2: sha512.Size}
	size, digest := sizes[r.matching]
	ok := (r.usage == usageTA || r.usage == usageEE) && r.selector <= 1 && r.matching <= 2 && (!digest || len(r.data) == size)
	return r, ok
}

func (r tlsa) String() string { return fmt.Sprintf("%d %d %d", r.usage, r.selector, r.matching) }

// matches reports whether a record is about a certificate.
func (r tlsa) matches(c *x509.Certificate) bool {
	form := c.Raw
	if r.selector == 1 {
		form = c.RawSubjectPublicKeyInfo
	}
	switch r.matching {
	case 1:
		sum := sha256.Sum256(form)
		form = sum[:]
	case 2:
		sum := sha512.Sum512(form)
		form = sum[:]
	}
	return bytes.Equal(form, r.data)
}

// dane checks what a server presents against the records of its host (RFC 7672 3.1). Of a
// server's own certificate neither names nor dates count; one below an authority must be
// valid for one of the names.
type dane struct {
	host    string
	records []tlsa
	names   []string
	now     func() time.Time
}

func (d *dane) verify(s tls.ConnectionState) error {
	chain := s.PeerCertificates
	if len(chain) == 0 {
		return d.refuse("the server presents no certificate")
	}
	why := "no TLSA record matches the certificate"
	for _, r := range d.records {
		if r.usage == usageEE && r.matches(chain[0]) {
			return nil
		}
	}
	for _, r := range d.records {
		if r.usage != usageTA {
			continue
		}
		if anchor := r.anchor(chain); anchor != nil {
			err := d.below(chain, anchor)
			if err == nil {
				return nil
			}
			why = err.Error()
		}
	}
	return d.refuse(why)
}

// anchor returns the authority that a record names: from the chain above the server's own
// certificate, or from the record itself where it holds the whole certificate.
func (r tlsa) anchor(chain []*x509.Certificate) *x509.Certificate {
	for _, c := range chain[1:] {
		if r.matches(c) {
			return c
		}
	}
	if r.selector != 0 || r.matching != 0 {
		return nil
	}
	c, err := x509.ParseCertificate(r.data)
	if err != nil {
		return nil
	}
	return c
}

// below checks that the chain leads to the authority, and the names.
func (d *dane) below(chain []*x509.Certificate, anchor *x509.Certificate) error {
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: d.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	o.Roots.AddCert(anchor)
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(o); err != nil {
		return err
	}
	var err error
	for _, name := range d.names {
		if err = chain[0].VerifyHostname(name); err == nil {
			return nil
		}
	}
	return err
}

func (d *dane) refuse(why string) error {
	return &protocols.Error{
		Kind: protocols.KindTLS, Text: "DANE of " + d.host + ": " + why,
		Hint: "the records of the host and its certificate do not belong together: tell its postmaster, or send with --mx-policy off",
	}
}
