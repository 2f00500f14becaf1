package imapcmd

import (
	"context"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapReadVerbs are cat and get, which take sets of UIDs too.
func imapReadVerbs() []*kit.Verb {
	g := &imapGetter{}
	return []*kit.Verb{
		{
			Name: "cat", Args: "URL...", Short: "write messages to standard output",
			Works: kit.Is[*imap.Client], Run: kit.Each(imapCat),
			Examples: []string{
				"imap cat 'user@host/INBOX;UID=5'",
				"imap cat 'user@host/INBOX;UID=5/;SECTION=HEADER'",
				"imap cat 'user@host/INBOX;UID=1:3,7'",
			},
		},
		{
			Name: "get", Args: "URL...", Short: "save messages to files, of a set of UIDs each to its own",
			Works: kit.Is[*imap.Client], Flags: g.flags, Run: g.run,
			Examples: []string{"imap get 'user@host/INBOX;UID=5' -o letter.eml", "imap get 'user@host/INBOX;UID=1:*' -o letters/", "imap get 'user@host/INBOX;UID=5' --attachments files/"},
		},
	}
}

// imapCat is cat for sets too. Other protocols' URLs are read as ever.
func imapCat(ctx context.Context, e *kit.Env, g protocols.Client, at *protocols.Target, args []string) error {
	c, ok := g.(*imap.Client)
	if !ok || !imap.IsSet(at.Name) {
		return verbs.Cat(ctx, e, g, at, args)
	}
	if e.Flags.Span.Given {
		return kit.Usage("cat: --range applies to one message; use ;PARTIAL=first.length after the UIDs for several")
	}
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	names, err := c.Messages(ctx, at.Name)
	if err != nil {
		return err
	}
	var t kit.Tally
	err = c.BulkGet(ctx, names, func(text string, o *protocols.Object, err error) error {
		if most := int64(e.Flags.MaxSize); err == nil && most > 0 && o.Size > most {
			err = protocols.Wrap(protocols.ProtocolError("imap", "cat", "larger than the limit of "+show.HumanBytes(most)), "imap", "cat", c.URL(text))
		}
		t.Add(err)
		if err != nil {
			e.Tell(kit.Named(err, "cat"))
			return nil
		}
		_, err = io.Copy(verbs.StdoutFile(w), o.Body)
		return err
	})
	if err != nil {
		return e.Out.Copied(err)
	}
	return t.Err()
}

// imapGetter is get for sets too.
type imapGetter struct {
	verbs.Getter
	attachments string
}

func (g *imapGetter) flags(fs *pflag.FlagSet) {
	g.Getter.Flags(fs)
	fs.StringVar(&g.attachments, "attachments", "", "save the attachments of the messages, decoded, in the folder `DIR`; none replaces a file")
}

func (g *imapGetter) run(ctx context.Context, e *kit.Env, urls []string) error {
	if g.attachments != "" {
		if g.Out != "" {
			return kit.Usage("get: --attachments names the folder itself: leave out --output")
		}
		return saveAttachments(ctx, e, g.attachments, urls)
	}
	if g.Out == "-" {
		return kit.Each(imapCat)(ctx, e, urls)
	}
	var all []string
	for _, text := range urls {
		t, err := e.Target(text)
		if err != nil {
			return err
		}
		if !kit.Is[*imap.Client](kit.Sample(t.Spec)) || !imap.IsSet(t.Name) {
			all = append(all, text)
			continue
		}
		if all, err = g.expand(ctx, e, t, all); err != nil {
			return kit.Named(protocols.Wrap(err, "imap", "get", protocols.Redact(t.URL)), "get")
		}
	}
	return g.Getter.Run(ctx, e, all)
}

// expand adds the URL of each message of a set. They go into a folder, however many
// they are.
func (g *imapGetter) expand(ctx context.Context, e *kit.Env, t *protocols.Target, all []string) ([]string, error) {
	client, err := e.Client(t)
	if err != nil {
		return nil, err
	}
	c, _ := protocols.As[*imap.Client](client)
	names, err := c.Messages(ctx, t.Name)
	if err == nil && g.Out != "" {
		err = os.MkdirAll(g.Out, 0o777)
	}
	if err != nil {
		return nil, err
	}
	for name := range names {
		u, err := protocols.ParseURL(c.URL(name), "")
		if err != nil {
			return nil, err
		}
		u.User = t.URL.User
		all = append(all, u.String())
	}
	return all, nil
}
