package transport

import (
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestBindPort: a port alone is one of any address of the peer's family.
func TestBindPort(t *testing.T) {
	for peer, want := range map[string]string{"192.0.2.1:25": "0.0.0.0:4022", "[2001:db8::1]:25": "[::]:4022"} {
		if got, err := dialer(&protocols.Options{Bind: ":4022"}).bindTo(peer); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", peer, got, err)
		}
	}
	for _, bad := range []string{":", ":x", ":65536", ":-1"} {
		if got, err := dialer(&protocols.Options{Bind: bad}).bindTo("192.0.2.1:25"); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %s, %v", bad, got, err)
		}
	}
}
