package smtp

import (
	"context"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

const (
	dialogSecret = "Xyzzy-5321" // in place of the password of the servers
	dialogURL    = "smtp://alice@localhost/me.example.org"
)

type recording = dialogs.Recording[Settings]

// anonymous has nobody to log in as.
func anonymous(o *protocols.Options) {
	o.TLS.Mode = protocols.TLSOff
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{}, nil
	}
}

// plainLogin logs in with the mechanism that can be played again.
func plainLogin(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "PLAIN" }

// sending makes a Call that sends messages and returns their receipts; one that is
// refused ends it.
func sending(mails ...func() *Mail) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		all := func(yield func(*Mail) bool) {
			for _, m := range mails {
				if !yield(m()) {
					return
				}
			}
		}
		var failed error
		err = c.(*Client).SendAll(ctx, all, func(_ *Mail, r *protocols.Receipt, err error) {
			if r != nil {
				results = append(results, r)
			}
			if failed == nil {
				failed = err
			}
		})
		if err == nil {
			err = failed
		}
		if protocols.KindOf(err) != protocols.KindOK && protocols.KindOf(err) != protocols.KindPartial {
			results = nil
		}
		return results, err
	}
}

func letter(to ...string) func() *Mail {
	return func() *Mail { return mailOf("Subject: dialogue\r\n\r\n.one line\r\n", to...) }
}

func asking(f func(ctx context.Context, c *Client) (*protocols.Reply, error)) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		r, err := f(ctx, c.(*Client))
		if r == nil || err != nil {
			return nil, err
		}
		return []any{r}, nil
	}
}

func verify(address string) protocoltest.Call {
	return asking(func(ctx context.Context, c *Client) (*protocols.Reply, error) { return c.Verify(ctx, address) })
}

func expand(list string) protocoltest.Call {
	return asking(func(ctx context.Context, c *Client) (*protocols.Reply, error) { return c.Expand(ctx, list) })
}

// several messages go on over a new connection where one message ends with an error.
var several = func() map[string]string {
	skip := map[string]string{}
	for _, law := range []string{"cut", "reset", "hang", "idle", "cancel", "garbage", "flood", "odd", "stale"} {
		skip[law] = "what is left of several messages goes on over a new connection"
	}
	return skip
}()

var (
	toBob    = letter("bob@lab.test")
	toSome   = letter("bob@lab.test", "nobody@lab.test")
	toNobody = letter("nobody@lab.test")
	noChunks = func(s *Settings) { s.Chunking = ChunkNever }
	lockStep = func(s *Settings) { s.NoPipelining = true }
)

// prdr asks for an answer for each recipient.
func prdr(letter func() *Mail) func() *Mail {
	return func() *Mail {
		m := letter()
		m.PRDR = true
		return m
	}
}

// atPostfix, atSubmission and atSink are recorded from real servers.
var (
	atPostfix = []recording{
		{Name: "send", Call: sending(toBob)},
		{Name: "send-data", Call: sending(toBob), Setup: noChunks},
		{Name: "send-lock-step", Call: sending(toBob), Setup: lockStep},
		{Name: "send-two", Call: sending(toBob, toBob), Skip: several},
		{Name: "send-two-data", Call: sending(toBob, toBob), Setup: noChunks, Skip: several},
		{Name: "some", Call: sending(toSome)},
		{Name: "nobody", Call: sending(toNobody)},
		{Name: "nobody-data", Call: sending(toNobody), Setup: noChunks},
		{Name: "all-or-none", Call: sending(toSome), Setup: func(s *Settings) { s.AllOrNone = true }},
		{Name: "login", Call: sending(toBob), Options: plainLogin},
		{Name: "login-refused", Call: sending(toBob), Options: func(o *protocols.Options) {
			plainLogin(o)
			o.Credentials = dialogs.Stranger(dialogSecret)
		}},
		{Name: "verify", Call: verify("bob@lab.test")},
		{Name: "verify-missing", Call: verify("nobody@lab.test")},
		{Name: "raw", Call: protocoltest.Raw("HELP")},
		{Name: "probe", Call: protocoltest.Probe(), Spare: 1},
	}
	atSubmission = []recording{
		{Name: "submission", Call: sending(toBob)},
	}
	atSink = []recording{
		{Name: "send", Call: sending(toBob)},
	}
)

// byHand are dialogues of servers that are not at hand, that lie, or that stand in
// the RFCs.
var byHand = []recording{
	{Name: "starttls", Call: sending(toBob), Options: func(o *protocols.Options) { o.Mechanism = "PLAIN" }},
	{Name: "helo", Call: sending(toBob), Options: anonymous},
	{Name: "greeting-554", Call: sending(toBob), Options: anonymous},
	{Name: "greeting-421", Call: sending(toBob), Options: anonymous},
	{Name: "login-prompts", Call: sending(toBob), Options: func(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "LOGIN" }},
	{Name: "auth-old-spelling", Call: sending(toBob), Options: plainLogin},
	{Name: "auth-250", Call: sending(toBob), Options: plainLogin},
	{Name: "data-250", Call: sending(toBob), Options: anonymous},
	{Name: "data-354-nobody", Call: sending(toNobody), Options: anonymous},
	{Name: "prdr", Call: sending(prdr(toSome)), Options: anonymous},
	{Name: "prdr-nobody", Call: sending(prdr(toSome)), Options: anonymous},
	{Name: "prdr-refused", Call: sending(prdr(toSome)), Options: anonymous},
	{Name: "prdr-one-answer", Call: sending(prdr(toSome)), Options: anonymous},
	{Name: "prdr-one-no", Call: sending(prdr(toSome)), Options: anonymous},
	{Name: "prdr-chunking", Call: sending(prdr(toSome), toBob), Options: anonymous, Skip: several},
	{Name: "prdr-not-offered", Call: sending(prdr(toBob)), Options: anonymous},
	{Name: "421-mail", Call: sending(toBob), Options: anonymous},
	{Name: "rfc5321-expand", Call: expand("Example-People"), Options: anonymous},
	{Name: "chunk-503", Call: sending(toNobody, toBob), Options: anonymous, Skip: several},
}

// book is all dialogues, with the harness that plays them.
func book() *dialogs.Book[Settings] {
	const postfix = "Postfix 3.7.11 (Debian 12)"
	rows := slices.Concat(dialogs.From("SMTP", "postfix", anonymous, atPostfix), dialogs.From("SUBMISSION", "postfix", anonymous, atSubmission),
		dialogs.From("SMTP_SINK", "sink", anonymous, atSink), byHand)
	for i, row := range rows { // TestPatience is about the times of SMTP's own
		rows[i].Options = func(o *protocols.Options) {
			o.IdleTimeout = protocols.DefaultIdleTimeout
			row.Options(o)
		}
	}
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no reply",
			Multiline: func(line string) string { return line[:min(3, len(line))] + "-and so on" }},
		Rows:     rows,
		Products: map[string]string{"SMTP": postfix, "SUBMISSION": postfix, "SMTP_SINK": "smtp-sink of " + postfix},
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
		Secrets: func(password string) []string {
			return []string{base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + password))}
		},
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

func labServer(t testing.TB) *protocoltest.Server {
	s := start(t, maillab.SMTPOptions{})
	return &protocoltest.Server{URL: strings.Replace(s.URL(), "://", "://alice:secret@", 1), Options: &protocols.Options{}}
}

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }

// TestOpenerOfNothing: a message without content is an error, not a panic.
func TestOpenerOfNothing(t *testing.T) {
	if _, err := opener(nil)(); protocols.KindOf(err) != protocols.KindUsage {
		t.Error(err)
	}
	once := opener(io.LimitReader(strings.NewReader("x"), 1))
	if _, err := once(); err != nil {
		t.Error(err)
	}
	if _, err := once(); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("read twice: %v", err)
	}
}
