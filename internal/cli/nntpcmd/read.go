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
		kit.As[*nntp.Client]("cat", kit.On("cat", "URL...", "write articles to standard output", nntpCat)).
			Eg("nntp cat news.example.org/comp.lang.go/57", "nntp cat news.example.org/comp.lang.go/57-59", "nntp cat 'news://news.example.org/id@example.org'"),
		kit.On("head", "URL...", "write the headers of articles", nntpPart(nntp.Head)).Only().Eg("nntp head news.example.org/comp.lang.go/57"),
		kit.On("body", "URL...", "write the bodies of articles", nntpPart(nntp.Body)).Only().Eg("nntp body news.example.org/comp.lang.go/57"),
		kit.As[*nntp.Client]("stat", kit.On("stat", "URL...", "describe a group or articles", nntpStat)).
			Eg("nntp stat news.example.org/comp.lang.go", "nntp stat news.example.org/comp.lang.go/57"),
	}
}

// nntpCat is cat for ranges too. Other protocols' URLs are read as ever.
func nntpCat(ctx context.Context, e *kit.Env, c protocols.Getter, name string, args []string) error {
	n, ok := c.(*nntp.Client)
	if !ok || !nntp.IsRange(name) {
		return verbs.Cat(ctx, e, c, name, args)
	}
	return nntpPart(nntp.Whole)(ctx, e, n, name, args)
}

// nntpPart writes a part of an article, or of all of a range, pipelined.
func nntpPart(part nntp.Part) kit.Action[*nntp.Client] {
	return func(ctx context.Context, e *kit.Env, c *nntp.Client, name string, _ []string) error {
		w, err := e.Out.Bytes()
		if err != nil {
			return err
		}
		names, err := articleNames(ctx, c, name)
		if err != nil {
			return err
		}
		var t kit.Tally
		err = c.BulkPart(ctx, names, part, func(_ string, o *protocols.Object, err error) error {
			if err != nil && !nntp.IsRange(name) {
				return err
			}
			if err != nil {
				t.Add(err)
				e.Tell(err)
				return nil
			}
			_, err = io.Copy(verbs.StdoutFile(w), o.Body)
			if err == nil && part == nntp.Head && nntp.IsRange(name) { // headers have no end of their own
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
func nntpStat(ctx context.Context, e *kit.Env, c protocols.Statter, name string, args []string) error {
	n, ok := c.(*nntp.Client)
	if ok && nntp.IsRange(name) {
		return nntpOver(ctx, e, n, name, nil)
	}
	client, _ := c.(protocols.Client)
	return verbs.NewLister().Stat(ctx, e, client, name, args)
}
