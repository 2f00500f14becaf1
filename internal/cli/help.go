package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// helpCommand makes `netclients help [TOPIC | VERB | PROTOCOL [VERB]]`.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [TOPIC | VERB | PROTOCOL [VERB]]", Short: "help about anything", GroupID: groupOther, Args: cobra.ArbitraryArgs,
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
				_, err := io.WriteString(a.stdout, topics()[i].text(a))
				return show.Wrote(err)
			}
			cmd, rest, err := a.root.Find(args)
			if err != nil || len(rest) > 0 {
				return a.noSuchVerb(strings.Join(args, " "))
			}
			return show.Wrote(cmd.Help())
		},
	}
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
  NETCLIENTS_TIMEOUT, NETCLIENTS_CONNECT_TIMEOUT, NETCLIENTS_IDLE_TIMEOUT   as the flags of these names
  http_proxy, https_proxy, ftp_proxy, ... all_proxy                         proxies of the schemes; no_proxy as --noproxy
  SSLKEYLOGFILE                                                             a file for the keys of TLS, as Wireshark reads them
  NETCLIENTS_PASSWORD, NETCLIENTS_KEYRING, NETRC                            see "netclients help login"
  NETCLIENTS_CONFIG                                                         see "netclients help config"
`

// man writes a page for each command.
func (a *app) man(_ context.Context, e *kit.Env, args []string) error {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	return a.manPages(a.root, func(name string, page []byte) error {
		e.Out.Detail(name)
		return os.WriteFile(filepath.Join(args[0], name), page, 0o644)
	})
}

func (a *app) manPages(cmd *cobra.Command, write func(name string, page []byte) error) error {
	for _, c := range cmd.Commands() {
		if c.Hidden {
			continue
		}
		if err := a.manPages(c, write); err != nil {
			return err
		}
	}
	cmd.DisableAutoGenTag = true
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	var b bytes.Buffer
	err := doc.GenMan(cmd, &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Source: "netclients", Manual: "netclients"}, &b)
	if err != nil {
		return &protocols.Error{Kind: protocols.KindInternal, Err: err}
	}
	return write(name+".1", b.Bytes())
}
