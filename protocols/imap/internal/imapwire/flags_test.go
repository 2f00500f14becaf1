package imapwire

import (
	"slices"
	"strings"
	"testing"
)

// TestStorable: of the flags of a source only those are sent that the mailbox can
// store, and no system flag but the five of RFC 3501.
func TestStorable(t *testing.T) {
	flags := []string{`\Seen`, `\flagged`, `\Recent`, `\Foo`, `\$NOTJUNK`, "$Forwarded", "work", "a b", ""}
	for permanent, want := range map[string]string{
		"none named":                `\Seen \flagged $Forwarded work`,
		`\Seen \Flagged \Draft \*`:  `\Seen \flagged $Forwarded work`,
		`\Seen $forwarded`:          `\Seen $Forwarded`,
		`\Foo \Recent \Answered \*`: `$Forwarded work`,
		``:                          ``,
	} {
		var list []string
		if permanent != "none named" {
			list = append([]string{}, strings.Fields(permanent)...)
		}
		if got := Storable(flags, list); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("permanent flags %q: %q, want %q", permanent, got, want)
		}
	}
}
