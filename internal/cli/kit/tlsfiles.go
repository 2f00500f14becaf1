package kit

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/youmark/pkcs8"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// maxPEM bounds a file with certificates or a key.
const maxPEM = 16 << 20

// tlsConfig reads the files that the TLS flags name.
func (g *Globals) tlsConfig(ctx context.Context) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tlsVersions[g.tlsMin.Value], MaxVersion: tlsVersions[g.tlsMax.Value], InsecureSkipVerify: g.insecure}
	if conf.MinVersion > conf.MaxVersion {
		return nil, Usage("--tls-min %s is above --tls-max %s", g.tlsMin.Value, g.tlsMax.Value)
	}
	if g.KeyLog != nil { // without the check it would be an interface that is not nil
		conf.KeyLogWriter = g.KeyLog
	}
	if err := g.trust(ctx, conf); err != nil {
		return nil, err
	}
	var err error
	if conf.CipherSuites, err = cipherSuites(g.ciphers); err != nil {
		return nil, err
	}
	if conf.NextProtos, err = alpnNames(g.alpn); err != nil {
		return nil, err
	}
	switch {
	case g.key != "" && g.cert == "":
		return nil, Usage("--key needs --cert")
	case g.keyPasswordFile != "" && g.cert == "":
		return nil, Usage("--key-password-file needs --cert")
	case g.cert == "":
		return conf, nil
	}
	pair, err := g.keyPair(ctx)
	conf.Certificates = []tls.Certificate{pair}
	return conf, err
}

// trust reads the certificates of --ca-file and --capath.
func (g *Globals) trust(ctx context.Context, conf *tls.Config) error {
	if g.caFile != "" {
		pem, err := file.ReadAll(ctx, g.caFile, maxPEM)
		if err != nil {
			return err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return Usage("--ca-file %s: no certificate in it", g.caFile)
		}
	}
	if g.caPath == "" {
		return nil
	}
	if conf.RootCAs == nil {
		conf.RootCAs = x509.NewCertPool()
	}
	return trustFolder(ctx, conf.RootCAs, g.caPath)
}

// maxCAFiles bounds the files of a folder with certificates.
const maxCAFiles = 10_000

// trustFolder adds the certificates in the files of a folder. What else is in it is left
// out, but one that holds none at all is an error.
func trustFolder(ctx context.Context, pool *x509.CertPool, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries[:min(len(entries), maxCAFiles)] {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxPEM {
			continue
		}
		pem, err := file.ReadAll(ctx, path, maxPEM)
		found = err == nil && pool.AppendCertsFromPEM(pem) || found
	}
	if !found {
		return Usage("--capath %s: no file in it holds a certificate", dir)
	}
	return nil
}

// keyPair reads the client certificate and its key, which may be encrypted.
func (g *Globals) keyPair(ctx context.Context) (tls.Certificate, error) {
	keyFile := cmp.Or(g.key, g.cert)
	var none tls.Certificate
	cert, err := file.ReadAll(ctx, g.cert, maxPEM)
	if err != nil {
		return none, err
	}
	key, err := file.ReadAll(ctx, keyFile, maxPEM)
	if err != nil {
		return none, err
	}
	if key, err = g.plainKey(ctx, key, keyFile); err != nil {
		return none, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return none, Usage("--cert %s: %v", g.cert, err)
	}
	return pair, nil
}

// plainKey decrypts the private key in a PEM file when it is encrypted: PKCS #8
// (RFC 5958), or the older form of RFC 1421.
func (g *Globals) plainKey(ctx context.Context, text []byte, name string) ([]byte, error) {
	block := keyBlock(text)
	if block == nil || !isEncrypted(block) {
		return text, nil
	}
	if g.keyPasswordFile == "" {
		return nil, &protocols.Error{Kind: protocols.KindAuth, Text: "the key in " + name + " is encrypted", Hint: "--key-password-file FILE"}
	}
	password, err := secret.FileLine(ctx, g.keyPasswordFile, nil)
	if err != nil {
		return nil, err
	}
	key, err := decrypted(block, []byte(password))
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindAuth, Text: "the key in " + name + " cannot be decrypted: " + err.Error()}
	}
	return key, nil
}

// keyBlock finds the private key among the blocks of a PEM file.
func keyBlock(text []byte) *pem.Block {
	for {
		block, rest := pem.Decode(text)
		if block == nil || bytes.HasSuffix([]byte(block.Type), []byte("PRIVATE KEY")) {
			return block
		}
		text = rest
	}
}

func isEncrypted(block *pem.Block) bool {
	return block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != ""
}

// decrypted returns the key as PEM without its encryption.
func decrypted(block *pem.Block, password []byte) ([]byte, error) {
	var key crypto.PrivateKey
	der, err := []byte(nil), error(nil)
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		if key, err = pkcs8.ParsePKCS8PrivateKey(block.Bytes, password); err == nil {
			der, err = x509.MarshalPKCS8PrivateKey(key)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	}
	der, err = x509.DecryptPEMBlock(block, password) //nolint:staticcheck // weak, but the user has such a key
	if err == nil && !isKey(der) {                   // one wrong password in 256 leaves padding that looks right
		err = x509.IncorrectPasswordError
	}
	return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), err
}

// isKey reports whether a private key can be read, in any of the forms that
// [tls.X509KeyPair] takes.
func isKey(der []byte) bool {
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, ec := x509.ParseECPrivateKey(der)
	return pkcs1 == nil || pkcs8 == nil || ec == nil
}

// OpenKeyLog opens the file that SSLKEYLOGFILE names, for programs that look into
// TLS. Nil is none.
func OpenKeyLog(ctx context.Context, getenv func(string) string) (io.WriteCloser, error) {
	name := getenv("SSLKEYLOGFILE")
	if name == "" {
		return nil, nil
	}
	f, err := file.Open(ctx, name, file.RulePrivate, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err)
	}
	return f, nil
}
