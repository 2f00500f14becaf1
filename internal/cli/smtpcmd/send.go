package smtpcmd

import (
	"cmp"
	"context"
	"crypto"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	mailmsg "github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
)

// mailer is the verb send of SMTP.
type mailer struct {
	verbs.Composer
	letter       verbs.Letter
	body         kit.Optional
	envelopeFrom kit.Optional
	headers      []string
	print        bool
	batch        string
	connections  int
	quitAfter    string
	mx           bool
	dns          string
	mxPolicy     kit.Choice
	server       string
	spool        string

	options     smtp.Mail
	deliverBy   kit.Duration
	priority    int
	prioritySet bool

	dkimKey, dkimDomain, dkimSelector string

	signer crypto.Signer
	keyMu  sync.Mutex
}

func (m *mailer) flags(fs *pflag.FlagSet) {
	l := &m.letter
	fs.StringVar(&l.From, "from", "", "sender `ADDR`, of the header and the envelope")
	fs.StringArrayVar((*[]string)(&l.To), "to", nil, "recipient `ADDR`")
	fs.StringArrayVar((*[]string)(&l.Cc), "cc", nil, "address `ADDR` for a copy")
	fs.StringArrayVar((*[]string)(&l.Bcc), "bcc", nil, "address `ADDR` for a copy that nobody else sees")
	fs.StringVar(&l.ReplyTo, "reply-to", "", "address `ADDR` for answers")
	fs.StringVar(&l.Subject, "subject", "", "subject `TEXT`")
	fs.Var(&m.body, "body", "the text itself")
	fs.StringVar(&l.BodyFile, "body-file", "", "`FILE` with the text; - is standard input")
	fs.StringVar(&l.HTML, "html", "", "`FILE` with the same as HTML")
	fs.StringArrayVar((*[]string)(&l.Attach), "attach", nil, "`FILE` to attach")
	fs.StringArrayVar((*[]string)(&l.Inline), "inline", nil, "`FILE` that the HTML shows, as cid:NAME")
	fs.StringArrayVarP(&m.headers, "header", "H", nil, "further header, `'K: V'`")
	fs.StringVar(&l.RawFile, "raw", "", "finished message in a `FILE`; - is standard input")
	fs.BoolVar(&m.KeepBcc, "keep-bcc", false, "leave Bcc in the header of a finished message")
	fs.Var(&m.envelopeFrom, "envelope-from", "sender of the envelope; '' is the null sender")
	fs.BoolVar(&m.print, "print", false, "show the message on standard output and send nothing")
	fs.StringVar(&m.batch, "batch", "", "many messages, one a line as JSON, from a `FILE`; - is standard input")
	fs.IntVar(&m.connections, "connections", 1, "connections to send a batch on")
	fs.StringVar(&m.quitAfter, "quit-after", "", "test the server up to a `STAGE` and send nothing: "+stageNames("/"))
	fs.StringVar(&m.server, "server", "", "`URL` of the server for a mailto: target; the default is the profile's, or SMTPSERVER")
	fs.StringVar(&m.spool, "spool", "", "store the message in the folder `DIR` first; one that cannot be sent now waits there for smtp flush")
	fs.BoolVar(&m.mx, "mx", false, "the target is a mail domain: send to the hosts of its MX records")
	m.mxFlags(fs)
	fs.StringVar(&m.dkimKey, "dkim-key", "", "sign with the private key in a PEM `FILE` (DKIM)")
	fs.StringVar(&m.dkimDomain, "dkim-domain", "", "`DOMAIN` of the signature; the default is the sender's")
	fs.StringVar(&m.dkimSelector, "dkim-selector", "default", "`NAME` of the public key in DNS")
	m.extensionFlags(fs)
}

// extensionFlags are those of the protocol's extensions.
func (m *mailer) extensionFlags(fs *pflag.FlagSet) {
	o := &m.options
	fs.StringSliceVar(&o.Notify, "dsn", nil, "reports wanted: never, or some of success,failure,delay (`WORDS`)")
	fs.StringVar(&o.Return, "dsn-return", "", "what a report returns: full or hdrs (`WHAT`)")
	fs.StringVar(&o.EnvelopeID, "envelope-id", "", "`ID` that comes back in reports")
	fs.StringVar(&o.Original, "original-recipient", "", "original recipient for reports, `TYPE;ADDR`")
	fs.BoolVar(&o.UTF8, "smtputf8", false, "ask for SMTPUTF8 also where nothing needs it")
	fs.BoolVar(&o.AsIs, "8bit-header", false, "send a header that is not ASCII as it is, also without SMTPUTF8")
	fs.BoolVar(&o.Binary, "binary", false, "send the message as it is, line ends too (BINARYMIME)")
	fs.BoolVar(&o.RequireTLS, "require-tls", false, "the message must not go on without TLS (REQUIRETLS)")
	fs.BoolVar(&o.PRDR, "prdr", false, "where the server offers it, an answer for each recipient after the message (PRDR)")
	fs.Var(&m.deliverBy, "deliver-by", "deliver within that time or return it (DELIVERBY)")
	fs.StringVar(&o.DeliverOr, "deliver-or", "", "what if not: R returns it, N only notifies (`MODE`)")
	fs.Var(&priority{m}, "priority", "priority, -9 to 9 (MT-PRIORITY)")
	fs.StringVar(&o.Submitter, "submitter", "", "address `ADDR` of who submitted it (AUTH= of MAIL)")
	fs.StringArrayVar(&o.MailOptions, "mail-option", nil, "further parameter of MAIL, `K=V`")
	fs.StringArrayVar(&o.RcptOptions, "rcpt-option", nil, "further parameter of each RCPT, `K=V`")
}

// priority is a number that may be 0.
type priority struct{ m *mailer }

func (p *priority) String() string { return "" }
func (p *priority) Type() string   { return "N" }

func (p *priority) Set(s string) (err error) {
	p.m.priority, err = strconv.Atoi(s)
	p.m.prioritySet = true
	return err
}

func stageNames(sep string) string {
	var names []string
	for _, s := range smtp.Stages() {
		names = append(names, string(s))
	}
	return strings.Join(names, sep)
}

// key reads the DKIM key, once.
func (m *mailer) key() (crypto.Signer, error) {
	m.keyMu.Lock()
	defer m.keyMu.Unlock()
	if m.signer != nil {
		return m.signer, nil
	}
	text, err := os.ReadFile(m.dkimKey)
	if err == nil {
		m.signer, err = mailmsg.ParseKey(text)
	}
	return m.signer, err
}

// finish puts the flags and the mailto: arguments into the letter.
func (m *mailer) finish(mailtos []string) error {
	l := &m.letter
	l.Body, l.EnvelopeFrom = m.body.Value, m.envelopeFrom.Value
	for _, h := range m.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return kit.Usage("-H %q: want 'NAME: VALUE'", h)
		}
		l.Fields = append(l.Fields, mailmsg.Field{Name: name, Value: strings.TrimSpace(value)})
	}
	for _, text := range mailtos {
		if !isMailto(text) { // an address
			l.To = append(l.To, text)
			continue
		}
		if err := m.mailto(text); err != nil {
			return err
		}
	}
	return nil
}

// input makes standard input the text where nothing else is and something is sent
// there; on a terminal nothing is waited for.
func (m *mailer) input(e *kit.Env) error {
	l := &m.letter
	if l.Finished() || l.Body != nil || l.BodyFile != "" || l.HTML != "" || m.quitAfter != "" {
		return nil
	}
	if show.IsTerminal(e.Stdin) {
		if len(l.Attach) > 0 {
			return nil
		}
		return kit.Usage("the message has no text: give --body TEXT, --body-file FILE or --html FILE, or send the text to standard input; --body '' sends none")
	}
	l.BodyFile = "-"
	return nil
}

// show writes the message, as it would be sent, to standard output.
func (m *mailer) show(e *kit.Env, x *smtp.Mail) error {
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	r, err := x.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return e.Out.Copied(err)
}

func (m *mailer) mailto(text string) error {
	d, err := mailmsg.ParseMailto(text)
	if err != nil {
		return err
	}
	l := &m.letter
	l.To, l.Cc, l.Bcc = append(l.To, d.To...), append(l.Cc, d.Cc...), append(l.Bcc, d.Bcc...)
	l.Fields = append(l.Fields, d.Headers...)
	if l.Subject == "" {
		l.Subject = d.Subject
	}
	if l.Body == nil && l.BodyFile == "" && d.Body != "" {
		l.Body = &d.Body
	}
	return nil
}

// send is the action of the verb.
func (m *mailer) send(ctx context.Context, e *kit.Env, c *smtp.Client, at *protocols.Target, mailtos []string) error {
	if err := m.finish(mailtos); err != nil {
		return err
	}
	switch {
	case m.batch != "" && (m.quitAfter != "" || m.mx):
		return kit.Usage("--batch goes neither with --quit-after nor with --mx")
	case m.spool != "" && (m.batch != "" || m.quitAfter != "" || m.print):
		return kit.Usage("--spool goes neither with --batch nor with --quit-after nor with --print")
	case m.batch != "":
		return m.sendBatch(ctx, e, at)
	case m.quitAfter != "":
		return m.test(ctx, e, c, at)
	}
	if err := m.input(e); err != nil {
		return err
	}
	x, err := m.mail(e, &m.letter)
	if err != nil {
		return err
	}
	if m.print {
		return m.show(e, x)
	}
	if m.spool != "" {
		return m.spoolMail(ctx, e, at, x)
	}
	if m.mx {
		return m.direct(ctx, e, at, at.URL.Hostname(), x)
	}
	var r *protocols.Receipt
	err = e.Again(ctx, func() (err error) {
		r, err = c.SendMail(ctx, x)
		return err
	})
	return m.tell(e, way{url: protocols.Redact(at.URL)}, r, err)
}

// way is how a message went.
type way struct {
	url    string
	line   int    // of the batch; 0: none
	policy string // what asked for TLS; empty: nobody
}

// tell prints the result of a message. The error comes back, to end with.
func (m *mailer) tell(e *kit.Env, by way, r *protocols.Receipt, err error) error {
	if r == nil {
		r = &protocols.Receipt{}
	}
	if err != nil && len(r.Recipients) == 0 && by.line == 0 {
		return err // there is nothing to tell but the error itself
	}
	hidden := e.Out.Hidden
	res := verbs.SentJSON{Protocol: "smtp", URL: by.url, Line: by.line, TLSPolicy: by.policy, MessageID: r.MessageID, Bytes: r.Bytes, Recipients: slices.Clone(r.Recipients)}
	for i := range res.Recipients {
		res.Recipients[i].Text = hidden.Text(res.Recipients[i].Text)
	}
	if r.Reply.Code != 0 {
		res.Reply = hidden.Text(strings.TrimSpace(strconv.Itoa(r.Reply.Code) + " " + strings.Join(r.Reply.Lines, " ")))
	}
	if err != nil {
		d := show.DetailOf(hidden.Error(err))
		res.Error = &d
	}
	if told := printSent(e.Out, &res); told != nil {
		return told
	}
	return err
}

func codeText(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}

// quit tests a server up to a stage.
func (m *mailer) quit(ctx context.Context, e *kit.Env, c *smtp.Client) error {
	stage := smtp.Stage(strings.ToLower(m.quitAfter))
	at := slices.Index(smtp.Stages(), stage)
	if at < 0 {
		return kit.Usage("--quit-after %s: want one of %s", m.quitAfter, stageNames(" "))
	}
	var x *smtp.Mail
	if at >= slices.Index(smtp.Stages(), smtp.StageMail) {
		if m.letter.Body == nil && m.letter.RawFile == "" { // nothing of it is sent
			m.letter.Body = new(string)
		}
		var err error
		if x, err = m.mail(e, &m.letter); err != nil {
			return err
		}
	}
	var printing error
	err := c.Until(ctx, stage, x, func(s smtp.Step) {
		if told := printStage(e.Out, s); printing == nil {
			printing = told
		}
	})
	if printing != nil {
		return printing
	}
	return err
}

// stageJSON is one step of a test.
type stageJSON struct {
	Stage smtp.Stage `json:"stage"`
	verbs.ReplyJSON
}

func printStage(o *show.Output, s smtp.Step) error {
	r := s.Reply
	if r == nil {
		r = &protocols.Reply{}
	}
	if o.JSON {
		return o.Object(stageJSON{s.Stage, verbs.ReplyJSON{Command: s.Command, Code: r.Code, Enhanced: r.Enhanced, Text: r.Lines}})
	}
	if err := o.Text(strings.TrimSpace(string(s.Stage) + "  " + s.Command)); err != nil {
		return err
	}
	return verbs.PrintReply(o, s.Command, r)
}

// serverOf returns the server for mailto: URLs, which name none; empty is none.
func (m *mailer) serverOf(e *kit.Env) string {
	server := m.server
	if server == "" && e.Profile != nil {
		server = string(e.Profile.URL)
	}
	return cmp.Or(server, os.Getenv("SMTPSERVER"))
}

// sendMailto sends to the recipients of mailto: URLs, each at its own domain.
func (m *mailer) sendMailto(ctx context.Context, e *kit.Env, args []string) error {
	if !m.mx {
		return kit.Usage("a mailto: URL names no server: put the server before it, or give --server, SMTPSERVER or --mx")
	}
	if m.spool != "" {
		return kit.Usage("--spool wants the domain as the target: smtp send DOMAIN --mx --to ADDR")
	}
	if err := m.finish(args); err != nil {
		return err
	}
	if err := m.input(e); err != nil {
		return err
	}
	x, err := m.mail(e, &m.letter)
	if err != nil {
		return err
	}
	if m.print {
		return m.show(e, x)
	}
	byDomain := map[string][]string{}
	var domains []string
	for _, to := range x.To {
		at := strings.LastIndexByte(to, '@')
		if at < 0 {
			return kit.Usage("--mx: the recipient %q has no domain to send to", to)
		}
		domain := to[at+1:]
		if byDomain[domain] == nil {
			domains = append(domains, domain)
		}
		byDomain[domain] = append(byDomain[domain], to)
	}
	return e.Each(ctx, domains, func(domain string) error {
		t, err := e.Reg.Parse("smtp://localhost", "smtp")
		if err != nil {
			return err
		}
		part := *x
		part.To = byDomain[domain]
		return protocols.Wrap(m.direct(ctx, e, t, domain, &part), "smtp", "send", "mailto:@"+domain)
	})
}

func printSent(o *show.Output, s *verbs.SentJSON) error {
	if o.JSON {
		if s.Recipients == nil {
			s.Recipients = []protocols.Recipient{}
		}
		return o.Object(s)
	}
	for _, p := range s.Recipients {
		word, said := "accepted", strings.TrimSpace(strings.Join([]string{codeText(p.Code), p.Enhanced, p.Text}, " "))
		switch {
		case p.Accepted && o.Quiet:
			continue
		case p.Accepted && !strings.HasPrefix(s.URL, "lmtp:"): // which answers for each recipient
			said = s.Reply
		case p.Accepted:
		case p.Text == smtp.ErrUnknown.Error():
			word, said = "unknown", p.Text
		default:
			word = "refused"
		}
		if err := o.Text(word + "  " + p.Address + "  " + said); err != nil {
			return err
		}
	}
	return nil
}
