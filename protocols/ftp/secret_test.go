package ftp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	lab "github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
)

// far returns options under which the server seems to be on another host.
func far(srv *oddServer) *protocols.Options {
	return &protocols.Options{
		TLS: protocols.TLS{Mode: protocols.TLSOff},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, srv.Address)
			return farConn{c}, err
		},
	}
}

// transcript collects the texts of a trace.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *transcript) add(e protocols.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(&r.buf, e.Text)
}

func (r *transcript) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// open returns a client of a URL whose path and user matter.
func open(t *testing.T, text string, o *protocols.Options) *ftp.Client {
	t.Helper()
	c, _, err := protocols.Open[*ftp.Client](ftp.Spec(), text, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestAccountSecret: the account of the settings is a secret as a password is. It is
// not sent to a remote host without TLS, whoever logs in, and nothing shows it.
func TestAccountSecret(t *testing.T) {
	replies := map[string]func(string) string{"PASS": says("332 which account?"), "ACCT": func(s string) string { return "530 not " + s }}
	for _, user := range []string{"", "anonymous@", "ftp:x%40y@"} {
		srv := (&oddServer{Reply: replies}).start(t)
		c := open(t, "ftp://"+user+"ftp.example.org/", far(srv))
		c.Settings.Account = "billing-77"
		_, err := c.Pwd(t.Context())
		wantKind(t, err, protocols.KindAuth)
		if got := srv.commands(); strings.Contains(got, "USER") {
			t.Errorf("%q: sent to a remote host: %q", user, got)
		}
	}
	for _, user := range []string{"", "anonymous@", "alice:secret@"} {
		srv := (&oddServer{Reply: replies}).start(t)
		var seen transcript
		c := open(t, "ftp://"+user+srv.Address+"/", &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}, Trace: seen.add})
		c.Settings.Account = "billing-77"
		_, err := c.Pwd(t.Context())
		wantKind(t, err, protocols.KindAuth)
		if got := srv.commands(); !strings.Contains(got, "ACCT billing-77") {
			t.Errorf("%q: commands %q", user, got)
		}
		if text := seen.String() + err.Error(); strings.Contains(text, "billing") || !strings.Contains(text, "ACCT ****") {
			t.Errorf("%q: shown: %s", user, text)
		}
	}
}

// TestRawSecrets: a raw command that logs in is sent as any other secret is, and
// neither its trace nor its reply shows it.
func TestRawSecrets(t *testing.T) {
	for _, command := range []string{"PASS hunter-22", " pass hunter-22", "ACCT hunter-22", "AUTH PLAIN hunter-22"} {
		verb := strings.ToUpper(strings.Fields(command)[0])
		echo := map[string]func(string) string{verb: func(s string) string {
			if !strings.Contains(s, "hunter") {
				return ""
			}
			return "230-got " + s + "\r\n230 done with " + s
		}}
		srv := (&oddServer{Reply: echo}).start(t)
		o := far(srv)
		if _, err := open(t, "ftp://ftp.example.org/", o).Do(t.Context(), command); protocols.KindOf(err) != protocols.KindAuth {
			t.Errorf("%s: %v", command, err)
		}
		if got := srv.commands(); strings.Contains(got, "hunter") {
			t.Errorf("%s: sent to a remote host", command)
		}
		var seen transcript
		r, err := srv.client(t, &protocols.Options{Trace: seen.add}).Do(t.Context(), command)
		if got := srv.commands(); err != nil || !strings.Contains(got, command) {
			t.Errorf("%q: %+v, %v; commands %q", command, r, err, got)
		}
		if text := fmt.Sprint(r, err, seen.String()); strings.Contains(text, "hunter") {
			t.Errorf("%s: shown: %s", command, text)
		}
	}
	srv := (&oddServer{}).start(t)
	c := srv.client(t, nil)
	_, err := c.Do(t.Context(), "PASS hunter-22\r\nDELE f")
	if protocols.KindOf(err) != protocols.KindUsage || strings.Contains(err.Error(), "hunter") || srv.connections() > 0 {
		t.Errorf("two lines: %v", err)
	}
	c.Settings.Before = []string{"ACCT hunter-22\n"}
	if _, err := readAll(t.Context(), c, "f", nil); protocols.KindOf(err) != protocols.KindUsage || strings.Contains(err.Error(), "hunter") {
		t.Errorf("before: %v", err)
	}
}

// TestPreliminaryReplies: a 1xx to a command that transfers nothing is not a success, and
// the session is not used again: the reply that follows would be taken for another's.
func TestPreliminaryReplies(t *testing.T) {
	ctx := t.Context()
	for verb, call := range map[string]func(c *ftp.Client) error{
		"PASS": func(c *ftp.Client) error { _, err := c.Pwd(ctx); return err },
		"TYPE": func(c *ftp.Client) error { _, err := c.Pwd(ctx); return err },
		"DELE": func(c *ftp.Client) error { return c.Remove(ctx, "f") },
		"RNFR": func(c *ftp.Client) error { return c.Move(ctx, "f", "g") },
		"RNTO": func(c *ftp.Client) error { return c.Move(ctx, "f", "g") },
		"MKD":  func(c *ftp.Client) error { return c.Make(ctx, "d") },
		"RMD":  func(c *ftp.Client) error { return c.Unmake(ctx, "d") },
		"SIZE": func(c *ftp.Client) error { _, err := c.Size(ctx, "f"); return err },
		"SITE": func(c *ftp.Client) error { return c.Chmod(ctx, "f", "644") },
		"EPSV": func(c *ftp.Client) error { _, err := readAll(ctx, c, "f", nil); return err },
		"MLST": func(c *ftp.Client) error { _, err := c.Stat(ctx, "f"); return err },
		"CWD":  func(c *ftp.Client) error { _, err := listNames(ctx, c, "d"); return err },
		"MFMT": func(c *ftp.Client) error {
			return c.SetTime(ctx, "f", feb)
		},
	} {
		for _, features := range [][]string{{"SIZE", "MLST type*;", "MFMT"}, nil} {
			if features == nil && (verb == "MLST" || verb == "MFMT") || features != nil && verb == "CWD" {
				continue
			}
			srv := (&oddServer{Features: features, Files: map[string]string{"f": "x"}, Folders: map[string]bool{"d": true},
				Reply: map[string]func(string) string{verb: says("150 about to\r\n250 done")}}).start(t)
			c := srv.client(t, nil)
			wantKind(t, call(c), protocols.KindProtocol)
			before := srv.connections()
			_, _ = c.Pwd(ctx)
			if srv.connections() == before {
				t.Errorf("%s: the session is used again", verb)
			}
		}
	}
}

// TestRestartMarkers: preliminary replies in the middle of a transfer are passed over.
func TestRestartMarkers(t *testing.T) {
	srv := (&oddServer{Files: map[string]string{"f": "x"}, End: "110 MARK 1 = 1\r\n226 done"}).start(t)
	if b, err := readAll(t.Context(), srv.client(t, nil), "f", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestUnverifiedCCC: an unverified server stays one when TLS on the control connection
// has ended: its data connections are no stricter, and no secret goes to it.
func TestUnverifiedCCC(t *testing.T) {
	c, srv := labCase{
		server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, Tree: tree(t, map[string]string{"f": "content"})},
		opts:   protocols.Options{TLS: protocols.TLS{Config: &tls.Config{}}},
		set:    ftp.Settings{CCC: true},
	}.start(t)
	for range 2 {
		if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
			t.Fatalf("%q, %v", b, err)
		}
	}
	if sent := strings.Join(srv.Commands(), " "); !strings.Contains(sent, "CCC") || !strings.Contains(sent, "PROT P") {
		t.Errorf("commands: %s", sent)
	}
}
