package telnet_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/protocoltest"
	"github.com/netclients/netclients/protocols/telnet"
)

// dialogSecret is the password of the dialogues.
const dialogSecret = "Xyzzy-2323"

// conversation is a call that plays a script, and returns what was captured.
func conversation(script string) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		s, err := expect.Parse(strings.NewReader(script))
		if err != nil {
			return nil, err
		}
		conn, err := c.(*telnet.Client).Connect(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		o := &expect.RunOptions{Secrets: map[string]string{"P": dialogSecret}, Report: func(r expect.Result) error {
			if len(r.Captures) > 0 {
				results = append(results, r.Captures)
			}
			return nil
		}}
		err = s.Run(ctx, expect.NewStream(conn, 0), nil, o)
		if step, ok := errors.AsType[*expect.StepError](err); ok {
			err = step.Err
		}
		return results, protocols.Wrap(err, "telnet", "run", "telnet://localhost/")
	}
}

const login = `expect "login: "
send alice
expect "assword: " 
send ${P}
expect /type (?P<type>\S+) \d/
expect "$ "
`

// anyText: what a terminal shows has no form.
var anyText = map[string]string{
	"garbage": "a terminal shows any text", "flood": "a terminal shows text without an end; the step's time ends it",
}

// anySilence: a probe takes silence, and the end, for an answer.
var anySilence = map[string]string{
	"garbage": anyText["garbage"], "flood": anyText["flood"],
	"cut": "the first words are what is probed", "reset": "the first words are what is probed",
	"hang": "silence is no failure", "idle": "silence is no failure",
}

func book() *dialogs.Book[telnet.Settings] {
	window := func(s *telnet.Settings) {
		s.Terminals, s.Width, s.Height, s.Environ = []string{"VT100"}, 80, 255, map[string]string{"LANG": "C"}
	}
	return &dialogs.Book[telnet.Settings]{
		Harness: protocoltest.Harness{
			Spec: telnet.Spec(), URL: "telnet://localhost/", Secret: dialogSecret, Garbage: "garbage",
			Skip: map[string]string{
				"stale":  "a stream: what comes is no answer to a command",
				"caller": "no verb takes an argument", "credentials": "logins are part of the conversation",
				"list": "no Lister", "get": "no Getter", "put": "no Putter", "bulk": "no BulkGetter", "busy": "TestBusyAndClosed",
				"errors": "no names and no logins of the protocol; TestDown is about the rest",
				"early":  "START_TLS is no line; TestWordsBeforeTLS is about it",
			},
		},
		Rows: []dialogs.Recording[telnet.Settings]{
			{Name: "login", Call: conversation(login), Setup: window, Skip: anyText},
			{Name: "login-quiet", Call: conversation(login), Skip: anyText},
			{Name: "login-refused", Call: conversation("expect \"login: \"\nsend alice\nexpect assword\nsend ${P}\nexpect \"$ \" | incorrect -> fail \"login refused\""), Skip: anyText},
			{Name: "probe", Call: protocoltest.Probe(), Skip: anySilence},
		},
		Settings: func(c protocols.Client) *telnet.Settings { return &c.(*telnet.Client).Settings },
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }

// TestDown: a server that is down is an error of kind Connect, which a later try
// may not meet.
func TestDown(t *testing.T) {
	c := client(t, "telnet://127.0.0.1/", telnet.Settings{}, &protocols.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}})
	r, err := c.Probe(t.Context())
	if protocols.KindOf(err) != protocols.KindConnect || !protocols.IsRetryable(err) || r.Up || r.Phase != "connect" {
		t.Errorf("%+v, %v", r, err)
	}
}
