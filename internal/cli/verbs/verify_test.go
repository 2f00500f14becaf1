package verbs

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestVerifySum(t *testing.T) {
	for _, c := range []struct {
		algorithm, sum, text string
		kind                 protocols.Kind
	}{
		{"md5", "5d41402abc4b2a76b9719d911017c592", "hello", protocols.KindOK},
		{"crc32", "3610a686", "hello", protocols.KindOK},
		{"crc32", "3610a686", "hullo", protocols.KindProtocol},
		{"sha3", "00", "hello", protocols.KindRefused},
	} {
		err := verifySum(t.Context(), &summing{c.algorithm, c.sum}, "x", strings.NewReader(c.text))
		if protocols.KindOf(err) != c.kind {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := verifySum(t.Context(), protocols.Client(nil), "x", strings.NewReader("")); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// summing is a client whose server knows one checksum.
type summing struct{ algorithm, sum string }

func (s *summing) Probe(context.Context) (*protocols.Report, error) { return nil, nil }

func (s *summing) Close() error { return nil }

func (s *summing) Checksum(context.Context, string) (string, []byte, error) {
	b, err := hex.DecodeString(s.sum)
	return s.algorithm, b, err
}
