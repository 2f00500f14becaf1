package newslab

import (
	"bytes"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

func newsServer(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestNNTPDialogue talks to the server with the standard library's reader.
func TestNNTPDialogue(t *testing.T) {
	s := newsServer(t, Options{ServerOptions: base.ServerOptions{MaxClients: 1}, NeedLogin: true})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c := textproto.NewConn(conn)
	defer c.Close()
	if _, _, err := c.ReadCodeLine(200); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		line  string
		code  int
		lines bool
	}{
		{"CAPABILITIES", 101, true}, {"GROUP local.test", 480, false}, {"AUTHINFO PASS x", 482, false}, {"AUTHINFO USER alice", 381, false},
		{"AUTHINFO PASS wrong", 481, false}, {"AUTHINFO USER alice", 381, false}, {"AUTHINFO PASS secret", 281, false},
		{"STAT", 412, false}, {"GROUP no.such", 411, false}, {"GROUP local.test", 211, false}, {"STAT", 223, false}, {"LAST", 422, false},
		{"OVER 1-3", 224, true}, {"OVER 90-99", 423, false}, {"HDR Subject 1-", 225, true}, {"ARTICLE 3", 220, true}, {"BODY <9@x>", 430, false},
		{"LIST COUNTS", 215, true}, {"LIST NONSENSE", 501, false}, {"NEWGROUPS 20240101 000000 GMT", 231, true}, {"NEWNEWS", 501, false}, {"FOO", 500, false}, {"QUIT", 205, false},
	} {
		if err := c.PrintfLine("%s", step.line); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadCodeLine(step.code); err != nil {
			t.Errorf("%s: %v", step.line, err)
		}
		if step.lines {
			if lines, err := c.ReadDotLines(); err != nil || len(lines) == 0 {
				t.Errorf("%s: %d lines, %v", step.line, len(lines), err)
			}
		}
	}
	if s.Logins() != 1 || len(s.Commands()) != 23 {
		t.Errorf("%d logins, %d commands", s.Logins(), len(s.Commands()))
	}
}

// TestNewsNumbers: cancelled articles leave gaps, and numbers are never used again.
func TestNewsNumbers(t *testing.T) {
	n := Sample()
	n.Cancel("<6@lab.invalid>")
	n.Cancel("<2@lab.invalid>")
	if _, err := n.Add("Newsgroups: local.test\nSubject: x\nMessage-ID: <x@lab.invalid>\n\nx\n", time.Now()); err != nil {
		t.Fatal(err)
	}
	g := n.group("local.test")
	if count, low, high := n.bounds(g); count != 5 || low != 1 || high != 7 {
		t.Errorf("count %d, %d to %d", count, low, high)
	}
	if n.next(g, 2, 9) != 3 || n.before(g, 7) != 5 || n.next(g, 8, 9) != 0 {
		t.Error("next and before do not skip the gaps")
	}
	if _, err := n.Add("Newsgroups: nowhere\n\nx\n", time.Now()); err == nil {
		t.Error("an article for no group was taken")
	}
}

// FuzzNNTP: the server ends a session whatever the client says, and still serves.
func FuzzNNTP(f *testing.F) {
	s := newsServer(f, Options{ServerOptions: base.ServerOptions{IdleTimeout: time.Second}, Gzip: true})
	f.Add([]byte("GROUP local.test\r\nOVER 1-\r\nXPAT Subject 1- *\r\nLISTGROUP local.test 1-2\r\nNEXT\r\nQUIT\r\n"))
	f.Add([]byte("POST\r\nFrom: a\r\n\r\n..\r\n.\r\nAUTHINFO SASL PLAIN\r\n*\r\nXFEATURE COMPRESS GZIP\r\nOVER 9-1\r\n"))
	f.Add([]byte("TAKETHIS <a@b>\r\n.\r\nCHECK <a@b>\r\nCOMPRESS DEFLATE\r\n\x00\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		go func() {
			conn.Write(data)
			conn.(*net.TCPConn).CloseWrite()
		}()
		got, err := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), "200 ") {
			t.Fatalf("%q, %v", bytes.TrimSpace(got[:min(len(got), 40)]), err)
		}
	})
}
