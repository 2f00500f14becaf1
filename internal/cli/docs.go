package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// VerbsDoc returns docs/verbs.md: the verb table bound to every protocol.
func VerbsDoc() (string, error) {
	reg, err := all.All()
	if err != nil {
		return "", err
	}
	a := &app{reg: reg, verbs: verbTable(reg), setups: setupTable()}
	var b strings.Builder
	b.WriteString("# Verbs\n\nMade from the verb table of `internal/cli`; `go test ./internal/cli -run TestVerbsDoc -update` writes it again.\n\n")
	b.WriteString("A verb exists for a protocol when its client has the capability. Both forms work:\n`netclients VERB URL` and `netclients PROTOCOL VERB TARGET`.\n\n")
	a.matrix(&b)
	for _, s := range a.shown() {
		a.ownVerbs(&b, s)
	}
	return b.String(), nil
}

// shown are the adapters of the catalog, the local files last.
func (a *app) shown() []*protocols.Spec {
	specs := a.reg.Specs()
	slices.SortStableFunc(specs, func(x, y *protocols.Spec) int {
		switch {
		case x.Hidden == y.Hidden:
			return 0
		case x.Hidden:
			return 1
		}
		return -1
	})
	return specs
}

// matrix writes the table of generic verbs and protocols.
func (a *app) matrix(b *strings.Builder) {
	b.WriteString("| verb |")
	specs := a.shown()
	for _, s := range specs {
		b.WriteString(" " + s.Name + " |")
	}
	b.WriteString(" does |\n|---|" + strings.Repeat("---|", len(specs)+1) + "\n")
	var names []string
	for _, v := range a.verbs {
		if !v.Generic || slices.Contains(names, v.Name) {
			continue
		}
		names = append(names, v.Name)
		fmt.Fprintf(b, "| `%s %s` |", v.Name, v.Args)
		for _, s := range specs {
			mark := " "
			if a.lookup(v.Name, s) != nil {
				mark = "x"
			}
			b.WriteString(" " + mark + " |")
		}
		b.WriteString(" " + v.Short + " |\n")
	}
}

// ownVerbs writes the verbs that only one protocol has.
func (a *app) ownVerbs(b *strings.Builder, s *protocols.Spec) {
	head := false
	for _, v := range a.verbsOf(s) {
		if v.Generic {
			continue
		}
		if !head {
			fmt.Fprintf(b, "\n## %s\n\n| verb | does |\n|---|---|\n", s.Name)
			head = true
		}
		fmt.Fprintf(b, "| `%s %s` | %s |\n", v.Name, v.Args, v.Short)
	}
}
