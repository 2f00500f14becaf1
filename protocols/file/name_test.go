package file

import (
	"os"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestSafeName(t *testing.T) {
	long := strings.Repeat("n", 255)
	tests := []struct{ name, unix, windows string }{
		{"plain.txt", "plain.txt", "plain.txt"},
		{"-rf", "-rf", "-rf"},
		{" a b ", " a b ", " a b%20"},
		{"...", "...", "..%2E"},
		{"ümlaut", "ümlaut", "ümlaut"},
		{"bad\xff\xfe", "bad\xff\xfe", "bad\xff\xfe"},
		{"a\x1b[2J", "a%1B[2J", "a%1B[2J"},
		{"a\nb\x7f\u009b", "a%0Ab%7F%C2%9B", "a%0Ab%7F%C2%9B"},
		{"100%", "100%", "100%"},
		{"a%20b", "a%20b", "a%2520b"},
		{"a%0Ab", "a%250Ab", "a%250Ab"},
		{"C:\\x", "C:\\x", "C%3A%5Cx"},
		{"..\\x", "..\\x", "..%5Cx"},
		{"con", "con", "%63on"},
		{"COM1.txt", "COM1.txt", "%43OM1.txt"},
		{"COMx", "COMx", "COMx"},
		{long, long, long},
	}
	for _, tt := range tests {
		for system, want := range map[string]string{"linux": tt.unix, "windows": tt.windows} {
			if got, err := safeName(tt.name, system); err != nil || got != want {
				t.Errorf("%s: %q returned %q, %v; want %q", system, tt.name, got, err, want)
			}
		}
	}
	for _, bad := range []string{"", ".", "..", "/", "a/b", "/abs", "../x", "a\x00", long + "n", strings.Repeat("\x01", 90), "x.ncpart", "x.ncpart.json"} {
		if got, err := SafeName(bad); protocols.KindOf(err) != protocols.KindLocal || len(err.Error()) > 600 {
			t.Errorf("%q returned %q, %v", bad, got, err)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"a", "..", "a/b", "\x00", "%0A", "\xc2\x9b", "nul", "a."} {
		f.Add(s, s+"x")
	}
	dir := f.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, system := range []string{"linux", "windows"} {
			x, err := safeName(a, system)
			if err != nil {
				continue
			}
			if x == "" || x == "." || x == ".." || len(x) > maxName || strings.ContainsAny(x, "/\x00\r\n\x1b") {
				t.Errorf("%q returned %q", a, x)
			}
			if y, err := safeName(b, system); err == nil && a != b && x == y {
				t.Errorf("%q and %q both give %q", a, b, x)
			}
		}
		x, err := SafeName(a)
		if err != nil {
			return
		}
		check(t, root.WriteFile(x, nil, 0o600))
		in, err := os.ReadDir(dir)
		check(t, err)
		if len(in) != 1 || in[0].Name() != x {
			t.Errorf("%q made %v", x, in)
		}
		check(t, root.Remove(x))
	})
}
