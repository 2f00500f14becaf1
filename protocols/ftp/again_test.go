package ftp_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
)

// trips counts how often the client waited for the server: commands that follow a reply.
func (d *said) trips() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := "<"
	for _, line := range d.lines {
		if line[:1] == ">" && before == "<" {
			n++
		}
		before = line[:1]
	}
	return n
}

// TestSecondSession: what one session has shown of the server, the next one does not wait for again.
func TestSecondSession(t *testing.T) {
	for _, tt := range []struct {
		name          string
		server        ftplab.Options
		set           ftp.Settings
		mode          protocols.TLSMode
		user          *url.Userinfo
		first, second int // round trips
	}{
		// AUTH, USER, PASS, FEAT, TYPE and others; then AUTH, USER and PASS, all others.
		{name: "plain", first: 5, second: 3},
		{name: "without UTF8", server: ftplab.Options{NoUTF8: true}, first: 5, second: 3},
		{name: "TLS", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, first: 6, second: 3},
		{name: "anonymous", user: url.User("anonymous"), mode: protocols.TLSOff, first: 4, second: 2},
		{name: "an account", server: ftplab.Options{Account: "books"}, set: ftp.Settings{Account: "books"}, mode: protocols.TLSOff, first: 5, second: 4},
		{name: "one command at a time", set: ftp.Settings{NoPipelining: true}, first: 6, second: 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &said{}
			if tt.server.TLS != lab.TLSNone {
				tt.server.Authority = authority(t)
			}
			lc := labCase{server: tt.server, set: tt.set, user: tt.user, opts: protocols.Options{Trace: d.trace, Memory: new(protocols.Memory)}}
			lc.opts.TLS.Mode = tt.mode
			first, srv := lc.start(t)
			second := lc.client(t, srv)
			for i, c := range []*ftp.Client{first, second} {
				d.lines = nil
				f, err := c.Facts(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if want := []int{tt.first, tt.second}[i]; d.trips() != want {
					t.Errorf("session %d: %d round trips, want %d\n%s", i+1, d.trips(), want, strings.Join(d.lines, "\n"))
				}
				if len(f.Features) == 0 || f.Pipelining == tt.set.NoPipelining || f.Private != (tt.server.TLS != lab.TLSNone) {
					t.Errorf("session %d: %+v", i+1, f)
				}
				if _, err := c.Stat(t.Context(), "README.txt"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestSecondLogin: USER and PASS that go out together fail as they do one by one.
func TestSecondLogin(t *testing.T) {
	memory := new(protocols.Memory)
	lc := labCase{opts: protocols.Options{Memory: memory}}
	first, srv := lc.start(t)
	if _, err := first.Pwd(t.Context()); err != nil {
		t.Fatal(err)
	}
	lc.user = url.UserPassword("alice", "wrong")
	_, err := lc.client(t, srv).Pwd(t.Context())
	wantKind(t, err, protocols.KindAuth)
	if e, ok := errors.AsType[*protocols.Error](err); !ok || e.Code != 530 || strings.Contains(err.Error(), "wrong") {
		t.Errorf("%v", err)
	}
	for _, tt := range []struct {
		name, user, pass string // replies in the second session
		kind             protocols.Kind
		text             string
	}{
		{"too many users", "530 too many users", "503 USER first", protocols.KindTemporary, "too many users"},
		{"the server goes away", "421 going down", "", protocols.KindTemporary, "going down"},
		{"no password is needed any more", "230 in", "503 logged in already", protocols.KindOK, ""},
		{"the password is refused", "331 password", "530 no", protocols.KindAuth, "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			second := false
			reply := func(text string) func(string) string {
				return func(string) string {
					if second {
						return text
					}
					return ""
				}
			}
			srv := (&oddServer{Features: []string{"SIZE"}, Reply: map[string]func(string) string{"USER": reply(tt.user), "PASS": reply(tt.pass)}}).start(t)
			opts := &protocols.Options{Memory: new(protocols.Memory)}
			if _, err := srv.client(t, opts).Facts(t.Context()); err != nil {
				t.Fatal(err)
			}
			second = true
			_, err := srv.client(t, opts).Facts(t.Context())
			if protocols.KindOf(err) != tt.kind || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, kind %v", err, protocols.KindOf(err))
			}
		})
	}
}

// TestSecondSessionOneAtATime: a server that loses the second of two commands is not sent two.
func TestSecondSessionOneAtATime(t *testing.T) {
	srv := (&oddServer{PerPacket: 1, Features: []string{"SIZE"}}).start(t)
	opts := &protocols.Options{Memory: new(protocols.Memory)}
	for i := range 2 {
		f, err := srv.client(t, opts).Facts(t.Context())
		if err != nil || f.Pipelining {
			t.Errorf("session %d: %+v, %v", i+1, f, err)
		}
	}
	if n := srv.connections(); n != 3 { // the first session found it out
		t.Errorf("%d connections", n)
	}
}

// TestSecondSessionTransfer: the way to connect that has worked in one session is
// not tried out in the next one.
func TestSecondSessionTransfer(t *testing.T) {
	d := &said{}
	lc := labCase{server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)"}, opts: protocols.Options{Trace: d.trace, Memory: new(protocols.Memory)}}
	first, srv := lc.start(t)
	for i, c := range []*ftp.Client{first, lc.client(t, srv)} {
		if _, err := c.Facts(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.lines = nil
		if _, err := readAll(t.Context(), c, "README.txt", nil); err != nil {
			t.Fatal(err)
		}
		if want := 2 - i; d.trips() != want {
			t.Errorf("session %d: %d round trips, want %d\n%s", i+1, d.trips(), want, strings.Join(d.lines, "\n"))
		}
	}
}

// TestResumeTrips: whether a file is still the same is asked in one flight with the rest of it.
func TestResumeTrips(t *testing.T) {
	for _, tt := range []struct {
		greeting string
		trips    int
	}{
		{"(vsFTPd 3.0.3)", 1}, // facts, EPSV, REST and RETR
		{"unknown", 2},        // facts and EPSV; then REST and RETR
	} {
		t.Run(tt.greeting, func(t *testing.T) {
			d := &said{}
			files := tree(t, map[string]string{"f": "0123456789"})
			lc := labCase{server: ftplab.Options{Greeting: tt.greeting, Tree: files}, opts: protocols.Options{Trace: d.trace}}
			c, _ := lc.start(t)
			obj, err := c.Get(t.Context(), "f", nil)
			if err != nil {
				t.Fatal(err)
			}
			was := obj.Entry
			obj.Body.Close()
			for range 2 { // the first one proves that the server follows REST
				d.lines = nil
				if b, err := readAll(t.Context(), c, "f", &protocols.GetOptions{Offset: 4, Same: &was}); err != nil || string(b) != "456789" {
					t.Fatalf("%q, %v", b, err)
				}
			}
			if d.trips() != tt.trips {
				t.Errorf("%d round trips, want %d\n%s", d.trips(), tt.trips, strings.Join(d.lines, "\n"))
			}
			if err := files.WriteFile("f", []byte("another content")); err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(t.Context(), c, "f", &protocols.GetOptions{Offset: 4, Same: &was}); !errors.Is(err, protocols.ErrChanged) {
				t.Errorf("%v", err)
			}
			if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "another content" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}
