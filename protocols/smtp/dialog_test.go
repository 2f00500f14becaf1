package smtp

import (
	"context"
	"encoding/base64"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

const (
	dialogSecret = "Xyzzy-5321" // in place of the password of the servers
	dialogURL    = "smtp://alice@localhost/me.example.org"
)

// recording is a dialogue; from is the server it was recorded from, empty for one
// that was written by hand.
type recording struct {
	name, from string
	call       protocoltest.Call
	options    func(o *protocols.Options)
	setup      func(s *Settings)
	skip       map[string]string
	spare      int
}

// anonymous has nobody to log in as.
func anonymous(o *protocols.Options) {
	o.TLS.Mode = protocols.TLSOff
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{}, nil
	}
}

// plainLogin logs in with the mechanism that can be played again.
func plainLogin(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "PLAIN" }

// sending makes a Call that sends messages and gives their receipts; one that is
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
		if protocols.KindOf(err) != protocols.OK && protocols.KindOf(err) != protocols.Partial {
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
	for _, law := range []string{"cut", "reset", "hang", "idle", "cancel", "garbage", "flood", "odd"} {
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

// recorded are from real servers.
var recorded = []recording{
	{name: "postfix-send", from: "SMTP", call: sending(toBob)},
	{name: "postfix-send-data", from: "SMTP", call: sending(toBob), setup: noChunks},
	{name: "postfix-send-lock-step", from: "SMTP", call: sending(toBob), setup: lockStep},
	{name: "postfix-send-two", from: "SMTP", call: sending(toBob, toBob), skip: several},
	{name: "postfix-send-two-data", from: "SMTP", call: sending(toBob, toBob), setup: noChunks, skip: several},
	{name: "postfix-some", from: "SMTP", call: sending(toSome)},
	{name: "postfix-nobody", from: "SMTP", call: sending(toNobody)},
	{name: "postfix-nobody-data", from: "SMTP", call: sending(toNobody), setup: noChunks},
	{name: "postfix-all-or-none", from: "SMTP", call: sending(toSome), setup: func(s *Settings) { s.AllOrNone = true }},
	{name: "postfix-login", from: "SMTP", call: sending(toBob), options: plainLogin},
	{name: "postfix-login-refused", from: "SMTP", call: sending(toBob), options: func(o *protocols.Options) {
		plainLogin(o)
		o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
			return protocols.Credential{User: "mallory", Password: dialogSecret}, nil
		}
	}},
	{name: "postfix-verify", from: "SMTP", call: verify("bob@lab.test")},
	{name: "postfix-verify-missing", from: "SMTP", call: verify("nobody@lab.test")},
	{name: "postfix-raw", from: "SMTP", call: protocoltest.Raw("HELP")},
	{name: "postfix-submission", from: "SUBMISSION", call: sending(toBob)},
	{name: "postfix-probe", from: "SMTP", call: protocoltest.Probe(), spare: 1},
	{name: "sink-send", from: "SMTP_SINK", call: sending(toBob)},
}

// byHand are dialogues of servers that are not at hand, that lie, or that stand in
// the RFCs.
var byHand = []recording{
	{name: "starttls", call: sending(toBob), options: func(o *protocols.Options) { o.Mechanism = "PLAIN" }},
	{name: "helo", call: sending(toBob), options: anonymous},
	{name: "greeting-554", call: sending(toBob), options: anonymous},
	{name: "greeting-421", call: sending(toBob), options: anonymous},
	{name: "login-prompts", call: sending(toBob), options: func(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "LOGIN" }},
	{name: "auth-old-spelling", call: sending(toBob), options: plainLogin},
	{name: "auth-250", call: sending(toBob), options: plainLogin},
	{name: "data-250", call: sending(toBob), options: anonymous},
	{name: "data-354-nobody", call: sending(toNobody), options: anonymous},
	{name: "421-mail", call: sending(toBob), options: anonymous},
	{name: "rfc5321-expand", call: expand("Example-People"), options: anonymous},
	{name: "chunk-503", call: sending(toNobody, toBob), options: anonymous, skip: several},
}

// recordings gives all dialogues.
func recordings() (all []recording) {
	for _, r := range recorded {
		if r.options == nil {
			r.options = anonymous
		}
		all = append(all, r)
	}
	return append(all, byHand...)
}

func (r recording) file() string { return filepath.Join("testdata", r.name+".dialog") }

func (r recording) dialog() protocoltest.Dialog {
	d := protocoltest.Dialog{File: r.file(), Call: r.call, Options: r.options, Skip: r.skip, Spare: r.spare}
	if r.setup != nil {
		d.Setup = func(c protocols.Client) { r.setup(&c.(*Client).Settings) }
	}
	return d
}

func harness() protocoltest.Harness {
	h := protocoltest.Harness{Spec: Spec(), URL: dialogURL, Secret: dialogSecret, Server: labServer, Garbage: "this is no reply",
		Multiline: func(line string) string { return line[:min(3, len(line))] + "-and so on" }}
	for _, r := range recordings() {
		h.Dialogs = append(h.Dialogs, r.dialog())
	}
	return h
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, harness()) }

func labServer(t testing.TB) *protocoltest.Server {
	s := start(t, lab.SMTPOptions{})
	return &protocoltest.Server{URL: strings.Replace(s.URL(), "://", "://alice:secret@", 1), Options: &protocols.Options{}}
}

// TestUpdateDialogs does what the flag says; without it, it looks for files that
// no recording names.
func TestUpdateDialogs(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, f := range files {
		if !slices.ContainsFunc(recordings(), func(r recording) bool { return r.file() == f }) {
			t.Errorf("%s belongs to no recording", f)
		}
	}
	if !*update {
		return
	}
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			s, err := protocoltest.LoadScript(r.file())
			if r.from != "" {
				s, err = record(t, r), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.from != "" {
				if err := os.WriteFile(r.file(), []byte(s.Format()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := protocoltest.Rewrite(t, harness(), r.dialog(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// record makes the call at the real server.
func record(t *testing.T, r recording) *protocoltest.Script {
	address := interop.Require(t, r.from)[r.from]
	rec := &protocoltest.Recorder{Next: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	o := &protocols.Options{Dial: rec.Dial, Credentials: func(_ context.Context, q protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: q.User, Password: interop.Password}, nil
	}}
	r.options(o)
	u, err := protocols.ParseURL(dialogURL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.setup != nil {
		r.setup(&c.Settings)
	}
	r.call(t.Context(), c)
	c.Close()
	s := rec.Script(r.file())
	was := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + interop.Password))
	is := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + dialogSecret))
	for i, st := range s.Steps {
		s.Steps[i].Text = strings.ReplaceAll(st.Text, was, is)
	}
	s.Header = map[string]string{"server": "Postfix 3.7.11 (Debian 12)", "recorded": time.Now().UTC().Format(time.DateOnly) + ", password replaced"}
	return s
}

// TestOpenerOfNothing: a message without content is an error, not a panic.
func TestOpenerOfNothing(t *testing.T) {
	if _, err := opener(nil)(); protocols.KindOf(err) != protocols.Usage {
		t.Error(err)
	}
	once := opener(io.LimitReader(strings.NewReader("x"), 1))
	if _, err := once(); err != nil {
		t.Error(err)
	}
	if _, err := once(); protocols.KindOf(err) != protocols.Local {
		t.Errorf("read twice: %v", err)
	}
}
