package maillab

import (
	"crypto/md5"
	"encoding/hex"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

func maildropServer(t testing.TB, o POP3Options) *POP3Server {
	t.Helper()
	s, err := StartPOP3(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// greeted connects with the standard library's reader, and returns the greeting.
func greeted(t *testing.T, s *POP3Server) (*textproto.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c := textproto.NewConn(conn)
	t.Cleanup(func() { c.Close() })
	line, err := c.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	return c, line
}

// popStep is a command and how its answer begins. In lines is what the lines after
// it are together, or "*" when any will do.
type popStep struct{ line, answer, lines string }

func popDialogue(t *testing.T, c *textproto.Conn, steps []popStep) {
	t.Helper()
	for _, step := range steps {
		if err := c.PrintfLine("%s", step.line); err != nil {
			t.Fatal(err)
		}
		answer, err := c.ReadLine()
		if err != nil || !strings.HasPrefix(answer, step.answer) {
			t.Fatalf("%s: %q, %v, want %q", step.line, answer, err, step.answer)
		}
		if step.lines == "" {
			continue
		}
		lines, err := c.ReadDotLines()
		if got := strings.Join(lines, "|"); err != nil || step.lines != "*" && got != step.lines {
			t.Errorf("%s: %q, %v, want %q", step.line, got, err, step.lines)
		}
	}
}

// TestPOP3Dialogue: every command, in its state and out of it.
func TestPOP3Dialogue(t *testing.T) {
	s := maildropServer(t, POP3Options{ServerOptions: base.ServerOptions{MaxClients: 1}})
	c, _ := greeted(t, s)
	popDialogue(t, c, []popStep{
		{"STAT", "-ERR", ""}, {"CAPA", "+OK", "*"}, {"STLS", "-ERR", ""}, {"PASS secret", "-ERR", ""}, {"LANG", "+OK", "en English"}, {"LANG xx", "-ERR", ""},
		{"USER alice", "+OK", ""}, {"PASS wrong", "-ERR [AUTH]", ""}, {"USER alice", "+OK", ""}, {"PASS secret", "+OK 5 messages", ""}, {"USER alice", "-ERR", ""},
		{"LIST 1", "+OK 1 ", ""}, {"LIST 9", "-ERR", ""}, {"LIST 0", "-ERR", ""}, {"LIST x", "-ERR", ""}, {"UIDL", "+OK", "*"}, {"UIDL 2", "+OK 2 ", ""}, {"RETR 2", "+OK", "*"},
		{"TOP 1", "-ERR", ""}, {"TOP 1 -1", "-ERR", ""}, {"TOP 9 1", "-ERR", ""}, {"FOO", "-ERR", ""}, {"", "-ERR", ""},
		{"DELE 3", "+OK", ""}, {"DELE 3", "-ERR", ""}, {"RETR 3", "-ERR", ""}, {"STAT", "+OK 4 ", ""}, {"RSET", "+OK", ""}, {"STAT", "+OK 5 ", ""}, {"NOOP", "+OK", ""}, {"DELE 5", "+OK", ""},
	})
	if _, greeting := greeted(t, s); !strings.HasPrefix(greeting, "-ERR [SYS/TEMP]") {
		t.Errorf("a second client is greeted with %q", greeting)
	}
	popDialogue(t, c, []popStep{{"QUIT", "+OK", ""}})
	if info, err := s.Mail().Info("alice", Inbox); err != nil || info.Messages != 4 {
		t.Errorf("%d messages are left, %v", info.Messages, err)
	}
	if s.Logins() != 1 || len(s.Commands()) != 32 {
		t.Errorf("%d logins, %d commands", s.Logins(), len(s.Commands()))
	}
}

// TestPOP3Dots: a body comes as it is stored, and TOP returns as much as was asked for.
func TestPOP3Dots(t *testing.T) {
	mail := NewMailboxes(Limits{})
	for _, text := range []string{"A: b\r\n\r\n.\r\n..\r\n.x\r\n\r\nend\r\n", "A: b\r\n"} {
		if _, err := mail.Append("alice", Inbox, []byte(text), nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := greeted(t, maildropServer(t, POP3Options{Mail: mail, ExtraLines: []string{"odd"}, DoubleIDs: true}))
	popDialogue(t, c, []popStep{
		{"USER alice", "+OK", ""}, {"PASS secret", "+OK", ""}, {"RETR 1", "+OK", "A: b||.|..|.x||end"}, {"RETR 2", "+OK", "A: b"},
		{"TOP 1 0", "+OK", "A: b|"}, {"TOP 1 2", "+OK", "A: b||.|.."}, {"TOP 1 99", "+OK", "A: b||.|..|.x||end"}, {"TOP 2 0", "+OK", "A: b"},
		{"LIST", "+OK", "1 26|2 6|odd"}, {"UIDL", "+OK", "1 same|2 same|odd"},
	})
}

// TestPOP3Logins: APOP by the stamp of the greeting, RPOP, and one session a maildrop.
func TestPOP3Logins(t *testing.T) {
	s := maildropServer(t, POP3Options{Disable: []string{"TOP", "AUTH"}})
	first, greeting := greeted(t, s)
	_, stamp, _ := strings.Cut(greeting, "<")
	sum := md5.Sum([]byte("<" + stamp + "secret"))
	popDialogue(t, first, []popStep{
		{"APOP alice 00", "-ERR [AUTH]", ""}, {"APOP nobody 00", "-ERR [AUTH]", ""}, {"AUTH PLAIN", "-ERR Unknown", ""},
		{"APOP alice " + hex.EncodeToString(sum[:]), "+OK", ""}, {"TOP 1 0", "-ERR Unknown", ""}, {"DELE 1", "+OK", ""},
	})
	second, _ := greeted(t, s)
	popDialogue(t, second, []popStep{{"RPOP alice", "-ERR [IN-USE]", ""}})
	first.Close() // without QUIT: nothing is deleted, and the maildrop is free
	popDialogue(t, second, []popStep{{"RPOP nobody", "-ERR [AUTH]", ""}, {"RPOP alice", "+OK 5 ", ""}, {"QUIT", "+OK", ""}})
}
