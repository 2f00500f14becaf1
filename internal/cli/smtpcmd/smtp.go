// Package smtpcmd has the verbs that only SMTP has, and its flags.
package smtpcmd

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/smtp"
)

// smtpVerbs are the verbs that only SMTP has, and send, which is richer here.
func Verbs() []*kit.Verb {
	m, flush := &mailer{}, &flusher{m: &mailer{}}
	return []*kit.Verb{
		{
			Name: "send", Args: "URL [ADDR...]", Short: "compose a message, or take a finished one, and send it",
			Works: kit.Is[*smtp.Client], Flags: m.flags, Run: m.run,
			Examples: []string{
				"smtp send mail.example.org --from me@example.org --to you@example.net --subject Hello --body 'Hi there'",
				"smtp send submission://me@mail.example.org --from me@example.org --to you@example.net --html page.html --attach report.pdf",
				"smtp send mail.example.org you@example.net --from me@example.org --subject Hello <letter.txt",
				"smtp send mail.example.org --raw message.eml",
				"smtp send smtps://me@mail.example.org --batch letters.ndjson --connections 4 --json",
				"smtp send 'mailto:you@example.net?subject=Hello' --server mail.example.org --from me@example.org --body-file letter.txt",
				"smtp send --spool outbox/ mail.example.org you@example.net --from me@example.org --subject Hello <letter.txt",
				"smtp send mail.example.org --prdr --from me@example.org --to you@example.net --to me@example.net --body hello",
				"smtp send example.net --mx --dns 127.0.0.1 -v --from me@example.org --to you@example.net --body hello",
				"smtp send example.net --mx --from me@example.org --to you@example.net --quit-after rcpt",
			},
		},
		{
			Name: "flush", Args: "DIR...", Short: "send the messages that wait in a folder of send --spool",
			Works: kit.Is[*smtp.Client], Flags: flush.flags, Run: flush.run,
			Examples: []string{"smtp flush outbox/", "smtp flush --now --json outbox/"},
		},
		{
			Name: "verify", Args: "URL ADDR...", Short: "ask whether an address is there (VRFY)",
			Works: kit.Is[*smtp.Client], Run: kit.On(smtpEach("VRFY", (*smtp.Client).Verify)),
			Examples: []string{"smtp verify mail.example.org postmaster"},
		},
		{
			Name: "expand", Args: "URL LIST...", Short: "ask for the members of a list (EXPN)",
			Works: kit.Is[*smtp.Client], Run: kit.On(smtpEach("EXPN", (*smtp.Client).Expand)),
			Examples: []string{"smtp expand mail.example.org staff"},
		},
		{
			Name: "etrn", Args: "URL DOMAIN...", Short: "ask the server to send what waits for a domain (ETRN)",
			Works: kit.Is[*smtp.Client], Run: kit.On(smtpEach("ETRN", (*smtp.Client).Etrn)),
			Examples: []string{"smtp etrn mail.example.org example.org"},
		},
		{
			Name: "help", Args: "URL [TOPIC...]", Short: "what the server says to HELP",
			Works: kit.Is[*smtp.Client], Run: kit.On(smtpHelp),
			Examples: []string{"smtp help mail.example.org"},
		},
	}
}

// run sends to the server of the first argument, or of a mailto: URL.
func (m *mailer) run(ctx context.Context, e *kit.Env, args []string) error {
	if !isMailto(args[0]) {
		return kit.On(m.send)(ctx, e, args)
	}
	e.Proto = "smtp"
	if server := m.serverOf(e); server != "" && !m.mx {
		return kit.On(m.send)(ctx, e, append([]string{server}, args...))
	}
	return m.sendMailto(ctx, e, args)
}

func isMailto(text string) bool {
	scheme, _, ok := strings.Cut(text, ":")
	return ok && strings.EqualFold(scheme, "mailto")
}

// smtpEach asks the same of each argument and goes on after a refusal.
func smtpEach(verb string, ask func(*smtp.Client, context.Context, string) (*protocols.Reply, error)) kit.Action[*smtp.Client] {
	return func(ctx context.Context, e *kit.Env, c *smtp.Client, _ *protocols.Target, args []string) error {
		return e.Each(ctx, args, func(arg string) error {
			return e.Again(ctx, func() error {
				r, err := ask(c, ctx, arg)
				if err != nil {
					return err
				}
				return verbs.PrintReply(e.Out, verb+" "+arg, r)
			})
		})
	}
}

func smtpHelp(ctx context.Context, e *kit.Env, c *smtp.Client, at *protocols.Target, topics []string) error {
	if len(topics) == 0 {
		topics = []string{""}
	}
	return smtpEach("HELP", (*smtp.Client).Help)(ctx, e, c, at, topics)
}

// fullHostname returns this machine's name where it is a full one.
func fullHostname() string {
	name, err := os.Hostname()
	if err != nil || !strings.Contains(name, ".") {
		return ""
	}
	return name
}

// smtpFlags are the flags that all verbs of SMTP have.
func Flags() *kit.Setup {
	var s smtp.Settings
	newlines := kit.OneOf("normalize", "normalize", "refuse")
	chunking := kit.OneOf("auto", "auto", "never")
	version := kit.OneOf("1", "1", "2")
	var pose []string
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.StringVar(&s.Hello, "hello", "", "`NAME` to greet with; the default is this host's")
		fs.Var(&newlines, "bare-newlines", "bare CR or LF in a message: make them CRLF, or refuse it")
		fs.Var(&chunking, "chunking", "send content by BDAT where the server takes it: auto, never")
		fs.BoolVar(&s.NoPipelining, "no-pipelining", false, "wait for each reply")
		fs.BoolVar(&s.NoInitial, "no-initial-response", false, "never send a response with AUTH itself")
		fs.BoolVar(&s.AllOrNone, "all-or-none", false, "send a message to all of its recipients or to none")
		fs.BoolVar(&s.IgnoreSize, "ignore-size", false, "offer even what is larger than the server says it takes")
		fs.StringVar(&s.ProxyHeader, "proxy-header", "", "`LINE` of the PROXY protocol to begin with: 'PROXY TCP4 FROM TO PORT PORT'")
		fs.Var(&version, "proxy-version", "version of the PROXY protocol: 1, 2 (binary)")
		fs.StringArrayVar(&pose, "xclient", nil, "be another client to a server that trusts us: `NAME=VALUE` (XCLIENT)")
	}, func(c *smtp.Client) error {
		name := c.Settings.Hello // by the URL
		c.Settings = s
		c.Settings.ProxyBinary = version.Value == "2"
		if s.Hello == "" {
			c.Settings.Hello = cmp.Or(name, fullHostname())
		}
		if newlines.Value == "refuse" {
			c.Settings.Newlines = smtp.Refuse
		}
		if chunking.Value == "never" {
			c.Settings.Chunking = smtp.ChunkNever
		}
		for _, p := range pose {
			key, value, ok := strings.Cut(p, "=")
			if !ok || key == "" {
				return kit.Usage("--xclient %s: want NAME=VALUE", p)
			}
			if c.Settings.XClient == nil {
				c.Settings.XClient = map[string]string{}
			}
			c.Settings.XClient[key] = value
		}
		return nil
	}).With(kit.Scope{
		"bare-newlines": sends, "chunking": sends, "all-or-none": sends, "ignore-size": sends,
	}, []string{"account"}, kit.SASL)
}

// sends are the verbs that flags about messages are for.
var sends = []string{"send"}
