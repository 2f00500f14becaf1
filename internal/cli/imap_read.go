package cli

import (
	"context"
	"io"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapReadVerbs are cat and get, which take sets of UIDs too.
func imapReadVerbs() []*verb {
	g := &imapGetter{}
	get := on[protocols.Getter]("get", "URL...", "save messages to files, of a set of UIDs each to its own", nil)
	get.run = g.run
	return []*verb{
		as[*imap.Client]("cat", on("cat", "URL...", "write messages to standard output", imapCat)).
			eg("imap cat 'user@host/INBOX;UID=5'", "imap cat 'user@host/INBOX;UID=5/;SECTION=HEADER'", "imap cat 'user@host/INBOX;UID=1:3,7'"),
		as[*imap.Client]("get", get.with(g.flags)).
			eg("imap get 'user@host/INBOX;UID=5' -o letter.eml", "imap get 'user@host/INBOX;UID=1:*' -o letters/"),
	}
}

// imapCat is cat for sets too. Other protocols' URLs are read as ever.
func imapCat(ctx context.Context, e *env, g protocols.Getter, name string, args []string) error {
	c, ok := g.(*imap.Client)
	if !ok || !imap.IsSet(name) {
		return cat(ctx, e, g, name, args)
	}
	if e.flags.span.set {
		return usage("cat: --range is about one message; ;PARTIAL=first.length behind the UIDs is about each")
	}
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	names, err := c.Messages(ctx, name)
	if err != nil {
		return err
	}
	var t tally
	err = c.BulkGet(ctx, names, func(text string, o *protocols.Object, err error) error {
		if most := int64(e.flags.maxSize); err == nil && most > 0 && o.Size > most {
			err = protocols.Wrap(protocols.ProtocolError("imap", "cat", "larger than the limit of "+humanBytes(most)), "imap", "cat", c.URL(text))
		}
		t.add(err)
		if err != nil {
			e.tell(named(err, "cat"))
			return nil
		}
		_, err = io.Copy(stdoutFile(w), o.Body)
		return err
	})
	if err != nil {
		return e.out.copied(err)
	}
	return t.err()
}

// imapGetter is get for sets too.
type imapGetter struct{ getter }

func (g *imapGetter) run(ctx context.Context, e *env, urls []string) error {
	if g.out == "-" {
		return on("get", "URL...", "", imapCat).run(ctx, e, urls)
	}
	var all []string
	for _, text := range urls {
		t, err := e.target(text)
		if err != nil {
			return err
		}
		if t.Spec.Name != "imap" || !imap.IsSet(t.Name) {
			all = append(all, text)
			continue
		}
		if all, err = g.expand(ctx, e, t, all); err != nil {
			return named(protocols.Wrap(err, "imap", "get", protocols.Redact(t.URL)), "get")
		}
	}
	return g.getter.run(ctx, e, all)
}

// expand adds the URL of each message of a set. They go into a folder, however many
// they are.
func (g *imapGetter) expand(ctx context.Context, e *env, t *protocols.Target, all []string) ([]string, error) {
	client, err := e.client(t)
	if err != nil {
		return nil, err
	}
	c, _ := protocols.As[*imap.Client](client)
	names, err := c.Messages(ctx, t.Name)
	if err == nil && g.out != "" {
		err = os.MkdirAll(g.out, 0o777)
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
