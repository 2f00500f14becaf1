package mailstore

import (
	"slices"
	"testing"
)

// On Windows a name with a colon would be a stream of another file.
func TestInfoMark(t *testing.T) {
	for _, c := range []struct {
		system, name, base string
		flags              []string
	}{
		{"linux", "1.M2.host:2,FS", "1.M2.host", []string{`\Flagged`, `\Seen`}},
		{"darwin", "1.M2.host:1,x:2,S", "1.M2.host", []string{`\Seen`}},
		{"linux", "1;M2.host", "1;M2.host", []string{}},
		{"windows", "1.M2.host;2,FS", "1.M2.host", []string{`\Flagged`, `\Seen`}},
		{"windows", "1.M2.host", "1.M2.host", []string{}},
	} {
		t.Run(c.system+" "+c.name, func(t *testing.T) {
			base, flags := cutInfoAt(c.name, infoMarkOn(c.system))
			if base != c.base || !slices.Equal(flags, c.flags) {
				t.Errorf("%q %q, want %q %q", base, flags, c.base, c.flags)
			}
		})
	}
}
