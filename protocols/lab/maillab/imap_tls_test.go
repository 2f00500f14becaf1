package maillab

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// imapDialogue opens a connection to a server with STARTTLS and reads its greeting.
func imapDialogue(t *testing.T, o IMAPOptions) (*IMAPServer, net.Conn, *bufio.Reader) {
	t.Helper()
	s, err := StartIMAP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return s, conn, in
}

// ask sends a command with the tag a and returns the answer to it, all lines.
func ask(t *testing.T, w io.Writer, in *bufio.Reader, command string) string {
	t.Helper()
	if _, err := io.WriteString(w, "a "+command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for {
		line, err := in.ReadString('\n')
		if all.WriteString(line); err != nil || strings.HasPrefix(line, "a ") {
			return all.String()
		}
	}
}

// TestIMAPStartTLS: TLS begins a session of its own without another greeting, in which
// logins are allowed, a second STARTTLS is not, and faults of commands are played.
func TestIMAPStartTLS(t *testing.T) {
	o := IMAPOptions{}
	o.TLS = base.TLSRequired
	o.Faults = base.Faults{{Kind: base.FaultCode, Verb: "NOOP", Text: "NO later"}}
	s, conn, in := imapDialogue(t, o)
	if got := ask(t, conn, in, "LOGIN alice secret"); !strings.HasPrefix(got, "a NO ") {
		t.Errorf("a login without TLS: %q", got)
	}
	if got := ask(t, conn, in, "CAPABILITY"); !strings.Contains(got, "LOGINDISABLED") || !strings.Contains(got, "STARTTLS") {
		t.Errorf("offered without TLS: %q", got)
	}
	if got := ask(t, conn, in, "STARTTLS"); !strings.HasPrefix(got, "a OK ") {
		t.Fatalf("STARTTLS: %q", got)
	}
	secure := tls.Client(conn, s.Authority().ClientConfig())
	in = bufio.NewReader(secure)
	for _, c := range []struct{ command, want, never string }{
		{"CAPABILITY", "* CAPABILITY ", "STARTTLS"},
		{"STARTTLS", "a NO ", "a OK"},
		{"NOOP", "a NO later", "a OK"},
		{"LOGIN alice secret", "a OK ", "a NO"},
		{"SELECT INBOX", "a OK ", "a NO"},
		{"LOGOUT", "a OK ", "a NO"},
	} {
		got := ask(t, secure, in, c.command)
		if !strings.Contains(got, c.want) || strings.Contains(got, c.never) || strings.Contains(got, "ready") {
			t.Errorf("%s under TLS: %q, want %q", c.command, got, c.want)
		}
	}
}

// TestIMAPStartTLSAfterLogin: RFC 3501 6.2.1 has STARTTLS before the login only.
func TestIMAPStartTLSAfterLogin(t *testing.T) {
	o := IMAPOptions{}
	o.TLS = base.TLSExplicit
	_, conn, in := imapDialogue(t, o)
	for _, c := range []struct{ command, want string }{{"LOGIN alice secret", "a OK "}, {"STARTTLS", "a BAD "}, {"NOOP", "a OK "}} {
		if got := ask(t, conn, in, c.command); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
}

// TestIMAPStartTLSTakesNothingEarly: what comes with STARTTLS is not taken for what was
// said under TLS.
func TestIMAPStartTLSTakesNothingEarly(t *testing.T) {
	o := IMAPOptions{}
	o.TLS = base.TLSExplicit
	_, conn, in := imapDialogue(t, o)
	if got := ask(t, conn, in, "STARTTLS\r\nb LOGIN alice secret"); !strings.HasPrefix(got, "a OK ") {
		t.Fatalf("STARTTLS: %q", got)
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("the server went on: %q", rest)
	}
}
