package verbs

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestEachPort(t *testing.T) {
	for in, want := range map[string]string{
		"tcp://h:{20-22}": "tcp://h:20 tcp://h:21 tcp://h:22", "h:{7..7}": "h:7", "tcp://[::1]:{80-81}/": "tcp://[::1]:80/ tcp://[::1]:81/",
		"ftp://h/{1-3}": "ftp://h/{1-3}", "tcp://h:80 udp://h:{1-2}": "tcp://h:80 udp://h:1 udp://h:2",
	} {
		got, err := eachPort(strings.Fields(in))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"h:{2-1}", "h:{0-5}", "h:{1-65536}"} {
		if got, err := eachPort([]string{in}); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}
