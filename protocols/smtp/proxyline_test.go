package smtp

import (
	"encoding/hex"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestProxyHeader(t *testing.T) {
	const mark = "0d0a0d0a000d0a515549540a"
	tests := []struct{ line, text, binary string }{
		{"PROXY TCP4 192.0.2.1 192.0.2.2 4567 25", "PROXY TCP4 192.0.2.1 192.0.2.2 4567 25\r\n", mark + "2111000cc0000201c000020211d70019"},
		{"PROXY TCP6 2001:db8::1 ::1 1 65535", "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", mark + "21210024" + "20010db8000000000000000000000001" + "00000000000000000000000000000001" + "0001ffff"},
		{"PROXY UNKNOWN", "PROXY UNKNOWN\r\n", mark + "20000000"},
		{"", "", ""}, {"PROXY", "", ""}, {"HELO x", "", ""}, {"PROXY TCP4 192.0.2.1 192.0.2.2 4567", "", ""},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 4567 70000", "", ""}, {"PROXY TCP4 ::1 ::1 1 2", "", ""}, {"PROXY TCP6 192.0.2.1 ::1 1 2", "", ""},
		{"PROXY UDP4 192.0.2.1 192.0.2.2 1 2", "", ""}, {"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nMAIL", "", ""}, {"PROXY TCP6 fe80::1%x ::1 1 2", "", ""},
	}
	for _, tt := range tests {
		text, err := proxyHeader(tt.line, false)
		second, berr := proxyHeader(tt.line, true)
		if tt.text == "" {
			if protocols.KindOf(err) != protocols.KindUsage || protocols.KindOf(berr) != protocols.KindUsage {
				t.Errorf("%q: %v, %v", tt.line, err, berr)
			}
			continue
		}
		if text != tt.text || err != nil || hex.EncodeToString([]byte(second)) != tt.binary || berr != nil {
			t.Errorf("%q: %q %v, %x %v", tt.line, text, err, second, berr)
		}
	}
}
