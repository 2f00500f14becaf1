package maillab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// smtpTap is the [tap] for SMTP. TLS is below it, so that all that it does it does
// there too.
type smtpTap struct {
	*frame.Tap
	s       *SMTPServer
	tls     *tls.Conn // nil without TLS
	anew    bool      // STARTTLS is done, and EHLO has to come
	inject  string    // to be added to the next reply
	hello   bool      // the reply to EHLO is under way
	reply   []byte    // what came of it
	content bool      // lines are content until one dot
}

func newSMTPTap(s *SMTPServer, conn net.Conn) *smtpTap {
	t := &smtpTap{Tap: frame.NewTap(conn), s: s}
	t.Tap.Next = t.next
	return t
}

// next reads a line; a command that a fault or the tap itself answers is not
// handed on.
func (t *smtpTap) next() error {
	line, err := t.In.ReadSlice('\n')
	if t.content {
		t.content = string(line) != ".\r\n"
		t.Line = line
		if err == bufio.ErrBufferFull || len(line) > 0 {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if t.First() && frame.IsHTTP(text) {
		t.Close()
		return io.EOF
	}
	verb, arg := frame.SplitCommand(text)
	t.s.front.Record(text)
	if f, ok := t.s.front.Faults.Verb(verb); ok {
		if !t.play(f) {
			t.Close()
			return io.EOF
		}
		return nil
	}
	if f, ok := t.s.front.Faults.Injected(verb); ok {
		t.inject = f.Text + "\r\n"
	}
	if answer, ours := t.answer(verb, arg); ours {
		_, err := io.WriteString(t, answer)
		return err
	}
	if verb == "STARTTLS" && t.upgrades() {
		return t.startTLS()
	}
	t.hello = verb == "EHLO" || verb == "LHLO"
	if t.anew = t.anew && !t.hello && verb != "QUIT"; t.anew { // RFC 3207 4.2
		_, err := io.WriteString(t, "503 5.5.1 EHLO first\r\n")
		return err
	}
	if verb == "BDAT" {
		fmt.Sscan(arg, &t.Raw) // the server refuses what is not a number
		t.Raw = max(t.Raw, 0)
	}
	t.Line = line
	if verb == "MAIL" {
		return t.mail(arg)
	}
	return nil
}

// play does what a fault says; false means that the connection is to end.
func (t *smtpTap) play(f base.Fault) bool { return t.Tap.Play(f, "421") }

// answer answers what go-smtp cannot: VRFY, EXPN, HELP and ETRN.
func (t *smtpTap) answer(verb, arg string) (answer string, ours bool) {
	s := t.s
	switch verb {
	case "VRFY":
		if user, ok := s.userOf(arg); ok {
			return "250 2.1.5 <" + user + "@lab.localhost>\r\n", true
		}
		return "550 5.1.1 No such user here\r\n", true
	case "EXPN":
		if !strings.EqualFold(arg, "staff") {
			return "550 5.1.1 No such list here\r\n", true
		}
		var b strings.Builder
		users := s.mail.Users()
		for i, u := range users {
			sep := "-"
			if i == len(users)-1 {
				sep = " "
			}
			fmt.Fprintf(&b, "250%s2.1.5 <%s@lab.localhost>\r\n", sep, u)
		}
		return b.String(), true
	case "HELP":
		return "214-2.0.0 This server knows\r\n214 2.0.0 EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN ETRN HELP QUIT\r\n", true
	case "ETRN":
		return "253 2.0.0 No messages wait for " + arg + "\r\n", true
	}
	return "", false
}

// Write passes replies on: that to EHLO with the keywords that are this server's own
// and without those it is to hide, and any with injected bytes after it.
func (t *smtpTap) Write(p []byte) (int, error) {
	out := p
	if t.hello { // it comes line by line
		t.reply = append(t.reply, p...)
		last := t.reply[bytes.LastIndexByte(t.reply[:len(t.reply)-1], '\n')+1:]
		if !bytes.HasSuffix(last, []byte("\n")) || len(last) > 3 && last[3] == '-' {
			return len(p), nil
		}
		out = t.offer(t.reply)
		t.hello, t.reply = false, nil
	}
	if t.inject != "" {
		out = append(bytes.Clone(out), t.inject...)
		t.inject = ""
	}
	t.content = t.content || bytes.HasPrefix(p, []byte("354"))
	if _, err := t.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
