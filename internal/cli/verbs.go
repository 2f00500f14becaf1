package cli

import (
	"slices"

	"github.com/netclients/netclients/internal/cli/doctorcmd"
	"github.com/netclients/netclients/internal/cli/ftpcmd"
	"github.com/netclients/netclients/internal/cli/gophercmd"
	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/imapcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/nntpcmd"
	"github.com/netclients/netclients/internal/cli/popcmd"
	"github.com/netclients/netclients/internal/cli/shellcmd"
	"github.com/netclients/netclients/internal/cli/smtpcmd"
	"github.com/netclients/netclients/internal/cli/socketcmd"
	"github.com/netclients/netclients/internal/cli/telnetcmd"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/internal/cli/xmlrpccmd"
	"github.com/netclients/netclients/protocols"
)

// verbTable is the verb table. A protocol's own come first: where one has the name
// of a generic verb, it takes its place for that protocol. A row that means another
// verb is that verb under one more name.
func verbTable(reg *protocols.Registry) []*kit.Verb {
	rows := verbRows()
	for i, v := range rows {
		if v.Means == "" {
			if slices.Contains(globVerbs, v.Name) {
				rows[i] = verbs.Globbed(v)
			}
			continue
		}
		for _, s := range reg.Specs() {
			c := kit.Sample(s)
			same := func(o *kit.Verb) bool { return o.Name == v.Means && o.Works(c) }
			if j := slices.IndexFunc(rows, same); v.Works(c) && j >= 0 {
				rows[i] = v.Like(rows[j])
				break
			}
		}
	}
	return rows
}

// globVerbs are the verbs whose URLs may end in a pattern. ls prints what matches, these
// do their work with each.
var globVerbs = []string{"get", "cat", "rm"}

func verbRows() []*kit.Verb {
	return slices.Concat(
		ftpcmd.Verbs(),
		httpcmd.Verbs(),
		popcmd.Verbs(),
		socketcmd.Verbs(),
		telnetcmd.Verbs(),
		smtpcmd.Verbs(),
		imapcmd.Verbs(),
		nntpcmd.Verbs(),
		gophercmd.Verbs(),
		xmlrpccmd.Verbs(),
		verbs.ListVerbs(),
		verbs.ReadVerbs(),
		verbs.SyncVerbs(),
		verbs.ChangeVerbs(),
		verbs.AskVerbs(),
		verbs.FindVerbs(),
		doctorcmd.Verbs(),
		shellcmd.Verbs(shellLine, shellVerbs),
	)
}

// setupTable is the table of flags that all verbs of a protocol have.
func setupTable() []*kit.Setup {
	return []*kit.Setup{ftpcmd.Flags(), httpcmd.Flags(), popcmd.Flags(), socketcmd.StreamFlags(), socketcmd.DatagramFlags(), telnetcmd.Flags(), smtpcmd.Flags(), imapcmd.Flags(), nntpcmd.Flags(), gophercmd.Flags(), xmlrpccmd.Flags()}
}
