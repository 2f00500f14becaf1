package nntpcmd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	mailmsg "github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/nntp"
)

// nntpPostVerbs are the verbs that give articles to a server.
func nntpPostVerbs() []*kit.Verb {
	const about = "post an article: composed from flags, or finished (--raw)"
	p, s := newPoster(), newPoster()
	ih := newPoster()
	return []*kit.Verb{
		{
			Name: "post", Args: "URL", Short: about,
			Works: kit.Is[*nntp.Client], Flags: p.flags, Run: kit.On(p.post),
			Examples: []string{
				"nntp post news.example.org --from me@example.org --newsgroups comp.lang.go --subject Hello --body 'Hello, all.'",
				"nntp post news.example.org --from me@example.org --cancel '<id@example.org>' --newsgroups misc.test",
				"nntp post news.example.org --raw article.eml",
				"nntp post news.example.org/alt.binaries.test --from me@example.org --yenc file.iso --nzb file.nzb",
			},
		},
		{
			Name: "send", Args: "URL", Short: about,
			Works: kit.Is[*nntp.Client], Flags: s.flags, Run: kit.On(s.post),
			Examples: []string{"nntp send news.example.org --raw article.eml"},
		},
		{
			Name: "ihave", Args: "URL", Short: "offer a finished article to a peer (IHAVE)",
			Works: kit.Is[*nntp.Client], Run: kit.On(ih.offer),
			Flags: func(fs *pflag.FlagSet) {
				fs.StringVar(&ih.letter.RawFile, "raw", "-", "finished article in a `FILE`; - is standard input")
			},
			Examples: []string{"nntp ihave news.example.org --raw article.eml"},
		},
		{
			Name: "feed", Args: "URL FILE...", Short: "offer finished articles to a peer, streamed (MODE STREAM, CHECK, TAKETHIS)",
			Works: kit.Is[*nntp.Client], Run: kit.On(nntpFeed),
			Examples: []string{"nntp feed news.example.org articles/*.eml"},
		},
	}
}

// poster is the verb post with its flags. The message is composed as that of
// smtp send.
type poster struct {
	compose                              verbs.Composer
	letter                               verbs.Letter
	body                                 kit.Optional
	headers                              []string
	newsgroups, references               []string
	followup, distribution, organization string
	cancel, supersedes                   string
	binary                               binary
}

func newPoster() *poster { return &poster{} }

func (p *poster) flags(fs *pflag.FlagSet) {
	l := &p.letter
	fs.StringVar(&l.From, "from", "", "author `ADDR`ess")
	fs.StringVar(&l.ReplyTo, "reply-to", "", "`ADDR`ess for answers by mail")
	fs.StringArrayVarP(&p.newsgroups, "newsgroups", "n", nil, "`GROUPS` to post to, apart by commas; the default is that of the URL")
	fs.StringVar(&l.Subject, "subject", "", "subject `TEXT`")
	fs.StringArrayVar(&p.references, "references", nil, "message-`ID` of the article that this one answers, and of those before it")
	fs.StringVar(&p.followup, "followup-to", "", "`GROUPS` for answers, or poster")
	fs.StringVar(&p.distribution, "distribution", "", "how far the article goes (`WORD`)")
	fs.StringVar(&p.organization, "organization", "", "organization of the author (`TEXT`)")
	fs.StringVar(&p.cancel, "cancel", "", "cancel the article with this message-`ID`")
	fs.StringVar(&p.supersedes, "supersedes", "", "message-`ID` of the article that this one takes the place of")
	fs.Var(&p.body, "body", "the text itself")
	fs.StringVar(&l.BodyFile, "body-file", "", "`FILE` with the text; - is standard input")
	fs.StringVar(&l.HTML, "html", "", "`FILE` with the same as HTML")
	fs.StringArrayVar((*[]string)(&l.Attach), "attach", nil, "`FILE` to attach")
	fs.StringArrayVarP(&p.headers, "header", "H", nil, "further header, `'K: V'`")
	p.binary.flags(fs)
	fs.StringVar(&l.RawFile, "raw", "", "finished article in a `FILE`; - is standard input")
}

// fields are the headers of news (RFC 5536 3).
func (p *poster) fields(group string) ([]mailmsg.Field, error) {
	if len(p.newsgroups) == 0 && group != "" {
		p.newsgroups = []string{group}
	}
	if len(p.newsgroups) == 0 {
		return nil, kit.Usage("no newsgroup: give --newsgroups")
	}
	fields := []mailmsg.Field{{Name: "Newsgroups", Value: strings.Join(p.newsgroups, ",")}}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, mailmsg.Field{Name: name, Value: value})
		}
	}
	add("References", strings.Join(p.references, " "))
	add("Followup-To", p.followup)
	add("Distribution", p.distribution)
	add("Organization", p.organization)
	add("Supersedes", p.supersedes)
	if p.cancel != "" {
		add("Control", "cancel "+p.cancel)
	}
	for _, h := range p.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, kit.Usage("--header %q: want 'Name: value'", h)
		}
		add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return fields, nil
}

// article makes the article of the flags.
func (p *poster) article(e *kit.Env, group string) (*mailmsg.Message, error) {
	l := &p.letter
	l.Body = p.body.Value
	if l.RawFile != "" {
		return p.compose.Compose(e, l)
	}
	var err error
	if l.Fields, err = p.fields(group); err != nil {
		return nil, err
	}
	if p.cancel != "" { // what a cancel says is in its header; people who see it want a word
		if l.Subject == "" {
			l.Subject = "cmsg cancel " + p.cancel
		}
		if l.Body == nil && l.BodyFile == "" {
			text := "This message asks to cancel " + p.cancel + ".\n"
			l.Body = &text
		}
	}
	if l.Body == nil && l.BodyFile == "" && l.HTML == "" && len(l.Attach) == 0 {
		l.BodyFile = "-"
	}
	return p.compose.Compose(e, l)
}

func (p *poster) post(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
	if len(p.binary.files) > 0 {
		h, err := p.binaryHead(at.Name)
		if err != nil {
			return err
		}
		return p.binary.post(ctx, e, c, at, h)
	}
	if p.binary.nzb != "" {
		return kit.Usage("post: --nzb is for --yenc")
	}
	msg, err := p.article(e, at.Name)
	if err != nil {
		return err
	}
	body, err := msg.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	r, err := c.Send(ctx, &protocols.Message{Body: body, Size: msg.Size})
	if err != nil {
		return err
	}
	return posted(e, at, r)
}

// posted prints the result of a message that was taken.
func posted(e *kit.Env, at *protocols.Target, r *protocols.Receipt) error {
	reply := strings.TrimSpace(strconv.Itoa(r.Reply.Code) + " " + strings.Join(r.Reply.Lines, " "))
	res := verbs.SentJSON{Protocol: at.Spec.Name, URL: protocols.Redact(at.URL), MessageID: r.MessageID, Bytes: r.Bytes, Reply: reply, Recipients: []protocols.Recipient{}}
	return e.Out.Record(res, func() string { return show.Safe("accepted  " + r.MessageID + "  " + reply) })
}

// offer is ihave: the message-id is that of the article.
func (p *poster) offer(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, _ []string) error {
	part, err := p.compose.Content(e, p.letter.RawFile)
	if err != nil {
		return err
	}
	id, err := messageID(part)
	if err != nil {
		return err
	}
	body, err := part.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	feeding(c)
	r, err := c.IHave(ctx, id, body)
	if err != nil {
		return err
	}
	return posted(e, at, r)
}

// feeding: a peer that feeds is not a reader, unless the user says so.
func feeding(c *nntp.Client) {
	if c.Settings.Reader == nntp.ReaderAuto {
		c.Settings.Reader = nntp.ReaderNever
	}
}

// messageID finds the message-id of a finished article.
func messageID(part *mailmsg.Part) (string, error) {
	msg, err := mailmsg.Finished(part.Open, part.Size, false, mailmsg.Given{Sender: true, Recipients: true})
	if err != nil {
		return "", err
	}
	if msg.ID == "" {
		return "", kit.Usage("the article has no Message-ID")
	}
	return msg.ID, nil
}

// nntpFeed offers files. What the peer does not want is told, and is not a failure.
func nntpFeed(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, files []string) error {
	feeding(c)
	var t kit.Tally
	offers := func(yield func(nntp.Offer) bool) {
		for _, file := range files {
			part, err := mailmsg.File(file)
			id := ""
			if err == nil {
				id, err = messageID(part)
			}
			if err != nil {
				t.Add(err)
				e.Tell(err)
				continue
			}
			if !yield(nntp.Offer{ID: id, Open: func() (io.ReadCloser, error) { return part.Open() }}) {
				return
			}
		}
	}
	err := c.Feed(ctx, offers, func(id string, err error) error {
		status := "done"
		switch {
		case errors.Is(err, fs.ErrExist):
			status = "skipped"
		case err != nil:
			t.Add(err)
			e.Tell(err)
			return nil
		}
		t.Add(nil)
		return e.Out.Record(map[string]string{"protocol": at.Spec.Name, "message_id": id, "status": status}, func() string { return show.Safe(status + "  " + id) })
	})
	if err != nil {
		return err
	}
	return t.Err()
}
