package transport

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestProxyVariable: the error of a proxy that refuses connections names the variable
// that it comes from, and none where it does not come from one.
func TestProxyVariable(t *testing.T) {
	dead := "http://" + deadAddress(t)
	for name, env := range map[string]string{"": "http://elsewhere.test:1", "all_proxy": dead, "ALL_PROXY": dead} {
		t.Run(name, func(t *testing.T) {
			for _, other := range []string{"ftp_proxy", "FTP_PROXY", "all_proxy", "ALL_PROXY"} {
				t.Setenv(other, "")
			}
			if name == "" {
				t.Setenv("all_proxy", env)
			} else {
				t.Setenv(name, env)
			}
			o := &protocols.Options{Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(dead) }}
			_, err := dialer(o).Dial(t.Context(), "control", "tcp", "192.0.2.1", "21")
			e, ok := errors.AsType[*protocols.Error](err)
			if !ok || e.Kind != protocols.KindConnect || strings.Contains(e.Hint, "variable") != (name != "") || !strings.Contains(e.Hint, name) {
				t.Errorf("%v, hint %+v", err, e)
			}
		})
	}
}

// deadAddress is one where nothing listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
