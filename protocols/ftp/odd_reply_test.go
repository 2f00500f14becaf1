package ftp_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
)

// TestRepliesOfLines: what counts may stand in any line of a reply, and after other text.
func TestRepliesOfLines(t *testing.T) {
	for _, in := range []string{`257 "/home"`, `257 Alice's "cwd" is "/home" now`, "257-Your folder:\r\n257 \"/home\" ok", "257-\"/home\"\r\n257 is current", "257 /home is current"} {
		srv := (&oddServer{Reply: map[string]func(string) string{"PWD": says(in)}}).start(t)
		if dir, err := srv.client(t, nil).Pwd(t.Context()); err != nil || dir != "/home" {
			t.Errorf("%q: %q, %v", in, dir, err)
		}
	}
}

// TestPassiveOfLines: the address stands in any line.
func TestPassiveOfLines(t *testing.T) {
	for _, pasv := range []string{"227-welcome\r\n227 ok (%s)", "227-ok (%s)\r\n227 End", "227-since 2024\r\n227-ok (%s)\r\n227 goes on"} {
		srv := &oddServer{Reply: map[string]func(string) string{"EPSV": says("502 no")}, PASV: pasv, Files: map[string]string{"f": "content"}}
		if b, err := readAll(t.Context(), srv.start(t).client(t, nil), "f", nil); err != nil || string(b) != "content" {
			t.Errorf("%q: %q, %v", pasv, b, err)
		}
	}
}

// TestRestartIgnored: a server that replies 350 to REST and sends the file from its
// start. Not one byte of that is returned, whatever the content and the part are.
func TestRestartIgnored(t *testing.T) {
	noSize := map[string]func(string) string{"SIZE": says("502 no")}
	for name, tt := range map[string]struct {
		srv  *oddServer
		text string
		ok   bool
	}{
		"size":               {srv: &oddServer{}, text: "0123456789", ok: true},
		"size, ignored":      {srv: &oddServer{FromStart: true}, text: "0123456789"},
		"all alike, ignored": {srv: &oddServer{FromStart: true}, text: strings.Repeat("x", 10)},
		"no size":            {srv: &oddServer{Reply: noSize}, text: "0123456789", ok: true},
		"no size, ignored":   {srv: &oddServer{Reply: noSize, FromStart: true}, text: "0123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := tt.srv
			srv.Features, srv.Files = []string{"SIZE", "REST STREAM"}, map[string]string{"f": tt.text}
			c := srv.start(t).client(t, nil)
			for _, o := range []*protocols.GetOptions{{Offset: 4, Length: 3}, {Offset: 4}, {Offset: 9}} {
				b, err := readAll(t.Context(), c, "f", o)
				want := tt.text[o.Offset:]
				if o.Length > 0 {
					want = want[:o.Length]
				}
				if tt.ok && (err != nil || string(b) != want) {
					t.Errorf("%+v: %q, %v", o, b, err)
				}
				if !tt.ok && (!errors.Is(err, errors.ErrUnsupported) || len(b) > 0) {
					t.Errorf("%+v: %q, %v; want ErrUnsupported and nothing", o, b, err)
				}
			}
			if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != tt.text {
				t.Errorf("whole: %q, %v", b, err)
			}
		})
	}
}

// TestGetFolder: the error says that it is a folder, however the server refuses.
func TestGetFolder(t *testing.T) {
	for reply, folder := range map[string]bool{
		"550 Failed to open file.": true, "550 d: not a plain file.": true, "550 d: No such file or directory": false, "550 Permission denied": false,
	} {
		srv := (&oddServer{Folders: map[string]bool{"d": true}, Reply: map[string]func(string) string{"RETR": says(reply)}}).start(t)
		_, err := readAll(t.Context(), srv.client(t, nil), "d", nil)
		e, ok := errors.AsType[*protocols.Error](err)
		if !ok || strings.Contains(e.Hint, "sync") != folder || strings.Contains(err.Error(), "is a folder") != folder || e.Kind != protocols.KindRefused {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// TestRelayMissing: nothing is begun at the destination of a copy between two servers
// whose source is missing, also where there is no SIZE; what was begun goes when the
// source refuses to send.
func TestRelayMissing(t *testing.T) {
	for name, reply := range map[string]map[string]func(string) string{
		"missing": {"SIZE": says("502 no")},
		"refused": {"SIZE": says("213 7"), "RETR": says("550 permission denied")},
	} {
		t.Run(name, func(t *testing.T) {
			from := (&oddServer{Reply: reply, PASV: "227 ok (%s)"}).start(t)
			to := (&oddServer{Reply: map[string]func(string) string{
				"PORT": says("200 ok"),
				"STOR": says("150 go on"),
				"DELE": says("250 gone"),
			}}).start(t)
			err := from.client(t, nil).Relay(t.Context(), "nothere", to.client(t, nil), "copy")
			wantKind(t, err, protocols.KindRefused)
			got := to.commands()
			if stored, swept := strings.Contains(got, "STOR"), strings.Contains(got, "DELE copy"+protocols.PartSuffix); stored != (name == "refused") || swept != stored {
				t.Errorf("stored %v, swept %v:\n%s", stored, swept, got)
			}
		})
	}
}

// TestUrgentAbort: a server that reads ABOR during a transfer only as urgent data. The
// second transfer that is stopped does not cost the session.
func TestUrgentAbort(t *testing.T) {
	srv := (&oddServer{Features: []string{"SIZE"}, Files: map[string]string{"f": strings.Repeat("x", 8<<20)}, Reply: map[string]func(string) string{
		"ABOR": says(silent), "\xff\xf4\xffABOR": says("226 stopped"),
	}}).start(t)
	c := srv.client(t, &protocols.Options{})
	for i := range 3 {
		began := time.Now()
		if err := stopEarly(t, c); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); i > 0 && took > 900*time.Millisecond {
			t.Errorf("transfer %d took %v to stop", i, took)
		}
	}
	if n := srv.connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func stopEarly(t *testing.T, c *ftp.Client) error {
	o, err := c.Get(t.Context(), "f", nil)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(o.Body, make([]byte, 100)); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return o.Body.Close()
}

// TestTypeD: the content of a URL with ";type=d" is the names in the folder (RFC 1738
// 3.2.2), and that of no other.
func TestTypeD(t *testing.T) {
	srv := (&oddServer{Folders: map[string]bool{"d": true}, Files: map[string]string{"d/one": "1"}, List: "one\r\ntwo\r\n"}).start(t)
	u := &url.URL{Scheme: "ftp", Host: srv.Address, User: url.UserPassword("alice", "secret"), Path: "/d;type=d"}
	c, err := ftp.New(u, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string]string{"d": "one\ntwo\n", "d/one": "1"} {
		if b, err := readAll(t.Context(), c, name, nil); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
