package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// smtpTap is a connection as go-smtp sees it: TLS is below, so that all that a tap
// does it does there too. It gives one command line at each Read, so that a scripted
// fault can take the place of a command and its reply in the right order.
type smtpTap struct {
	net.Conn // with TLS that
	s        *SMTPServer
	tls      *tls.Conn // nil in clear
	anew     bool      // STARTTLS is done, and EHLO has to come
	in       *bufio.Reader
	line     []byte // of the last command, not handed out yet
	inject   string // to be added to the next reply
	hello    bool   // the reply to EHLO is under way
	reply    []byte // what came of it
	content  bool   // lines are content until one dot
	chunk    int64  // bytes of a BDAT chunk still to come

	once  sync.Once
	ended chan struct{}
}

func newSMTPTap(s *SMTPServer, conn net.Conn) *smtpTap {
	return &smtpTap{Conn: conn, s: s, in: bufio.NewReaderSize(conn, 32<<10), ended: make(chan struct{})}
}

// Close ends the connection and tells the frame.
func (t *smtpTap) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { close(t.ended) })
	return err
}

// Read gives content as it comes, and commands line by line.
func (t *smtpTap) Read(p []byte) (int, error) {
	if t.chunk > 0 {
		n, err := t.in.Read(p[:min(int64(len(p)), t.chunk)])
		t.chunk -= int64(n)
		return n, err
	}
	for len(t.line) == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.line)
	t.line = t.line[n:]
	return n, nil
}

// next reads a line; a command that a fault or the tap itself answers is not
// handed on.
func (t *smtpTap) next() error {
	line, err := t.in.ReadSlice('\n')
	if t.content {
		t.content = string(line) != ".\r\n"
		t.line = line
		if err == bufio.ErrBufferFull || len(line) > 0 {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(line), "\r\n")
	verb, arg := splitCommand(text)
	t.s.record(text)
	if f, ok := t.s.faults.verb(verb); ok {
		if !t.play(f) {
			t.Close()
			return io.EOF
		}
		return nil
	}
	if f, ok := t.s.faults.injected(verb); ok {
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
		fmt.Sscan(arg, &t.chunk) // what is no number is for the server to refuse
		t.chunk = max(t.chunk, 0)
	}
	t.line = line
	if verb == "MAIL" {
		return t.mail(arg)
	}
	return nil
}

// play does what a fault says; false means that the connection is to end.
func (t *smtpTap) play(f Fault) bool {
	switch f.Kind {
	case FaultHang:
		io.Copy(io.Discard, t.in)
		return false
	case FaultReset:
		reset(t.Conn)
		return false
	case FaultDrop:
		return false
	}
	return misbehave(t.Conn, f) && !strings.HasPrefix(f.Text, "421")
}

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
// and without those it is to hide, and any with injected bytes behind it.
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
