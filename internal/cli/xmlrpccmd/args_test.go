package xmlrpccmd

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
)

// TestArguments: words that are not JSON are strings, but one that was meant to be JSON is
// an error.
func TestArguments(t *testing.T) {
	for text, want := range map[string]any{
		"-1.25": -1.25, "-100": int64(-100), "[INFO] started": "[INFO] started", "{x": "{x", `"open`: `"open`, "": "", "{}": map[string]any{}, `{"a":`: `{"a":`,
		"string:-5": "-5", "[1,2]": []any{int64(1), int64(2)}, "5000000000": int64(5_000_000_000), "{name} is here": "{name} is here",
	} {
		if got, err := argument(&kit.Env{}, text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v; want %#v", text, got, err, want)
		}
	}
	for _, text := range []string{`{"a":1,}`, `["a" "b"]`, `[{"a"}]`, "int:x", "json:{x"} {
		if v, err := argument(&kit.Env{}, text); err == nil {
			t.Errorf("%q: %#v", text, v)
		}
	}
}

// TestShielded: words of a method are not taken for flags, flags are.
func TestShielded(t *testing.T) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.StringP("output", "o", "", "")
	fs.BoolP("ipv4", "4", false, "")
	fs.Bool("json", false, "")
	for line, want := range map[string]string{
		"xmlrpc call http://h m -1.25 -100 --json": "-1.25 -100",
		"xmlrpc call -4 http://h m -4 -o file":     "-4",
		"xmlrpc call http://h m -x - -.5 -1e3":     "-x -.5 -1e3",
		"xmlrpc call -o - http://h m -ofile -- -7": "",
	} {
		var got []string
		for _, a := range shielded(4)(fs, strings.Fields(line)) {
			if word, ok := strings.CutPrefix(a, shield); ok {
				got = append(got, word)
			}
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %q", line, got)
		}
	}
}
