package verbs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// digest is the flag for the checksum that a file must have: ALGORITHM=SUM, as aria2 has
// it; the sum is in hex or base64.
type digest struct {
	text, algorithm string
	sum             []byte
}

func (d *digest) String() string { return d.text }
func (d *digest) Type() string   { return "ALGORITHM=SUM" }

func (d *digest) Set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	name = strings.ReplaceAll(strings.ToLower(name), "-", "")
	start := hashes[name]
	if start == nil {
		return fmt.Errorf("want sha-256=SUM; also sha-512, sha-1, md5, crc32")
	}
	size := start().Size()
	sum, err := hex.DecodeString(value)
	if err != nil || len(sum) != size {
		sum, err = base64.StdEncoding.DecodeString(value)
	}
	if err != nil || len(sum) != size {
		return fmt.Errorf("want %d hex digits, or base64, after the =", 2*size)
	}
	d.text, d.algorithm, d.sum = text, name, sum
	return nil
}

// given reports whether a file has to have a checksum.
func (d *digest) given() bool { return d.sum != nil }

// check compares what was read. Its error is of kind Protocol: what came is not what was
// to come.
func (d *digest) check(r io.Reader) error {
	h := hashes[d.algorithm]()
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	return d.compare(h.Sum(nil))
}

func (d *digest) compare(got []byte) error {
	if !bytes.Equal(got, d.sum) {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("--checksum: the %s is %x, not %x", d.algorithm, got, d.sum)}
	}
	return nil
}

// with adds the check to the one of --verify, before a file gets its name.
func (d *digest) with(then transfer.Verify) transfer.Verify {
	if !d.given() {
		return then
	}
	return func(ctx context.Context, c protocols.Client, name string, local io.Reader) error {
		if then == nil {
			return d.check(local)
		}
		h := hashes[d.algorithm]()
		in := io.TeeReader(local, h)
		if err := then(ctx, c, name, in); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, in); err != nil { // what the server's check did not need
			return err
		}
		return d.compare(h.Sum(nil))
	}
}

// usable refuses what a checksum cannot be for.
func (d *digest) usable(e *kit.Env, g *Getter, urls []string) error {
	switch {
	case !d.given():
		return nil
	case len(urls) > 1 || g.recursive:
		return kit.Usage("get: --checksum is for one file, not for %d URLs or a folder", max(len(urls), 2))
	case g.Out == "-":
		return kit.Usage("get: --checksum is for a file: what went to standard output cannot be taken back")
	case e.Flags.Span.Given:
		return kit.Usage("get: --checksum is of the whole file, not of a --range")
	}
	return nil
}
