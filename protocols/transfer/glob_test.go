package transfer

import (
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	tests := []struct{ glob, yes, no string }{
		{"*.tmp", "a.tmp d/e/a.tmp .tmp", "a.tmpx tmp"},
		{"/a", "a", "d/a"},
		{"a/b", "a/b", "d/a/b a"},
		{"a/*.c", "a/x.c", "a/b/x.c x.c"},
		{"**/a", "a d/a d/e/a", "ab"},
		{"a/**", "a/b a/b/c", "a b/a"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "a/bb b"},
		{"a/**/c/**/b", "a/c/b a/1/c/2/c/3/b", "a/b"},
		{"**", "a a/b", ""},
		{"d/", "d/ x/d/", "d x/d"},
		{"[a-c]?", "bx cx", "dx b"},
		{"[!a-c]x", "dx", "ax"},
		{`\*`, "*", "a"},
		{"a**b", "ab axxb", "a/b"},
	}
	for _, tt := range tests {
		g, err := ParseGlob(tt.glob)
		check(t, err)
		for want, names := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, n := range strings.Fields(names) {
				name, dir := strings.CutSuffix(n, "/")
				if g.Match(name, dir) != want {
					t.Errorf("%q matches %q: %v", tt.glob, n, !want)
				}
			}
		}
	}
	for _, bad := range []string{"", "/", "[", "a//b", "a/[x"} {
		if _, err := ParseGlob(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestGlobIsNotSlow: many stars against a long name that does not match.
func TestGlobIsNotSlow(t *testing.T) {
	g, err := ParseGlob(strings.Repeat("**/a/", 50) + "b")
	check(t, err)
	if g.Match(strings.TrimSuffix(strings.Repeat("a/", 2000), "/"), false) {
		t.Error("matched")
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a/**/b*", "a/x/b")
	f.Add("[!x]/", "y")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := ParseGlob(pattern)
		if err != nil {
			return
		}
		g.Match(name, false)
		if g.folders && g.Match(name, false) {
			t.Error("a file matches a pattern for folders")
		}
	})
}
