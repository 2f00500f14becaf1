package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
)

// helpCommand makes `netclients help [TOPIC | VERB | PROTOCOL [VERB]]`.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [verbs | TOPIC | VERB | PROTOCOL [VERB]]", Short: "help about anything", GroupID: groupOther, Args: cobra.ArbitraryArgs,
		Long: "Help about a verb, about a protocol, or about a topic:\n" + topicList(),
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
			for _, t := range topics() {
				names = append(names, t.name+"\t"+t.short)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			i := slices.IndexFunc(topics(), func(t topic) bool { return len(args) == 1 && t.name == args[0] })
			if i >= 0 {
				return a.page(topics()[i].text(a))
			}
			if len(args) == 1 && args[0] == "verbs" {
				return a.helpOf(a.root)
			}
			cmd, rest, err := a.root.Find(args)
			if err != nil || len(rest) > 0 {
				return a.noSuchVerb(strings.Join(args, " "))
			}
			return show.Wrote(cmd.Help())
		},
	}
}

// page writes a text for people, wrapped at the terminal's width.
func (a *app) page(text string) error {
	_, err := io.WriteString(a.stdout, show.Wrap(text, show.Columns(a.stdout)))
	return show.Wrote(err)
}

// helpOf writes the help of a command.
func (a *app) helpOf(cmd *cobra.Command) error {
	return a.page(strings.TrimRight(cmp.Or(cmd.Long, cmd.Short), "\n") + "\n\n" + cmd.UsageString())
}

// flagHelp is the page of the flags that work everywhere, by subject.
func (a *app) flagHelp() string {
	g := kit.NewGlobals()
	var b strings.Builder
	for _, part := range []struct {
		title string
		add   func(*pflag.FlagSet)
	}{
		{"Output", g.OutputFlags}, {"Time", g.TimeFlags}, {"TLS", g.TLSFlags}, {"Login", g.LoginFlags}, {"Network and limits", g.NetworkFlags},
	} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		fs.SortFlags = false
		part.add(fs)
		fmt.Fprintf(&b, "%s:\n%s\n", part.title, fs.FlagUsages())
	}
	return b.String() + environmentText
}

// environmentText is about variables that stand for flags.
const environmentText = `Environment:
  NETCLIENTS_TIMEOUT, NETCLIENTS_LIMIT_RATE, NETCLIENTS_DRY_RUN, ...        each flag of each verb; a flag that may be repeated
                                                                            takes several lines. They come before a profile
  http_proxy, https_proxy, ftp_proxy, ... all_proxy                         proxies of the schemes; no_proxy as --noproxy
  SSLKEYLOGFILE                                                             a file for the keys of TLS, as Wireshark reads them
  NETCLIENTS_PASSWORD, NETCLIENTS_KEYRING, NETRC                            see "netclients help login"
  NETCLIENTS_CONFIG                                                         see "netclients help config"
`
