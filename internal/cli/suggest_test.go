package cli

import (
	"strings"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	known := []string{"ls", "cat", "probe", "--x", "ftp", "http"}
	for in, want := range map[string]string{"lss": "ls", "prboe": "probe", "sl": "ls", "zzzz": "", "x": "", "send": "", "htp": "http", "fttp": "ftp"} {
		got := strings.TrimSuffix(strings.TrimPrefix(didYouMean(in, known), "; did you mean "), "?")
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
