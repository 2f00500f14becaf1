package message

import (
	"slices"
	"strings"
	"testing"
)

// TestAddresses: the server judges addresses. Quotes stay where a local part needs
// them.
func TestAddresses(t *testing.T) {
	for list, want := range map[string][]string{
		"root":                         {"root"},
		"root, Bob@x.org,postmaster":   {"root", "Bob@x.org", "postmaster"},
		"Bob <bob@x.org>, carol@x.org": {"bob@x.org", "carol@x.org"},
		`"a..b"@x.org`:                 {`"a..b"@x.org`},
		`"very odd, @x"@x.org, root`:   {`"very odd, @x"@x.org`, "root"},
		`"a\"b"@x.org`:                 {`"a\"b"@x.org`},
		"a..b@docomo.example":          {"a..b@docomo.example"},
		"two words":                    {"two words"},
		"<root":                        nil,
		"Ann <root>":                   nil,
		"Smith, John <john@x.org>":     nil,
		"a@x.org>\r\nRCPT TO:<b@x.org": nil,
		"a\x00@x.org":                  nil,
	} {
		got, err := Addresses(list)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q, %v", list, got, err)
		}
	}
	m, err := Draft{From: "a@x.org", To: []string{"root, b..c@x.org", "Dora <d@x.org>"}}.Build()
	if err != nil || !slices.Equal(m.Recipients, []string{"root", "b..c@x.org", "d@x.org"}) || !strings.Contains(text(t, m), "\r\nTo: root, b..c@x.org, \"Dora\" <d@x.org>\r\n") {
		t.Errorf("%+v, %v", m, err)
	}
}
