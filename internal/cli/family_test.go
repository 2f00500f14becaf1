package cli

import (
	"strings"
	"testing"
)

// TestHelpOfFamilies: commands that have a word in common are not verbs of a protocol and
// take no target, and each has the flags that it uses.
func TestHelpOfFamilies(t *testing.T) {
	for _, c := range []struct {
		line       string
		want, lack []string
	}{
		{"fleet", []string{"netclients fleet COMMAND [ARG...] [flags]", "\nCommands:\n", "  cancel "}, []string{"TARGET", "Verbs:", "netclients fleet [flags]"}},
		{"trace", []string{"netclients trace COMMAND [ARG...] [flags]", "\nCommands:\n"}, []string{"TARGET", "Verbs:"}},
		{"trace show", []string{"netclients trace show FILE... [flags]"}, []string{"COMMAND"}},
		{"fleet run", []string{"--nats URLS", "--lease DURATION", "--replicas N", "--workers N", "--lane LANE"}, nil},
		{"fleet work", []string{"--lanes LANES", "--replicas N"}, nil},
		{"fleet serve", []string{"--listen ADDR", "--lease DURATION"}, []string{"--nats", "--replicas"}},
		{"fleet status", []string{"--nats URLS", "--dir FOLDER"}, []string{"--lease", "--replicas"}},
		{"fleet purge", []string{"--nats URLS", "--yes"}, []string{"--lease", "--replicas"}},
		{"ftp", []string{"netclients ftp VERB [flags] TARGET [ARG...]", "\nVerbs:\n"}, []string{"COMMAND"}},
	} {
		t.Run(c.line, func(t *testing.T) {
			code, out, told := runCLI(t, append([]string{"help"}, strings.Fields(c.line)...)...)
			if code != 0 || told != "" {
				t.Fatalf("exit code %d, %s", code, told)
			}
			for _, s := range c.want {
				if !strings.Contains(out, s) {
					t.Errorf("no %q in\n%s", s, out)
				}
			}
			for _, s := range c.lack {
				if strings.Contains(out, s) {
					t.Errorf("%q in\n%s", s, out)
				}
			}
		})
	}
}
