package nntpcmd

import (
	"context"
	"io"
	"iter"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpReadVerbs are the verbs that read articles, also whole ranges of them.
func nntpReadVerbs() []*kit.Verb {
	return []*kit.Verb{
		nntpGet(),
		nntpSync(),
		{
			Name: "cat", Args: "URL...", Short: "write articles to standard output",
			Works: kit.Is[*nntp.Client], Run: kit.Each(nntpCat),
			Examples: []string{
				"nntp cat news.example.org/comp.lang.go/57",
				"nntp cat news.example.org/comp.lang.go/57-59",
				"nntp cat 'news://news.example.org/id@example.org'",
			},
		},
		{
			Name: "head", Args: "URL...", Short: "write the headers of articles",
			Works: kit.Is[*nntp.Client], Run: kit.Each(nntpPart(nntp.Head)),
			Examples: []string{"nntp head news.example.org/comp.lang.go/57"},
		},
		{
			Name: "body", Args: "URL...", Short: "write the bodies of articles",
			Works: kit.Is[*nntp.Client], Run: kit.Each(nntpPart(nntp.Body)),
			Examples: []string{"nntp body news.example.org/comp.lang.go/57"},
		},
		{
			Name: "stat", Args: "URL...", Short: "describe a group or articles",
			Works: kit.Is[*nntp.Client], Run: kit.Each(nntpStat),
			Examples: []string{
				"nntp stat news.example.org/comp.lang.go",
				"nntp stat news.example.org/comp.lang.go/57",
			},
		},
	}
}

// nntpCat is cat for ranges too. Other protocols' URLs are read as ever.
func nntpCat(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	n, ok := c.(*nntp.Client)
	if !ok || !nntp.IsRange(at.Name) {
		return verbs.Cat(ctx, e, c, at, args)
	}
	return nntpPart(nntp.Whole)(ctx, e, n, at, args)
}

// nntpPart writes a part of an article, or of all of a range, pipelined.
func nntpPart(part nntp.Part) kit.Action[*nntp.Client] {
	return func(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
		w, err := e.Out.Bytes()
		if err != nil {
			return err
		}
		names, err := articleNames(ctx, c, at.Name)
		if err != nil {
			return err
		}
		var t kit.Tally
		err = c.BulkPart(ctx, names, part, func(_ string, o *protocols.Object, err error) error {
			if err != nil && !nntp.IsRange(at.Name) {
				return err
			}
			if err != nil {
				t.Add(err)
				e.Tell(err)
				return nil
			}
			_, err = io.Copy(verbs.StdoutFile(w), o.Body)
			if err == nil && part == nntp.Head && nntp.IsRange(at.Name) { // headers have no end of their own
				_, err = io.WriteString(verbs.StdoutFile(w), "\r\n")
			}
			t.Add(err)
			return err
		})
		if err != nil {
			return e.Out.Copied(err)
		}
		return t.Err()
	}
}

// articleNames returns the articles that a name stands for: one, or those of a
// range, as far as they are there.
func articleNames(ctx context.Context, c *nntp.Client, name string) (iter.Seq[string], error) {
	if !nntp.IsRange(name) {
		return func(yield func(string) bool) { yield(name) }, nil
	}
	return c.Articles(ctx, name)
}

// nntpStat describes groups and articles; of a range each one that is there.
func nntpStat(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	n, ok := c.(*nntp.Client)
	if ok && nntp.IsRange(at.Name) {
		return nntpOver(ctx, e, n, at, nil)
	}
	return verbs.NewLister().Stat(ctx, e, c, at, args)
}
