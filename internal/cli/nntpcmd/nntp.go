// Package nntpcmd has the verbs that only NNTP has, and its flags.
package nntpcmd

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpVerbs are the verbs that only NNTP has, and generic ones with more flags.
func Verbs() []*kit.Verb {
	list, groups := nntpLister{lister: verbs.NewLister()}, nntpLister{lister: verbs.NewLister()}
	return append([]*kit.Verb{
		{
			Name: "ls", Args: "URL...", Short: "list groups, or the articles of a group",
			Works: kit.Is[*nntp.Client], Flags: list.flags, Run: kit.Each(list.run),
			Examples: []string{"ls -l nntp://news.example.org/", "nntp ls 'news.example.org/comp.lang.*'", "nntp ls --newest 20 news.example.org/comp.lang.go"},
		},
		{
			Name: "groups", Args: "URL [WILDMAT]", Short: "list groups, or the articles of a group",
			Works: kit.Is[*nntp.Client], Flags: groups.flags, Run: kit.On(groups.run),
			Examples: []string{"nntp groups news.example.org 'comp.lang.*'"},
		},
		nntpOverVerb(),
		{
			Name: "hdr", Args: "URL FIELD [RANGE]", Short: "one header of a group's articles (HDR, XHDR)",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpHeader),
			Examples: []string{"nntp hdr news.example.org/comp.lang.go Subject 57-"},
		},
		{
			Name: "list", Args: "URL [KIND] [ARG]", Short: "a list of the server: active (the groups; the default), active.times, newsgroups, headers, distrib.pats, motd, overview.fmt",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpLists),
			Examples: []string{
				"nntp list news.example.org active.times 'comp.*'",
				"nntp list news.example.org motd",
			},
		},
		{
			Name: "listgroup", Args: "URL [RANGE]", Short: "article numbers of a group (LISTGROUP)",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpNumbers),
			Examples: []string{"nntp listgroup news.example.org/comp.lang.go"},
		},
		{
			Name: "next", Args: "URL", Short: "the article after one of a group (NEXT)",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpNeighbour(true)),
			Examples: []string{"nntp next news.example.org/comp.lang.go/57"},
		},
		{
			Name: "last", Args: "URL", Short: "the article before one of a group (LAST)",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpNeighbour(false)),
			Examples: []string{"nntp last news.example.org/comp.lang.go/57"},
		},
		{
			Name: "newgroups", Args: "URL SINCE", Short: "groups made since a time",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpNewGroups),
			Examples: []string{
				"nntp newgroups news.example.org 720h",
				"nntp newgroups news.example.org 2026-01-02T15:04:05Z",
			},
		},
		{
			Name: "newnews", Args: "URL SINCE [WILDMAT]", Short: "message-ids of articles that came since a time",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpNewNews),
			Examples: []string{"nntp newnews news.example.org 24h 'comp.lang.*'"},
		},
		{
			Name: "date", Args: "URL", Short: "the server's time",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpDate),
			Examples: []string{"nntp date news.example.org"},
		},
		{
			Name: "help", Args: "URL", Short: "the server's help text",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpHelp),
			Examples: []string{"nntp help news.example.org"},
		},
		{
			Name: "raw", Args: "URL CMD...", Short: "send commands after login, print the replies",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpRaw),
			Examples: []string{"nntp raw news.example.org 'LIST MOTD' 'GROUP comp.lang.go' STAT"},
		},
	}, append(nntpReadVerbs(), nntpPostVerbs()...)...)
}

// nntpFlags are the flags that all verbs of NNTP have.
func Flags() *kit.Setup {
	var s nntp.Settings
	compress, reader := kit.OneOf("off", "off", "auto", "deflate", "gzip"), kit.OneOf("auto", "auto", "always", "never")
	compressions := map[string]nntp.Compression{"auto": nntp.CompressAuto, "deflate": nntp.CompressDeflate, "gzip": nntp.CompressGzip}
	readers := map[string]nntp.Reader{"always": nntp.ReaderAlways, "never": nntp.ReaderNever}
	var fill []string
	flags := kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.StringArrayVar(&fill, "fill", nil, "another server's `URL`, to be asked by message-id for articles that are missing")
		fs.Var(&compress, "compress", "compression: off, auto (DEFLATE where offered, on the way to another machine), deflate, gzip (XFEATURE)")
		fs.Var(&reader, "mode-reader", "send MODE READER: where it is needed, always, never")
		fs.BoolVar(&s.NoPipelining, "no-pipelining", false, "one command at a time")
		fs.BoolVar(&s.XOver, "xover", false, "use XOVER and XHDR, as before RFC 3977")
	}, func(c *nntp.Client) error {
		c.Settings = s
		c.Settings.Compress, c.Settings.Reader = compressions[compress.Value], readers[reader.Value]
		return c.SetServer(os.Getenv("NNTPSERVER"))
	})
	flags.Link = func(e *kit.Env, c protocols.Client) error { return fillFrom(e, c, fill) }
	return flags.With(nil, []string{"account"}, append([]string{"USER"}, kit.SASL...))
}

// fillFrom returns a client those of the servers that fill in for it. They are
// closed when the command ends.
func fillFrom(e *kit.Env, c protocols.Client, urls []string) error {
	client, _ := protocols.As[*nntp.Client](c)
	for _, text := range urls {
		t, err := e.Reg.Parse(text, "nntp")
		if err != nil {
			return err
		}
		other, err := nntp.New(t.URL, e.OptionsFor(t))
		if err != nil {
			return err
		}
		other.Settings = client.Settings
		e.Give("fill "+text, other)
		client.Fill = append(client.Fill, other)
	}
	return nil
}

// nntpLister is ls with a choice of articles. Other protocols' URLs may stand
// beside: they are listed as ever.
type nntpLister struct {
	lister        *verbs.Lister
	newest        kit.Count
	since, before kit.Moment
	read          newsrc
}

func (l *nntpLister) flags(fs *pflag.FlagSet) {
	l.lister.ListFlags(fs)
	l.newest.Most = math.MaxInt
	fs.Var(&l.newest, "newest", "only the newest N articles of a group")
	fs.Var(&l.since, "since", "only articles dated since then: RFC 3339, a date, or how long ago (36h, 7d)")
	fs.Var(&l.before, "before", "only articles dated before")
	l.read.flag(fs, "only groups that it subscribes to, with articles that were not read, and only those articles")
}

func (l *nntpLister) run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	if n, ok := c.(*nntp.Client); ok {
		n.Settings.Newest, n.Settings.Since, n.Settings.Before = int64(l.newest.Value), l.since.Time, l.before.Time
		if err := l.read.apply(n); err != nil {
			return err
		}
	}
	if len(args) > 0 {
		wild := *at
		wild.Name = args[0]
		at = &wild
	}
	return l.lister.Run(ctx, e, c, at, nil)
}

// ranged returns the name of a range of a group: that of the argument, or what the
// URL has.
func ranged(name string, args []string, at int) string {
	if len(args) <= at {
		return name
	}
	return strings.TrimSuffix(name, "/") + "/" + args[at]
}

func nntpOverVerb() *kit.Verb {
	var read newsrc
	over := func(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
		if err := read.apply(c); err != nil {
			return err
		}
		return nntpOver(ctx, e, c, at, args)
	}
	return &kit.Verb{
		Name: "over", Args: "URL [RANGE]", Short: "overview of a group's articles",
		Works: kit.Is[*nntp.Client], Run: kit.On(over),
		Flags:    func(fs *pflag.FlagSet) { read.flag(fs, "only articles that were not read") },
		Examples: []string{"nntp over news.example.org/comp.lang.go 57-59", "nntp over --json news.example.org/comp.lang.go/57- | jq -r .subject"},
	}
}

func nntpOver(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
	name := ranged(at.Name, args, 0)
	return e.Again(ctx, func() error {
		p := show.NewEntryPrinter(e.Out, false)
		for entry, err := range c.Overview(ctx, name) {
			if err == nil {
				err = p.Put(&entry)
			}
			if err != nil {
				_ = p.End()
				return err
			}
		}
		return p.End()
	})
}

// headerJSON is a line of hdr.
type headerJSON struct {
	Protocol  string `json:"protocol"`
	Number    int64  `json:"number,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	Field     string `json:"field"`
	Value     string `json:"value"`
}

func nntpHeader(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
	name := ranged(at.Name, args, 1)
	return e.Again(ctx, func() error {
		for h, err := range c.Header(ctx, name, args[0]) {
			if err != nil {
				return err
			}
			row := headerJSON{at.Spec.Name, h.Number, h.ID, args[0], h.Text()}
			err = e.Out.Record(row, func() string { return show.Safe(strings.TrimSpace(fmt.Sprintf("%d%s %s", h.Number, h.ID, h.Text()))) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// printLines writes lines of a server as they are, made harmless.
func printLines(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, key, command string) error {
	return e.Again(ctx, func() error {
		for line, err := range c.Lines(ctx, command) {
			if err == nil {
				err = e.Out.Record(map[string]string{"protocol": at.Spec.Name, key: line}, func() string { return show.Safe(line) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func nntpLists(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
	if len(args) == 0 {
		args = []string{"active"}
	}
	return printLines(ctx, e, c, at, "line", strings.TrimRight("LIST "+strings.ToUpper(args[0])+" "+strings.Join(args[1:], " "), " "))
}

func nntpHelp(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
	return printLines(ctx, e, c, at, "line", "HELP")
}

func nntpNumbers(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
	name := ranged(at.Name, args, 0)
	return e.Again(ctx, func() error {
		for n, err := range c.Numbers(ctx, name) {
			if err == nil {
				err = e.Out.Record(map[string]any{"protocol": at.Spec.Name, "number": n}, func() string { return show.Number(n) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func nntpNeighbour(next bool) kit.Action[*nntp.Client] {
	return func(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
		entry, err := c.Neighbour(ctx, at.Name, next)
		if err != nil {
			return err
		}
		return e.Out.Record(entry, func() string { return show.Safe(fmt.Sprintf("%d %s", entry.Number, entry.MessageID)) })
	}
}

// sinceServer is a time back from now as the server's clock has it, where a
// duration was given.
func sinceServer(ctx context.Context, c *nntp.Client, text string) (time.Time, error) {
	now := time.Now()
	if _, err := kit.ParseDuration(strings.TrimSuffix(text, "d")); err == nil {
		if at, err := c.Date(ctx); err == nil {
			now = at
		}
	}
	since, err := kit.ParseMoment(text, now)
	if err != nil {
		return since, kit.Usage("%v", err)
	}
	return since, nil
}

func nntpNewGroups(ctx context.Context, e *kit.Env, c *nntp.Client, _ *protocols.Target, args []string) error {
	since, err := sinceServer(ctx, c, args[0])
	if err != nil {
		return err
	}
	return e.Again(ctx, func() error { return verbs.NewLister().Print(e, "", c.NewGroups(ctx, since)) })
}

func nntpNewNews(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, args []string) error {
	since, err := sinceServer(ctx, c, args[0])
	if err != nil {
		return err
	}
	name := at.Name
	if len(args) > 1 {
		name = args[1]
	}
	return e.Again(ctx, func() error {
		for id, err := range c.NewNews(ctx, name, since) {
			if err == nil {
				err = e.Out.Record(map[string]string{"protocol": at.Spec.Name, "message_id": id}, func() string { return show.Safe(id) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func nntpDate(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
	now, err := c.Date(ctx)
	if err != nil {
		return err
	}
	text := now.Format(time.RFC3339)
	return e.Out.Record(map[string]string{"protocol": at.Spec.Name, "date": text}, func() string { return text })
}

// nntpRaw is raw with answers of any length, and with this protocol's idea of
// what is a refusal.
func nntpRaw(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, commands []string) error {
	client, ok := c.(*nntp.Client)
	if !ok {
		return verbs.Raw(ctx, e, c, at, commands)
	}
	var refused error
	for _, cmd := range commands {
		err := rawNNTP(ctx, e, client, cmd, &refused)
		if err != nil {
			return err
		}
	}
	return refused
}

func rawNNTP(ctx context.Context, e *kit.Env, c *nntp.Client, cmd string, refused *error) error {
	if e.Out.JSON {
		r, err := c.Do(ctx, cmd)
		if err != nil {
			return err
		}
		if no := c.ReplyError(r); no != nil {
			*refused = no
		}
		return verbs.PrintReply(e.Out, e.Out.Hidden.Command(cmd).Shown, r)
	}
	return c.Raw(ctx, cmd, func(r *protocols.Reply) error {
		if no := c.ReplyError(r); no != nil {
			*refused = no
		}
		return verbs.PrintReply(e.Out, e.Out.Hidden.Command(cmd).Shown, r)
	}, func(line []byte) error { return e.Out.Text(string(line)) })
}
