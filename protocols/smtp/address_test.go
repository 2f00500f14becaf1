package smtp

import "testing"

// TestPath: the server judges addresses. Only what could end the path or the
// command is refused.
func TestPath(t *testing.T) {
	for address, want := range map[string]string{
		"a@B.example":         "<a@b.example>",
		"root":                "<root>",
		"a..b@docomo.example": "<a..b@docomo.example>",
		"two words@x.example": "<two words@x.example>",
		"a@no_such host":      "<a@no_such host>",
		"a@[IPv6:::1]":        "<a@[IPv6:::1]>",
		`"a>b"@x.example`:     `<"a>b"@x.example>`,
		"a@ü.example":         "<a@xn--tda.example>",
		"":                    "",
		"<a@x.example>":       "",
		`"a>b@x.example`:      "",
		`"a\">b@x.example`:    "",
		"a@x.example> SIZE=1": "",
		"a@x.example\nQUIT":   "",
		"a\x00@x.example":     "",
		"\xff@x.example":      "",
	} {
		got, _, err := path(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", address, got, err, want)
		}
	}
}
