package maillab

import (
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// TestRequestsOfBrowsersAreNotCarriedOut: a form of a page, sent to a mail server,
// with commands in its body.
func TestRequestsOfBrowsersAreNotCarriedOut(t *testing.T) {
	smtp := labtest.Start(t, StartSMTP, SMTPOptions{})
	pop3 := labtest.Start(t, StartPOP3, POP3Options{})
	imap := labtest.Start(t, StartIMAP, IMAPOptions{})
	for _, c := range []struct {
		server interface {
			base.Server
			Commands() []string
		}
		command, answer string
	}{
		{smtp, "EHLO evil.example", "250"},
		{pop3, "USER alice", "+OK \r\n"},
		{imap, "a LOGIN alice secret", "a OK"},
	} {
		t.Run(c.server.URL(), func(t *testing.T) {
			conn := labtest.Dial(t, c.server.Addr())
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"+c.command+"\r\n"); err != nil {
				t.Fatal(err)
			}
			text, _ := labtest.ReadUntilEnd(conn)
			if strings.Contains(text, c.answer) || len(c.server.Commands()) > 0 {
				t.Errorf("%q, after %q", text, c.server.Commands())
			}
		})
	}
}
