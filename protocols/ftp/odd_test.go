package ftp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
)

// TestOneCommandAPacket: a server that answers FEAT and drops all but the first
// commands of a packet is connected to once more, by one of the clients of a run.
func TestOneCommandAPacket(t *testing.T) {
	srv := (&oddServer{PerPacket: 1, Features: []string{"SIZE", "MDTM", "UTF8"}, Files: map[string]string{"f": "content"}}).start(t)
	memory := &protocols.Memory{}
	for i := range 2 {
		c := srv.client(t, &protocols.Options{Memory: memory})
		name := fmt.Sprint("new", i)
		if _, err := c.Put(t.Context(), name, strings.NewReader("text"), &protocols.PutOptions{Modified: time.Now(), Mode: 0o640, HasMode: true}); err != nil {
			t.Fatal(err)
		}
		if text, _ := srv.file(name); text != "text" {
			t.Errorf("stored %q", text)
		}
		if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
			t.Errorf("%q, %v", b, err)
		}
		if names, err := listNames(t.Context(), c, ""); err != nil || len(names) != 2+i {
			t.Errorf("%q, %v", names, err)
		}
	}
	if n := srv.connections(); n != 3 {
		t.Errorf("%d connections of two clients, want 3: only the first finds out", n)
	}
}

// TestNoPipelining: nothing is sent before the reply to the command before it.
func TestNoPipelining(t *testing.T) {
	srv := (&oddServer{PerPacket: 1, Greeting: "(vsFTPd 3.0.3)", Features: []string{"SIZE", "MDTM"}, Files: map[string]string{"f": "content"}}).start(t)
	c := srv.client(t, nil)
	c.Settings.NoPipelining = true
	for range 2 {
		if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if n := srv.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestLateFlight: a server that takes two commands of a packet, but not four. The
// upload is complete when that is found out: only what gives it its name is
// repeated, also when the rename was done and its answer is lost.
func TestLateFlight(t *testing.T) {
	t.Run("dropped", func(t *testing.T) {
		srv := (&oddServer{PerPacket: 3, Features: []string{"SIZE", "MFMT"}}).start(t)
		lateFlight(t, srv)
		if got := srv.commands(); strings.Count(got, "STOR") != 1 || strings.Count(got, "RNFR") != 2 {
			t.Errorf("commands:\n%s", got)
		}
	})
	t.Run("done", func(t *testing.T) {
		srv := &oddServer{Features: []string{"SIZE", "MFMT"}}
		srv.Reply = map[string]func(string) string{"RNTO": func(to string) string {
			srv.mu.Lock()
			defer srv.mu.Unlock()
			srv.Files[to] = srv.Files[to+protocols.PartSuffix]
			delete(srv.Files, to+protocols.PartSuffix)
			return silent
		}}
		lateFlight(t, srv.start(t))
	})
}

func lateFlight(t *testing.T, srv *oddServer) {
	t.Helper()
	c := srv.client(t, &protocols.Options{IdleTimeout: 400 * time.Millisecond})
	_, err := c.Put(t.Context(), "f", strings.NewReader("text"), &protocols.PutOptions{Modified: time.Now(), Mode: 0o640, HasMode: true})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := srv.file("f"); text != "text" || srv.connections() != 2 {
		t.Errorf("stored %q in %d sessions", text, srv.connections())
	}
}

// TestDataConnectionFirst: a transfer command goes out when its data connection
// stands, and ahead of it only to servers that are known to wait. One that says so
// and does not is believed at the first refusal.
func TestDataConnectionFirst(t *testing.T) {
	for greeting, refusals := range map[string]int{"ready": 0, "ProFTPD Server ready": 1} {
		srv := (&oddServer{Greeting: greeting, Strict: true, Features: []string{"SIZE", "MDTM"}, Files: map[string]string{"f": "content"}}).start(t)
		memory := &protocols.Memory{}
		for range 2 {
			c := srv.client(t, &protocols.Options{Memory: memory})
			for i := range 3 {
				if _, err := c.Put(t.Context(), fmt.Sprint("new", i), strings.NewReader("text"), nil); err != nil {
					t.Errorf("%s: %v", greeting, err)
				}
				if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
					t.Errorf("%s: %q, %v", greeting, b, err)
				}
			}
		}
		got := srv.commands()
		if n := strings.Count(got, "STOR") + strings.Count(got, "RETR") - 12; n != refusals {
			t.Errorf("%s: %d transfers were refused, want %d", greeting, n, refusals)
		}
	}
}

// TestRefusedTwice: two refusals of OPTS are not taken for the reply to TYPE.
func TestRefusedTwice(t *testing.T) {
	for _, alone := range []bool{false, true} {
		srv := &oddServer{Features: []string{"UTF8", "SIZE"}, Files: map[string]string{"f": "content"}}
		srv.Reply = map[string]func(string) string{"OPTS": says("500 Unknown option: UTF8\r\n500 Unknown option: OPTS UTF8 ON")}
		c := srv.start(t).client(t, nil)
		c.Settings.NoPipelining = alone
		if n, err := c.Size(t.Context(), "f"); err != nil || n != 7 {
			t.Errorf("size %d, %v", n, err)
		}
	}
}

// TestRename: the file that has the name is never lost, whatever the server refuses.
func TestRename(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply map[string]func(string) string
	}{
		{"RNFR not implemented", map[string]func(string) string{"RNFR": says("502 no")}},
		{"RNFR refused", map[string]func(string) string{"RNFR": says("550 permission denied")}},
		{"RNTO refused", map[string]func(string) string{"RNTO": says("553 cannot rename")}},
		{"only onto itself", map[string]func(string) string{"RNTO": func(to string) string {
			if strings.HasSuffix(to, ".old"+protocols.PartSuffix) {
				return ""
			}
			return "553 cannot rename"
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := (&oddServer{Reply: tt.reply, Features: []string{"SIZE"}, Files: map[string]string{"f": "old"}}).start(t)
			once := struct{ io.Reader }{strings.NewReader("new")} // it cannot be read again
			_, err := srv.client(t, nil).Put(t.Context(), "f", once, nil)
			wantKind(t, err, protocols.KindRefused)
			text, _ := srv.file("f")
			aside, moved := srv.file("f.old" + protocols.PartSuffix)
			if new, _ := srv.file("f" + protocols.PartSuffix); new != "new" || text != "old" && aside != "old" {
				t.Errorf("f %q, moved aside %v %q, new %q", text, moved, aside, new)
			}
		})
	}
}

// TestNoRename: a server that has the file and does not rename it gets it under the final
// name, at once from the second one on. One that has lost it is another case.
func TestNoRename(t *testing.T) {
	for _, tt := range []struct {
		name, rnfr string
		lost       bool
	}{{"not implemented", "502 no", false}, {"refused", "550 permission denied", false}, {"the file is gone", "550 no such file", true}} {
		t.Run(tt.name, func(t *testing.T) {
			reply := map[string]func(string) string{"RNFR": says(tt.rnfr)}
			if tt.lost {
				reply["SIZE"] = says("550 no such file")
			}
			srv := (&oddServer{Reply: reply, Features: []string{"SIZE"}, Files: map[string]string{"f": "old", "g": "old"}}).start(t)
			memory := &protocols.Memory{}
			for _, name := range []string{"f", "g"} {
				r := strings.NewReader("before new")
				_, _ = r.Seek(int64(len("before ")), io.SeekStart)
				_, err := srv.client(t, &protocols.Options{Memory: memory}).Put(t.Context(), name, r, nil)
				text, _ := srv.file(name)
				_, part := srv.file(name + protocols.PartSuffix)
				if (err != nil) != tt.lost || part != tt.lost || text != map[bool]string{false: "new", true: "old"}[tt.lost] {
					t.Errorf("%s %q, a part: %v, %v", name, text, part, err)
				}
			}
			if n := strings.Count(srv.commands(), "RNFR"); n != map[bool]int{false: 1, true: 2}[tt.lost] {
				t.Errorf("RNFR was sent %d times", n)
			}
		})
	}
}

// TestRenameOver: a server that does not rename onto a file that is there.
func TestRenameOver(t *testing.T) {
	srv := &oddServer{Features: []string{"SIZE"}, Files: map[string]string{"f": "old"}}
	srv.Reply = map[string]func(string) string{"RNTO": func(to string) string {
		if _, there := srv.file(to); there {
			return "550 Cannot create a file when that file already exists."
		}
		return ""
	}}
	_, err := srv.start(t).client(t, nil).Put(t.Context(), "f", strings.NewReader("new"), nil)
	if text, _ := srv.file("f"); err != nil || text != "new" || len(srv.Files) != 1 {
		t.Errorf("%v, %q", err, srv.Files)
	}
}

// TestAbortedAs226: a server that broke a transfer off and says so with 226 has not
// transferred it.
func TestAbortedAs226(t *testing.T) {
	srv := (&oddServer{Files: map[string]string{"f": "first half"}, End: "226 Transfer aborted."}).start(t)
	c := srv.client(t, nil)
	_, err := readAll(t.Context(), c, "f", nil)
	wantKind(t, err, protocols.KindProtocol)
	_, err = c.Put(t.Context(), "f", strings.NewReader("new"), nil)
	wantKind(t, err, protocols.KindProtocol)
	if text, _ := srv.file("f"); text != "first half" {
		t.Errorf("the old file is %q", text)
	}
}

// TestRenameBroken: the session ends, or the server refuses all renames, at some point of
// a rename onto a file that is there. Both files are kept, and the error says where.
func TestRenameBroken(t *testing.T) {
	const part, aside = "f" + protocols.PartSuffix, "f.old" + protocols.PartSuffix
	for _, tt := range []struct {
		name   string
		at     int    // the RNTO at which it happens
		reply  string // to it
		refuse bool   // all later ones too
		old    string // name of the old file afterwards
		hint   string
	}{
		{name: "before anything", at: 1, reply: hangUp, old: "f"},
		{name: "before the old file is moved", at: 2, reply: hangUp, old: "f", hint: aside},
		{name: "after the old file was moved", at: 2, reply: doneAndHangUp, old: aside, hint: aside},
		{name: "before the new file is renamed", at: 3, reply: hangUp, old: aside, hint: aside},
		{name: "refused from then on", at: 3, reply: "553 no", refuse: true, old: aside, hint: aside},
		{name: "refused once", at: 3, reply: "553 no", old: "f", hint: part},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			srv := &oddServer{Features: []string{"SIZE"}, Files: map[string]string{"f": "old"}}
			srv.Reply = map[string]func(string) string{"RNTO": func(to string) string {
				n++
				if _, there := srv.file(to); n == tt.at || tt.refuse && n > tt.at {
					return tt.reply
				} else if there {
					return "553 it exists"
				}
				return ""
			}}
			_, err := srv.start(t).client(t, nil).Put(t.Context(), "f", strings.NewReader("new!"), nil)
			old, _ := srv.file(tt.old)
			stored, _ := srv.file(part)
			e, failed := errors.AsType[*protocols.Error](err)
			if old != "old" || stored != "new!" || !failed || !strings.Contains(e.Hint, tt.hint) || tt.hint == "" && e.Hint != "" {
				t.Errorf("%v, %q", err, srv.Files)
			}
		})
	}
}

// TestResumedUpload: whatever the server makes of REST and APPE, the file is whole,
// or the upload fails and its partial file is gone.
func TestResumedUpload(t *testing.T) {
	const whole = "0123456789"
	refuse := map[string]func(string) string{"APPE": says("502 no")}
	for _, tt := range []struct {
		name string
		srv  *oddServer
		part string
		ok   bool
	}{
		{name: "APPE", srv: &oddServer{}, part: whole[:4], ok: true},
		{name: "REST", srv: &oddServer{Reply: refuse}, part: whole[:4], ok: true},
		{name: "REST in a longer file", srv: &oddServer{}, part: whole[:6], ok: true},
		{name: "REST ignored", srv: &oddServer{Reply: refuse, Accepts: true}, part: whole[:4]},
		{name: "partial file shorter", srv: &oddServer{}, part: whole[:3]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := tt.srv
			srv.Features, srv.Files = []string{"SIZE", "REST STREAM"}, map[string]string{"f": "old", "f" + protocols.PartSuffix: tt.part}
			c := srv.start(t).client(t, nil)
			_, err := c.Put(t.Context(), "f", strings.NewReader(whole[4:]), &protocols.PutOptions{Offset: 4})
			text, _ := srv.file("f")
			if tt.ok && (err != nil || text != whole) {
				t.Errorf("%q, %v", text, err)
			}
			if !tt.ok && (!errors.Is(err, protocols.ErrChanged) || protocols.IsRetryable(err) || text != "old") {
				t.Errorf("%q, %v; want ErrChanged, and the old file", text, err)
			}
		})
	}
}

// farConn is a connection that seems to lead to a remote host.
type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 21} }

// TestAnonymousSecret: a password without a user is not sent as anonymous's, and
// one of somebody's to no remote host without TLS, whatever the user's name.
func TestAnonymousSecret(t *testing.T) {
	srv := (&oddServer{}).start(t)
	for _, tt := range []struct {
		user string // in the URL
		cred protocols.Credential
		sent string // as the password; empty: none
	}{
		{"alice@", protocols.Credential{User: "alice", Password: "Tops3cret"}, ""},
		{"alice@", protocols.Credential{Password: "Tops3cret"}, ""},
		{"", protocols.Credential{User: "ftp", Password: "Tops3cret"}, ""},
		{"", protocols.Credential{Password: "Tops3cret"}, ""},
		{"", protocols.Credential{}, "anonymous@"},
		{"anonymous@", protocols.Credential{Password: "alice@example.org"}, "alice@example.org"},
	} {
		before := len(srv.commands())
		c, _, err := protocols.Open[*ftp.Client](ftp.Spec(), "ftp://"+tt.user+"ftp.example.org/", &protocols.Options{
			TLS: protocols.TLS{Mode: protocols.TLSOff},
			Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
				return tt.cred, nil
			},
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, srv.Address)
				return farConn{c}, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Pwd(t.Context())
		c.Close()
		got := srv.commands()[before:]
		if tt.sent == "" && (protocols.KindOf(err) != protocols.KindAuth || strings.Contains(got, "USER")) {
			t.Errorf("%+v: %v; commands %q", tt, err, got)
		}
		if tt.sent != "" && (err != nil || !slices.Contains(strings.Split(got, "\n"), "PASS "+tt.sent)) {
			t.Errorf("%+v: %v; commands %q", tt, err, got)
		}
	}
}

// TestRefusedPassword: a password that FTP cannot carry stands in no error.
func TestRefusedPassword(t *testing.T) {
	srv := (&oddServer{}).start(t)
	for _, cred := range []protocols.Credential{
		{User: "alice", Password: "hunter2\r"}, {User: "alice", Password: "hunter2\nhunter2"}, {User: "alice", Password: "x\x00hunter2"},
		{User: "alice", Password: "x", Account: "hunter2\r"},
	} {
		c := srv.client(t, &protocols.Options{Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
			return cred, nil
		}})
		_, err := c.Pwd(t.Context())
		wantKind(t, err, protocols.KindUsage)
		if text := fmt.Sprintf("%v %+v %q", err, err, err); strings.Contains(text, "hunter") {
			t.Errorf("the password is in %s", text)
		}
	}
	if strings.Contains(srv.commands(), "USER") {
		t.Errorf("commands: %q", srv.commands())
	}
}

// TestLoginReplies: any 2xx ends the login (RFC 959 5.4).
func TestLoginReplies(t *testing.T) {
	for verb, text := range map[string]string{"USER": "220 you are in", "PASS": "202 superfluous"} {
		srv := (&oddServer{Reply: map[string]func(string) string{verb: says(text)}}).start(t)
		if _, err := srv.client(t, nil).Pwd(t.Context()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestRenameAnswered: a 2xx to RNFR is not a rename.
func TestRenameAnswered(t *testing.T) {
	srv := (&oddServer{Reply: map[string]func(string) string{"RNFR": says("200 fine")}, Files: map[string]string{"f": "x"}}).start(t)
	wantKind(t, srv.client(t, nil).Move(t.Context(), "f", "g"), protocols.KindProtocol)
}

// feb is a time to set.
var feb = time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)

// TestMaxSize: a file that is known to be too large is not transferred at all.
func TestMaxSize(t *testing.T) {
	srv := (&oddServer{Files: map[string]string{"f": "12345"}}).start(t)
	c := srv.client(t, nil)
	_, err := readAll(t.Context(), c, "f", &protocols.GetOptions{MaxSize: 4})
	wantKind(t, err, protocols.KindProtocol)
	if got := srv.commands(); strings.Contains(got, "RETR") || !strings.Contains(got, "SIZE") {
		t.Errorf("commands: %q", got)
	}
	if b, err := readAll(t.Context(), c, "f", &protocols.GetOptions{MaxSize: 5}); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
}
