package socket

import (
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestFamilyOfAnAddress: an IPv4 address is that and nothing else, also 0.0.0.0; a name, no
// host and :: are both families, unless one was asked for.
func TestFamilyOfAnAddress(t *testing.T) {
	for host, want := range map[string]string{"0.0.0.0:7": "4", "127.0.0.1:7": "4", "[::]:7": "", ":7": "", "localhost:7": ""} {
		if got := familySuffix(0, &url.URL{Scheme: "tcp", Host: host}); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	if got := familySuffix(6, &url.URL{Scheme: "tcp", Host: ":7"}); got != "6" {
		t.Errorf("-6: %q", got)
	}
	s, err := Listen(t.Context(), labtest.URL(t, "tcp://0.0.0.0:0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ip := s.Addr().String(); ip[0] != '0' {
		t.Errorf("listens on %s", ip)
	}
}
