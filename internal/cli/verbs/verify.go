package verbs

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// checksummer is a client whose server computes checksums of its files.
type checksummer interface {
	Checksum(ctx context.Context, name string) (algorithm string, sum []byte, err error)
}

// hashes are the algorithms that servers use. The weak ones are no protection
// against malice, but find what a line has changed.
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New,
	"crc32": func() hash.Hash { return crc32.NewIEEE() },
}

// verifySum compares local bytes with the checksum that the server reports.
func verifySum(ctx context.Context, remote protocols.Client, name string, local io.Reader) error {
	c, ok := protocols.As[checksummer](remote)
	if !ok {
		return &protocols.Error{Kind: protocols.KindUsage, Sentinel: errors.ErrUnsupported, Text: "--verify: this protocol has no checksums"}
	}
	algorithm, want, err := c.Checksum(ctx, name)
	if err != nil {
		return err
	}
	start := hashes[algorithm]
	if start == nil {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "--verify: the server's checksums are of an unknown kind, " + algorithm}
	}
	h := start()
	if _, err := io.Copy(h, local); err != nil {
		return err
	}
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("%s differs: here %x, at the server %x", algorithm, got, want)}
	}
	return nil
}

// sumJSON is what checksum prints.
type sumJSON struct {
	Protocol  string `json:"protocol"`
	URL       string `json:"url"`
	Algorithm string `json:"algorithm"`
	Sum       string `json:"sum"`
}

// Checksum prints the checksum that the server computes.
func Checksum(ctx context.Context, e *kit.Env, c checksummer, at *protocols.Target, _ []string) error {
	algorithm, sum, err := c.Checksum(ctx, at.Name)
	if err != nil {
		return err
	}
	j := sumJSON{at.Spec.Name, protocols.Redact(at.URL), algorithm, fmt.Sprintf("%x", sum)}
	return e.Out.Record(j, func() string { return fmt.Sprintf("%s:%s  %s", j.Algorithm, j.Sum, show.Safe(j.URL)) })
}
