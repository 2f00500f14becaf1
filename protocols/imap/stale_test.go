package imap

import (
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestStaleAnswer: inside an operation too an answer that came before its command is not
// believed, though it has the tag that the command gets.
func TestStaleAnswer(t *testing.T) {
	no := "{tag} NO [NOPERM] no\r\n"
	remove := func(c *Client) error { return c.Remove(t.Context(), "INBOX;UID=2") }
	for _, test := range []struct {
		name string
		says map[string]string
		call func(c *Client) error
	}{
		{"next tag", map[string]string{"UID SEARCH": "* SEARCH 2\r\n{tag} OK done\r\nA3 OK done\r\n", "UID STORE": no}, remove},
		{"next tag, and untagged", map[string]string{"UID SEARCH": "* SEARCH 2\r\n{tag} OK done\r\nA3 OK done\r\n* 5 EXISTS\r\n", "UID STORE": no}, remove},
		{"continuation", map[string]string{"APPEND": "{tag} NO [TRYCREATE] no\r\n", "CREATE": "{tag} OK done\r\n+ go ahead\r\n"}, func(c *Client) error {
			c.Settings.Create = true
			_, err := c.Put(t.Context(), "box", strings.NewReader("x1 CREATE owned\r\n"), nil)
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hello\r\n", says: test.says}
			c := w.client(t, nil)
			c.tag = "A"
			if err := test.call(c); protocols.KindOf(err) != protocols.KindRefused {
				t.Errorf("%v, want the refusal", err)
			}
			must(t, c.Subscribe(t.Context(), "x", false)) // all before it has been read then
			close(w.seen)
			for line := range w.seen {
				if strings.Contains(line, "owned") {
					t.Errorf("sent %q", line)
				}
			}
		})
	}
}

// farConn is a connection to another machine, as far as its address says.
type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

// TestPreauth: a server that wants no login gets no command on a connection that the
// password may not go over; elsewhere there is a warning.
func TestPreauth(t *testing.T) {
	for _, test := range []struct {
		name, url string
		far       bool
		allow     bool
		want      protocols.Kind
		warns     bool
	}{
		{"remote", "imap://alice:Xyzzy-1@mail.example.org/", true, false, protocols.KindAuth, false},
		{"remote, allowed", "imap://alice:Xyzzy-1@mail.example.org/", true, true, 0, true},
		{"remote, nobody's", "imap://mail.example.org/", true, false, 0, false},
		{"here", "imap://alice:Xyzzy-1@localhost/", false, false, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n"}
			warned := false
			o := &protocols.Options{AllowPlaintextAuth: test.allow, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := w.dial(t)(ctx, network, addr)
				if test.far {
					conn = farConn{conn}
				}
				return conn, err
			}, Trace: func(ev protocols.Event) { warned = warned || ev.Kind == protocols.EventWarning }}
			c := labtest.Open(t, New, test.url, o)
			_, err := c.Put(t.Context(), "INBOX", strings.NewReader("Subject: x\r\n\r\n"), nil)
			if test.want != 0 && protocols.KindOf(err) != test.want || test.want != 0 && !errors.Is(err, protocols.ErrCleartext) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if warned != test.warns {
				t.Errorf("a warning: %v", warned)
			}
			asked := len(w.seen) > 0
			if asked != (test.want == 0) {
				t.Errorf("the server was asked: %v", asked)
			}
		})
	}
}

// deflated serves one connection with COMPRESS. After the first SUBSCRIBE it says
// farewell, if it has one, and ends.
func deflated(conn net.Conn, farewell string) {
	defer conn.Close()
	var out interface {
		io.Writer
		Flush() error
	} = bufio.NewWriter(conn)
	in := bufio.NewReader(conn)
	say := func(text string) {
		_, _ = io.WriteString(out, text)
		_ = out.Flush()
	}
	say("* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, verb, _ := strings.Cut(strings.TrimSpace(line), " ")
		say(tag + " OK done\r\n")
		if verb == "COMPRESS DEFLATE" {
			out, _ = flate.NewWriter(conn, 1)
			in = bufio.NewReader(flate.NewReader(in))
		}
		if farewell != "" && strings.HasPrefix(verb, "SUBSCRIBE") {
			say(farewell)
			return
		}
	}
}

// TestCompressedRest: the end of a compressed session is seen before the next command is
// sent on it.
func TestCompressedRest(t *testing.T) {
	var sessions atomic.Int32
	ended := make(chan struct{})
	addr := labtest.Serve(t, func(conn net.Conn) {
		if sessions.Add(1) == 1 {
			deflated(conn, "* BYE idle for too long\r\n")
			close(ended)
			return
		}
		deflated(conn, "")
	})
	c := labtest.Open(t, New, "imap://alice:Xyzzy-1@"+addr+"/", nil)
	c.Settings.Compress = true
	must(t, c.Subscribe(t.Context(), "x", false))
	<-ended
	must(t, c.Make(t.Context(), "box"))
}

// TestArchiveMakesMailbox: a mailbox that is not there is made, whatever the server says
// of it; one that is there and cannot be opened is not.
func TestArchiveMakesMailbox(t *testing.T) {
	for _, test := range []struct {
		name, says, list string
		made             bool
		want             protocols.Kind
	}{
		{"BAD, not listed", "{tag} BAD SELECT failed\r\n", "{tag} OK done\r\n", true, protocols.KindRefused},
		{"NO, not listed", "{tag} NO SELECT failed\r\n", "{tag} OK done\r\n", true, protocols.KindRefused},
		{"NO, listed", "{tag} NO SELECT failed\r\n", "* LIST () \"/\" box\r\n{tag} OK done\r\n", false, protocols.KindRefused},
		{"no rights", "{tag} NO [NOPERM] no\r\n", "{tag} OK done\r\n", false, protocols.KindRefused},
		{"for now", "{tag} BAD User is authenticated but not connected.\r\n", "{tag} OK done\r\n", false, protocols.KindTemporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := hostile{seen: make(chan string, 100), says: map[string]string{"SELECT": test.says, "LIST": test.list}}
			c := w.client(t, nil)
			_, err := c.OpenArchive(t.Context(), "box", nil)
			if protocols.KindOf(err) != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
			close(w.seen)
			made := false
			for line := range w.seen {
				made = made || strings.Contains(line, " CREATE ")
			}
			if made != test.made {
				t.Errorf("made: %v", made)
			}
		})
	}
}

// TestFleetingUIDs: where UIDs hold for one session only, the next one does not take the
// names of the last for its own, and a sync knows that the ids are void.
func TestFleetingUIDs(t *testing.T) {
	for name, says := range map[string]string{
		"no UIDVALIDITY": "* 1 EXISTS\r\n{tag} OK done\r\n",
		"UIDNOTSTICKY":   "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* NO [UIDNOTSTICKY] x\r\n{tag} OK done\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := hostile{says: map[string]string{"EXAMINE": says, "SELECT": says, "UID SEARCH": "* SEARCH 5\r\n{tag} OK done\r\n",
				"FETCH": "* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 3)\r\n{tag} OK done\r\n"}}
			one, two := w.client(t, nil), w.client(t, nil)
			var validity []string
			var names []string
			for _, c := range []*Client{one, one, two} {
				box, err := c.OpenMailbox(t.Context(), "INBOX")
				must(t, err)
				validity = append(validity, box.Validity)
				for e, err := range box.Changes(t.Context(), "") {
					must(t, err)
					names = append(names, e.Path)
				}
			}
			if validity[0] != validity[1] || validity[0] == validity[2] || len(names) != 3 {
				t.Errorf("validity %q, names %q", validity, names)
			}
			must(t, one.Remove(t.Context(), names[0]))
			if err := two.Remove(t.Context(), names[0]); !errors.Is(err, protocols.ErrChanged) {
				t.Errorf("removed in another session: %v", err)
			}
		})
	}
}
