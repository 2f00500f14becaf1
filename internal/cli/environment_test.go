package cli

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/all"
)

// TestFlagsFromEnvironment: each flag has a variable; the command line is stronger, a
// flag without effect is left alone, and what is wrong names the variable.
func TestFlagsFromEnvironment(t *testing.T) {
	s := &fakeServer{entries: entriesOf("b", "a")}
	t.Setenv("NETCLIENTS_SORT", "name")
	t.Setenv("NETCLIENTS_REVERSE", "true")
	t.Setenv("NETCLIENTS_JSON", "name")
	t.Setenv("NETCLIENTS_RECURSIVE", "false")
	t.Setenv("NETCLIENTS_PROXY_HEADER", "X-A: one\nX-B: two\n")
	t.Setenv("NETCLIENTS_RESOLVE", "a.test:1:127.0.0.1\nb.test:1:127.0.0.2")
	t.Setenv("NETCLIENTS_PARALLEL", "nonsense") // ls has no such flag
	s.cli(t, "ls", "fake://h/").want(t, 0, "{\"name\":\"b\"}\n{\"name\":\"a\"}\n")
	if h := s.options.ProxyHeader; len(h) != 2 || h["X-B"][0] != "two" {
		t.Errorf("%q", h)
	}
	s.cli(t, "ls", "fake://h/", "--reverse=false", "--json=name,none").want(t, 0, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n")
	s.cli(t, "hostname", "--json=false").says(t, 0)
	t.Setenv("NETCLIENTS_REVERSE", "perhaps")
	s.cli(t, "ls", "fake://h/").says(t, 2, "NETCLIENTS_REVERSE=perhaps: want true or false")
	s.cli(t, "hostname").says(t, 0)
}

// TestEachFlagHasAVariable: the variables of all flags of all verbs and commands set them,
// and none is one that means something else.
func TestEachFlagHasAVariable(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(reg, nil, nil, nil)
	taken := []string{"NETCLIENTS_PASSWORD", "NETCLIENTS_CONFIG", "NETCLIENTS_KEYRING", "NETCLIENTS_REMOTE", "NETCLIENTS_LOCAL", "NETCLIENTS_SERVERS"}
	own := map[string]string{
		"checksum get": "md5=" + strings.Repeat("0", 32), "secret": "a=b", "var": "a=b", "before ls": "7d", "before groups": "7d", "expect-header": "A: b", "expect-status": "200",
	}
	check := func(where string, add func(*pflag.FlagSet)) {
		if add == nil {
			return
		}
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(fs)
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			name := kit.Variable(f.Name)
			if slices.Contains(taken, name) || strings.HasPrefix(name, "NETCLIENTS_LAB_") {
				t.Errorf("%s --%s: %s is taken", where, f.Name, name)
			}
			value := cmp.Or(own[f.Name+" "+where], own[f.Name], globalValue(f))
			getenv := func(key string) string { return map[string]string{name: value}[key] }
			if err := kit.FlagsFromEnvironment(fs, getenv, nil); err != nil || !f.Changed {
				t.Errorf("%s: %s=%s: %v", where, name, value, err)
			}
		})
	}
	for _, v := range a.verbs {
		check(v.Name, v.Flags)
	}
	for _, s := range a.setups {
		check("shared", s.Flags)
	}
	check("everywhere", kit.NewGlobals().Register)
}

// TestTemplate: Go's text/template for each object.
func TestTemplate(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a", "b\x1b[1m")}
	for template, want := range map[string]string{
		`{{.name}}\t{{.type}}`:                                              "a\tfile\nb\x1b[1m\tfile\n",
		`{{.name}} {{.nothing}}.`:                                           "a .\nb\x1b[1m .\n",
		`{{if eq .name "a"}}{{upper .name}}{{end}}`:                         "A\n",
		`{{pad 3 .name}}|{{pad -3 .name | truncate 2}}` + "\n":              "a  | …\n" + "b\x1b[1m|b…\n",
		`{{define "x"}}<{{.}}>{{end}}{{template "x" .name}}`:                "<a>\n<b\x1b[1m>\n",
		`{{range $k, $v := .}}{{if eq $k "name"}}{{json $v}}{{end}}{{end}}`: "\"a\"\n" + `"b\u001b[1m"` + "\n",
	} {
		s.cli(t, "ls", "fake://h/", "--template", template).want(t, 0, want)
	}
	s.cli(t, "ls", "fake://h/", "--template", "{{.name").says(t, 2, "--template: line 1: ")
	s.cli(t, "ls", "fake://h/", "--template", "{{timefmt \"15:04\" .name}}").says(t, 2, "timefmt", "is not a time")
	s.cli(t, "ls", "fake://h/", "--template", "x", "--jq", ".").says(t, 2, "use one of them")
}

// TestKeysOfObjects: --json=K1,K2 in the order asked for; objects with none of the keys
// are left out, and --jq sees what is left.
func TestKeysOfObjects(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a")}
	s.cli(t, "ls", "fake://h/", "--json=type,name").want(t, 0, `{"type":"file","name":"a"}`+"\n")
	s.cli(t, "ls", "fake://h/", "--json=nothing").want(t, 0, "")
	s.cli(t, "ls", "fake://h/", "--json=name", "--jq", "keys[]").want(t, 0, "name\n")
	s.cli(t, "ls", "fake://h/", "--json=name,").says(t, 2, "names of keys")
}
