package cli

import (
	"context"
	"io"
	"iter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpReadVerbs are the verbs that read articles, also whole ranges of them.
func nntpReadVerbs() []*verb {
	return []*verb{
		nntpGet(),
		nntpSync(),
		as[*nntp.Client]("cat", on("cat", "URL...", "write articles to standard output", nntpCat)).
			eg("nntp cat news.example.org/comp.lang.go/57", "nntp cat news.example.org/comp.lang.go/57-59", "nntp cat 'news://news.example.org/id@example.org'"),
		on("head", "URL...", "write the headers of articles", nntpPart(nntp.Head)).only().eg("nntp head news.example.org/comp.lang.go/57"),
		on("body", "URL...", "write the bodies of articles", nntpPart(nntp.Body)).only().eg("nntp body news.example.org/comp.lang.go/57"),
		as[*nntp.Client]("stat", on("stat", "URL...", "describe a group or articles", nntpStat)).
			eg("nntp stat news.example.org/comp.lang.go", "nntp stat news.example.org/comp.lang.go/57"),
	}
}

// nntpCat is cat for ranges too. Other protocols' URLs are read as ever.
func nntpCat(ctx context.Context, e *env, c protocols.Getter, name string, args []string) error {
	n, ok := c.(*nntp.Client)
	if !ok || !nntp.IsRange(name) {
		return cat(ctx, e, c, name, args)
	}
	return nntpPart(nntp.Whole)(ctx, e, n, name, args)
}

// nntpPart writes a part of an article, or of all of a range, pipelined.
func nntpPart(part nntp.Part) action[*nntp.Client] {
	return func(ctx context.Context, e *env, c *nntp.Client, name string, _ []string) error {
		w, err := e.out.bytes()
		if err != nil {
			return err
		}
		names, err := articleNames(ctx, c, name)
		if err != nil {
			return err
		}
		var t tally
		err = c.BulkPart(ctx, names, part, func(_ string, o *protocols.Object, err error) error {
			if err != nil && !nntp.IsRange(name) {
				return err
			}
			if err != nil {
				t.add(err)
				e.tell(err)
				return nil
			}
			_, err = io.Copy(stdoutFile(w), o.Body)
			if err == nil && part == nntp.Head && nntp.IsRange(name) { // headers have no end of their own
				_, err = io.WriteString(stdoutFile(w), "\r\n")
			}
			t.add(err)
			return err
		})
		if err != nil {
			return e.out.copied(err)
		}
		return t.err()
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
func nntpStat(ctx context.Context, e *env, c protocols.Statter, name string, args []string) error {
	n, ok := c.(*nntp.Client)
	if ok && nntp.IsRange(name) {
		return nntpOver(ctx, e, n, name, nil)
	}
	client, _ := c.(protocols.Client)
	return newLister().stat(ctx, e, client, name, args)
}
