package pop3

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

// dialogSecret stands in the dialogues in place of the password of the servers.
const dialogSecret = "Xyzzy-7071"

const dialogURL = "pop3://frank@localhost/"

// recording is a dialogue; recorded is false for one that was written by hand.
type recording struct {
	name     string
	recorded bool
	call     protocoltest.Call
	options  func(o *protocols.Options)
	setup    func(s *Settings)
	skip     map[string]string
	spare    int
}

// plain keeps TLS off, and takes the login that is the same each time.
func plain(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "USER" }

func calling(f func(ctx context.Context, c *Client) error) protocoltest.Call {
	return protocoltest.Nothing(func(ctx context.Context, c protocols.Client) error { return f(ctx, c.(*Client)) })
}

func wrongUser(o *protocols.Options) {
	plain(o)
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "mallory", Password: dialogSecret}, nil
	}
}

// fromDovecot are recorded with a maildrop of three messages.
var fromDovecot = []recording{
	{name: "list", call: protocoltest.List("")},
	{name: "list-headers", call: protocoltest.List(""), setup: func(s *Settings) { s.Headers = true }},
	{name: "list-one", call: protocoltest.List("2")},
	{name: "get", call: protocoltest.Get("2", nil)},
	{name: "get-part", call: protocoltest.Get("2", &protocols.GetOptions{Offset: 10, Length: 20}), spare: 15},
	{name: "get-missing", call: protocoltest.Get("9", nil)},
	{name: "bulk", call: protocoltest.Bulk("1", "9", "3")},
	{name: "bulk-lockstep", call: protocoltest.Bulk("1", "9", "3"), setup: func(s *Settings) { s.NoPipelining = true }},
	{name: "stat", call: protocoltest.Stat("3")},
	{name: "stat-maildrop", call: protocoltest.Stat("")},
	{name: "remove-missing", call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "9") })},
	{name: "raw", call: protocoltest.Raw("STAT")},
	{name: "raw-lines", call: protocoltest.Raw("CAPA")},
	{name: "probe", call: protocoltest.Probe(), options: func(o *protocols.Options) { plain(o); o.ProbeLogin = true }, spare: 1},
	{name: "login-refused", call: protocoltest.Stat(""), options: wrongUser},
}

// recordings gives all dialogues.
func recordings() (all []recording) {
	for _, r := range fromDovecot {
		r.name, r.recorded = "dovecot-"+r.name, true
		all = append(all, r)
	}
	all = append(all, byHand...)
	for i := range all {
		if all[i].options == nil {
			all[i].options = plain
		}
	}
	return all
}

func (r recording) file() string { return filepath.Join("testdata", r.name+".dialog") }

func (r recording) dialog() protocoltest.Dialog {
	d := protocoltest.Dialog{File: r.file(), Call: r.call, Options: r.options, Skip: r.skip, Spare: r.spare}
	if r.setup != nil {
		d.Setup = func(c protocols.Client) { r.setup(&c.(*Client).Settings) }
	}
	return d
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
			if r.recorded {
				s := record(t, r)
				if err := protocoltest.Rewrite(t, harness(), r.dialog(), s); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(r.file(), []byte(s.Format()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			s, err := protocoltest.LoadScript(r.file())
			if err != nil {
				t.Fatal(err)
			}
			if err := protocoltest.Rewrite(t, harness(), r.dialog(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// record makes the call at Dovecot.
func record(t *testing.T, r recording) *protocoltest.Script {
	address := interop.Require(t, "POP3")["POP3"]
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
	for i, st := range s.Steps {
		s.Steps[i].Text = strings.Replace(st.Text, "PASS "+interop.Password, "PASS "+dialogSecret, 1)
	}
	s.Header = map[string]string{"server": "Dovecot 2.3.19 (Debian 12)", "recorded": fmt.Sprint(time.Now().UTC().Format(time.DateOnly), ", password replaced")}
	return s
}
