// Package gophercmd has the verbs that only Gopher has, and its flags.
package gophercmd

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/gopher"
)

// gopherVerbs are the verbs that only Gopher has, and search with words.
func Verbs() []*kit.Verb {
	s := verbs.NewLister()
	search := func(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
		return s.Search(ctx, e, c, at, []string{strings.Join(args, " ")})
	}
	return []*kit.Verb{
		{
			Name: "search", Args: "URL WORDS...", Short: "ask a search item (type 7) for words",
			Works: kit.Is[*gopher.Client], Flags: s.Flags, Run: kit.On(search),
			Examples: []string{"gopher search gopher.example.org/7/v2/vs archive texts", "gopher search --json gopher.example.org/7/find words | jq -r .url"},
		},
		{
			Name: "attributes", Args: "URL...", Short: "attributes and views of an item, where the server speaks Gopher+",
			Works: kit.Is[*gopher.Client], Run: kit.Each(gopherAttributes),
			Examples: []string{"gopher attributes gopher.example.org/0/README.txt"},
		},
	}
}

func gopherAttributes(ctx context.Context, e *kit.Env, c *gopher.Client, at *protocols.Target, _ []string) error {
	all, err := c.Attributes(ctx, at.Name)
	if err != nil {
		return err
	}
	for _, a := range all {
		err := e.Out.Record(a, func() string {
			lines := append([]string{a.Name + ": " + a.Value}, a.Lines...)
			for i, l := range lines {
				lines[i] = strings.TrimRight(show.Safe(l), " ")
			}
			return strings.Join(lines, "\n  ")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// politeDelay is the pause between two requests: a mirror must not take a small
// server for itself.
const politeDelay = 100 * time.Millisecond

// gopherFlags are the flags that all verbs of Gopher have.
func Flags() *kit.Setup {
	var s gopher.Settings
	delay := kit.Duration(politeDelay)
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.Binary, "binary", false, "take texts as they come: dots, and the one at the end, stay")
		fs.StringVar(&s.Charset, "charset", "", "`CHARSET` of texts and menus, to be made UTF-8; auto finds it out (always done for menus)")
		fs.BoolVar(&s.Foreign, "foreign", false, "follow items of other servers too (sync, ls -R)")
		fs.StringVar(&s.View, "view", "", "Gopher+ `VIEW` to read, as 'Text/plain De_DE'")
		fs.StringArrayVar(&s.Answers, "answer", nil, "`TEXT` that answers the next question of a Gopher+ form, line by line (cat, get)")
		fs.Var(&delay, "delay", "pause between two requests, for each of --parallel")
	}, func(c *gopher.Client) error {
		c.Settings = s
		c.Settings.Delay = time.Duration(delay)
		return nil
	}).With(kit.Scope{
		"answer": {"cat", "get", "cp"}, "view": {"cat", "get", "cp"}, "foreign": {"ls", "sync", "cat", "get", "cp", "search"}, "binary": {"cat", "get", "cp", "sync"},
	}, []string{"auth", "authzid", "account", "token-file", "token-command", "user", "password-file", "password-command"}, nil)
}
