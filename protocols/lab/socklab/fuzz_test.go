package socklab

import (
	"bufio"
	"bytes"
	"net"
	"testing"
)

// FuzzSOCKSRequest reads requests from any bytes.
func FuzzSOCKSRequest(f *testing.F) {
	f.Add([]byte("\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"))
	f.Add([]byte("\x05\x01\x00\x03\x01x\x00\x50"))
	f.Fuzz(func(t *testing.T, in []byte) {
		target, err := socksRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return
		}
		if _, _, err := net.SplitHostPort(target); err != nil && in[3] != 3 {
			t.Errorf("%q: %v", target, err)
		}
	})
}
