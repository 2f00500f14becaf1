package message

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/netclients/netclients/protocols"
)

// DKIM is a signing key and the parameters of its signatures (RFC 6376, 8463).
type DKIM struct {
	Domain   string // of the signature, d=
	Selector string // of the public key in DNS, s=
	Key      crypto.Signer
}

// signedFields are signed if the message has them; From is mandatory.
var signedFields = []string{"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-Id", "In-Reply-To", "References",
	"Mime-Version", "Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe"}

// ParseKey parses a private key in PEM: PKCS #8 with RSA or Ed25519, or PKCS #1.
func ParseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, usage("the DKIM key is not PEM-encoded")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, usage("cannot parse the DKIM key: " + err.Error())
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, usage("the DKIM key is neither RSA nor Ed25519")
}

// Sign returns the message with a DKIM signature prepended. The message is read
// once to sign it and again when it is sent; it is not kept in memory.
func (m *Message) Sign(d DKIM) (*Message, error) {
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: d.Key, HeaderKeys: signedFields,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return nil, usage("DKIM: " + strings.TrimPrefix(err.Error(), "dkim: "))
	}
	r, err := m.Open()
	if err != nil {
		signer.Close()
		return nil, err
	}
	defer r.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{signer}, &crlfReader{src: r}, make([]byte, 32<<10))
	if closed := signer.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "DKIM", Err: err}
	}
	head := signer.Signature()
	signed := *m
	signed.Size += int64(len(head))
	signed.open = func() (io.ReadCloser, error) {
		r, err := m.Open()
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(strings.NewReader(head), r), r}, nil
	}
	return &signed, nil
}
