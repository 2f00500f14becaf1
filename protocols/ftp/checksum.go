package ftp

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// sums are the commands that give a checksum of a file, best first: the name of
// the algorithm, the feature that announces the command, and its length in hex.
var sums = []struct {
	algorithm, verb string
	digits          int
}{
	{"sha512", "XSHA512", 128},
	{"sha256", "XSHA256", 64},
	{"sha1", "XSHA1", 40},
	{"sha1", "XSHA", 40},
	{"md5", "XMD5", 32},
	{"crc32", "XCRC", 8},
}

// hashNames maps the names of HASH (draft-bryan-ftpext-hash) to ours.
var hashNames = map[string]string{"SHA-512": "sha512", "SHA-256": "sha256", "SHA-1": "sha1", "MD5": "md5", "CRC32": "crc32"}

// Checksum asks the server for a checksum of a file: HASH, or one of XSHA512,
// XSHA256, XSHA1, XMD5, XCRC. algorithm is one of sha512, sha256, sha1, md5,
// crc32, and sum the digest (crc32: big-endian). The error is of class
// errors.ErrUnsupported when the server has none of them.
func (c *Client) Checksum(ctx context.Context, name string) (algorithm string, sum []byte, err error) {
	err = c.line.Do(ctx, "checksum", name, []string{name}, func(ctx context.Context, s *session) error {
		path, err := s.path(ctx, name)
		if err != nil {
			return err
		}
		if s.has("HASH") {
			algorithm, sum, err = s.hash(path)
			return err
		}
		for _, x := range sums {
			if s.has(x.verb) {
				algorithm = x.algorithm
				sum, err = s.xsum(x.verb, path, x.digits)
				return err
			}
		}
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the server offers no checksums (HASH, XSHA256, XMD5, XCRC)"}
	})
	return algorithm, sum, err
}

// hash reads "213 SHA-256 0-49 6ddda... name"; ProFTPD has another line before it.
func (s *session) hash(path string) (string, []byte, error) {
	r, err := s.need(2, "HASH", path)
	if err != nil {
		return "", nil, err
	}
	for _, line := range r.Lines {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		algorithm, known := hashNames[strings.ToUpper(f[0])]
		if sum, err := hex.DecodeString(f[2]); known && err == nil {
			return algorithm, sum, nil
		}
	}
	return "", nil, protocols.ProtocolError(proto, "", "reply to HASH without a hash: "+wire.Clip(r.Text()))
}

// xsum finds the word that has the right number of hexadecimal digits.
func (s *session) xsum(verb, path string, digits int) ([]byte, error) {
	r, err := s.need(2, verb, path)
	if err != nil {
		return nil, err
	}
	for _, w := range strings.Fields(strings.Join(r.Lines, " ")) {
		if verb == "XCRC" && len(w) < digits {
			w = strings.Repeat("0", digits-len(w)) + w // leading zeros are not always printed
		}
		if sum, err := hex.DecodeString(w); err == nil && len(w) == digits {
			return sum, nil
		}
	}
	return nil, protocols.ProtocolError(proto, "", "reply to "+verb+" without a checksum: "+wire.Clip(r.Text()))
}
